/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rights: every kind of grant against every operation, as one table. */
#include "core/access/right.h"
#include "core/base/error.h"

#include <string.h>

/* Each column is a target: a track or session that the pattern of `narrow`
 * takes or not, and whose session it is. */
#define OWN_IN                                                                 \
  {                                                                            \
    "green-1", "ann"                                                           \
  }
#define OWN_OUT                                                                \
  {                                                                            \
    "blue-1", "ann"                                                            \
  }
#define OTHERS_IN                                                              \
  {                                                                            \
    "green-1", "bob"                                                           \
  }
#define OTHERS_OUT                                                             \
  {                                                                            \
    "blue-1", "bob"                                                            \
  }

static const SyrinxTarget targets[]
    = { OWN_IN, OWN_OUT, OTHERS_IN, OTHERS_OUT };

#define N_TARGETS G_N_ELEMENTS (targets)

/* y: allowed; d: DENIED; n: NOT_FOUND; u: UNAUTHENTICATED. In the order of
 * SyrinxOperation, a word each, whose letters are the targets. */
static const struct
{
  const gchar *name;
  SyrinxScope scope;
  const gchar *tracks; /* (nullable) */
  gint64 ttl_s;
  const gchar *answers[SYRINX_N_OPERATIONS];
} grants[] = {
  { "listener", SYRINX_SCOPE_LISTEN, NULL, 60,
      { "yyyy", "yyyy", "yyyy", "dddd", "yyyy", "yynn", "yynn", "yynn", "yynn",
          "dddd" } },
  { "narrow", SYRINX_SCOPE_LISTEN, "green-*", 60,
      { "yyyy", "ydyd", "ydyd", "dddd", "ydyd", "ydnn", "ydnn", "yynn", "yynn",
          "dddd" } },
  { "original", SYRINX_SCOPE_ORIGINAL, "green-*", 60,
      { "dddd", "dddd", "dddd", "ydyd", "dddd", "dddd", "dddd", "yynn", "yynn",
          "dddd" } },
  { "admin", SYRINX_SCOPE_ADMIN, NULL, 60,
      { "dddd", "dddd", "dddd", "dddd", "dddd", "dddd", "dddd", "yyyy", "yyyy",
          "yyyy" } },
  { "listening admin", SYRINX_SCOPE_LISTEN | SYRINX_SCOPE_ADMIN, "green-*", 60,
      { "yyyy", "ydyd", "ydyd", "dddd", "ydyd", "yddd", "yddd", "yyyy", "yyyy",
          "yyyy" } },
  { "without scope", 0, NULL, 60,
      { "dddd", "dddd", "dddd", "dddd", "dddd", "dddd", "dddd", "yynn", "yynn",
          "dddd" } },
  { "expired", SYRINX_SCOPE_LISTEN | SYRINX_SCOPE_ADMIN, NULL, -1,
      { "uuuu", "uuuu", "uuuu", "uuuu", "uuuu", "uuuu", "uuuu", "uuuu", "uuuu",
          "uuuu" } },
};

static gchar
letter_of (gboolean is_allowed, const GError *error)
{
  g_assert_true (is_allowed == (error == NULL));
  if (is_allowed)
    return 'y';
  g_assert_true (error->domain == SYRINX_ERROR);
  switch (error->code) {
  case SYRINX_ERROR_DENIED:
    return 'd';
  case SYRINX_ERROR_NOT_FOUND:
    return 'n';
  case SYRINX_ERROR_UNAUTHENTICATED:
    return 'u';
  default:
    return '?';
  }
}

static void
every_grant_may_what_the_table_says (void)
{
  gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;

  for (guint g = 0; g < G_N_ELEMENTS (grants); g++) {
    g_autoptr (SyrinxGrant) grant
        = syrinx_grant_new ("ann", NULL, grants[g].scope, grants[g].tracks,
            NULL, now_s, now_s + grants[g].ttl_s);
    for (guint o = 0; o < SYRINX_N_OPERATIONS; o++) {
      gchar said[N_TARGETS + 1] = { 0 };
      for (guint t = 0; t < N_TARGETS; t++) {
        g_autoptr (GError) error = NULL;
        gboolean is_allowed
            = syrinx_right_check (grant, o, &targets[t], &error);
        said[t] = letter_of (is_allowed, error);
      }
      g_test_message ("%s, operation %u: %s", grants[g].name, o, said);
      g_assert_cmpstr (said, ==, grants[g].answers[o]);
    }
  }
}

static void
a_revoked_grant_may_nothing (void)
{
  g_autoptr (SyrinxGrant) grant = syrinx_grant_new (
      "ann", "right-jti", SYRINX_SCOPE_LISTEN, NULL, NULL, 0, G_MAXINT64);
  g_autoptr (GError) error = NULL;

  g_assert_true (syrinx_right_check (
      grant, SYRINX_OPERATION_HEAR_SESSION, &targets[0], NULL));
  syrinx_revoke_jti ("right-jti", G_MAXINT64);
  g_assert_false (syrinx_right_check (
      grant, SYRINX_OPERATION_HEAR_SESSION, &targets[0], &error));
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_UNAUTHENTICATED);
  g_assert_nonnull (strstr (error->message, "revoked"));
}

/* A caller who forgets to say of what must not be let through. */
static void
what_needs_a_target_is_refused_without_one (void)
{
  static const SyrinxOperation needy[] = { SYRINX_OPERATION_READ_TRACK,
    SYRINX_OPERATION_READ_ARTWORK, SYRINX_OPERATION_BEGIN_SESSION,
    SYRINX_OPERATION_HEAR_SESSION, SYRINX_OPERATION_RENEW_SESSION,
    SYRINX_OPERATION_LOOK_AT_SESSION, SYRINX_OPERATION_END_SESSION };
  static const SyrinxTarget empty = { NULL, NULL };
  g_autoptr (SyrinxGrant) grant = syrinx_grant_new (
      "ann", NULL, SYRINX_SCOPE_LISTEN, NULL, NULL, 0, G_MAXINT64);

  for (guint i = 0; i < G_N_ELEMENTS (needy); i++) {
    g_test_message ("operation %u", needy[i]);
    g_assert_false (syrinx_right_check (grant, needy[i], NULL, NULL));
    g_assert_false (syrinx_right_check (grant, needy[i], &empty, NULL));
  }
  g_assert_true (
      syrinx_right_check (grant, SYRINX_OPERATION_BROWSE, NULL, NULL));
}

#define ADD(test) g_test_add_func ("/right/" #test, test)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (every_grant_may_what_the_table_says);
  ADD (a_revoked_grant_may_nothing);
  ADD (what_needs_a_target_is_refused_without_one);
  return g_test_run ();
}
