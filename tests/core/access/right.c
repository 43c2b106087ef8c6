/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rights: every kind of grant with every operation, as one table. */
#include "right-cases.h"

#include "core/base/error.h"

#include <string.h>

static const SyrinxTarget targets[N_TARGETS] = { { "green-1", "ann" },
  { "blue-1", "ann" }, { "green-1", "bob" }, { "blue-1", "bob" } };

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

static SyrinxGrant *
make_grant (const RightCase *one)
{
  gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;

  return syrinx_grant_new ("ann", NULL, syrinx_scope_parse (one->scope),
      one->is_narrow ? "green-*" : NULL, NULL, now_s,
      one->is_over ? now_s - 1 : now_s + 60);
}

static void
every_grant_may_what_the_table_says (void)
{
  for (guint c = 0; c < G_N_ELEMENTS (right_cases); c++) {
    g_autoptr (SyrinxGrant) grant = make_grant (&right_cases[c]);
    for (guint o = 0; o < SYRINX_N_OPERATIONS; o++) {
      gchar said[N_TARGETS + 1] = { 0 };
      for (guint t = 0; t < N_TARGETS; t++) {
        g_autoptr (GError) error = NULL;
        gboolean is_allowed
            = syrinx_right_check (grant, o, &targets[t], &error);
        said[t] = letter_of (is_allowed, error);
      }
      g_test_message ("%s, operation %u: %s", right_cases[c].name, o, said);
      g_assert_cmpstr (said, ==, right_cases[c].answers[o]);
    }
  }
}

/* A token with an unknown scope may still look after its own sessions. */
static void
a_grant_without_scope_may_look_at_its_own_and_end_it (void)
{
  g_autoptr (SyrinxGrant) grant = syrinx_grant_new (
      "ann", NULL, syrinx_scope_parse ("fly"), NULL, NULL, 0, G_MAXINT64);

  for (guint o = 0; o < SYRINX_N_OPERATIONS; o++)
    g_assert_true (syrinx_right_check (grant, o, &targets[0], NULL)
                   == (o == SYRINX_OPERATION_LOOK_AT_SESSION
                       || o == SYRINX_OPERATION_END_SESSION));
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

/* A caller that forgets the target must be refused. */
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
  ADD (a_grant_without_scope_may_look_at_its_own_and_end_it);
  ADD (a_revoked_grant_may_nothing);
  ADD (what_needs_a_target_is_refused_without_one);
  return g_test_run ();
}
