/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rights: a table of what each operation requires of a grant. */
#include "right.h"

#include "core/base/error.h"

typedef enum
{
  OF_ANYBODY,      /* the target belongs to no subject */
  OF_SUBJECT,      /* the target must belong to the grant's subject */
  OF_SUBJECT_ADMIN /* the same, or the grant has scope admin */
} Owner;

typedef enum
{
  OF_NO_TRACK,
  OF_TRACK,  /* the grant must allow the target's track */
  OF_LIBRARY /* the grant must allow all tracks */
} Reach;

typedef struct
{
  SyrinxScope scope; /* 0: no scope is needed */
  const gchar *scope_name;
  Reach reach;
  Owner owner;
} Rule;

#define LISTEN   SYRINX_SCOPE_LISTEN, "listen"
#define ORIGINAL SYRINX_SCOPE_ORIGINAL, "original"
#define ADMIN    SYRINX_SCOPE_ADMIN, "admin"

/* Any token of the subject may look at its own sessions and end them, since
 * neither gives access to audio. */
static const Rule rules[SYRINX_N_OPERATIONS] = {
  [SYRINX_OPERATION_BROWSE] = { LISTEN, OF_NO_TRACK, OF_ANYBODY },
  [SYRINX_OPERATION_BROWSE_FOLDERS] = { LISTEN, OF_LIBRARY, OF_ANYBODY },
  [SYRINX_OPERATION_READ_TRACK] = { LISTEN, OF_TRACK, OF_ANYBODY },
  [SYRINX_OPERATION_READ_ARTWORK] = { LISTEN, OF_TRACK, OF_ANYBODY },
  [SYRINX_OPERATION_READ_ORIGINAL] = { ORIGINAL, OF_TRACK, OF_ANYBODY },
  [SYRINX_OPERATION_BEGIN_SESSION] = { LISTEN, OF_TRACK, OF_ANYBODY },
  [SYRINX_OPERATION_HEAR_SESSION] = { LISTEN, OF_TRACK, OF_SUBJECT },
  [SYRINX_OPERATION_RENEW_SESSION] = { LISTEN, OF_TRACK, OF_SUBJECT },
  [SYRINX_OPERATION_LOOK_AT_SESSION]
  = { 0, NULL, OF_NO_TRACK, OF_SUBJECT_ADMIN },
  [SYRINX_OPERATION_END_SESSION] = { 0, NULL, OF_NO_TRACK, OF_SUBJECT_ADMIN },
  [SYRINX_OPERATION_ADMINISTER] = { ADMIN, OF_NO_TRACK, OF_ANYBODY },
};

static gboolean
check_life (SyrinxGrant *grant, GError **error)
{
  const gchar *denial
      = syrinx_grant_get_denial (grant, g_get_real_time () / G_USEC_PER_SEC);

  if (denial)
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_UNAUTHENTICATED,
        "the token no longer holds: %s", denial);
  return !denial;
}

static gboolean
check_scope (SyrinxGrant *grant, const Rule *rule, GError **error)
{
  if (syrinx_grant_has_scope (grant, rule->scope))
    return TRUE;
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_DENIED,
      "the token's scope does not allow this; it needs %s", rule->scope_name);
  return FALSE;
}

static gboolean
check_owner (SyrinxGrant *grant, const Rule *rule, const SyrinxTarget *target,
    GError **error)
{
  gboolean is_admin = syrinx_grant_has_scope (grant, SYRINX_SCOPE_ADMIN);

  if (rule->owner == OF_ANYBODY || (rule->owner == OF_SUBJECT_ADMIN && is_admin)
      || (target->subject
          && g_str_equal (target->subject, syrinx_grant_get_subject (grant))))
    return TRUE;
  if (is_admin) /* an administrator may know that it exists */
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_DENIED,
        "this session is another listener's");
  else
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND,
        "there is no such session");
  return FALSE;
}

static gboolean
check_reach (SyrinxGrant *grant, const Rule *rule, const SyrinxTarget *target,
    GError **error)
{
  if (rule->reach == OF_NO_TRACK
      || (rule->reach == OF_LIBRARY && !syrinx_grant_is_narrow (grant))
      || (rule->reach == OF_TRACK && target->track_id
          && syrinx_grant_allows_track (grant, target->track_id)))
    return TRUE;
  g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_DENIED,
      rule->reach == OF_TRACK
          ? "the token does not allow this track"
          : "this is for tokens that allow the whole library");
  return FALSE;
}

gboolean
syrinx_right_check (SyrinxGrant *grant, SyrinxOperation operation,
    const SyrinxTarget *target, GError **error)
{
  static const SyrinxTarget none = { NULL, NULL };
  const Rule *rule;

  g_return_val_if_fail (operation < SYRINX_N_OPERATIONS, FALSE);
  rule = &rules[operation];
  if (!target)
    target = &none;
  return check_life (grant, error) && check_scope (grant, rule, error)
         && check_owner (grant, rule, target, error)
         && check_reach (grant, rule, target, error);
}
