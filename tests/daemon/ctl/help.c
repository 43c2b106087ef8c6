/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What syrinxctl says of its commands, where no daemon runs. */
#include "tests/daemon/harness.h"

#include <string.h>

/* What `syrinxctl @arguments` prints on both outputs; it must end with @status.
 * (transfer full) */
static gchar *
call (const gchar *arguments, gint status)
{
  g_autoptr (GBytes) output = shell (
      "status=0; \"$SYRINX_BUILD\"/daemon/syrinxctl --state-dir /nonexistent "
      "%s 2>&1 || status=$?; test $status = %d",
      arguments, status);

  return g_strndup (g_bytes_get_data (output, NULL), g_bytes_get_size (output));
}

static void
every_command_has_a_help_that_does_nothing (void)
{
  static const gchar *const commands[] = { "status", "search", "play", "rescan",
    "failures", "sessions", "token", "token issue", "token revoke",
    "token jwks", "key", "key status", "key rotate", "check", "reload" };

  for (guint i = 0; i < G_N_ELEMENTS (commands); i++) {
    g_autofree gchar *arguments = g_strconcat (commands[i], " --help", NULL);
    g_autofree gchar *usage = g_strconcat ("syrinxctl ", commands[i], NULL);
    g_autofree gchar *text = call (arguments, 0);
    g_assert_nonnull (strstr (text, "Usage:"));
    g_assert_nonnull (strstr (text, usage));
  }
}

static void
a_command_refuses_what_it_does_not_take (void)
{
  static const gchar *const commands[] = { "status", "reload" };

  for (guint i = 0; i < G_N_ELEMENTS (commands); i++) {
    g_autofree gchar *arguments = g_strconcat (commands[i], " --ful", NULL);
    g_autofree gchar *text = call (arguments, 2);
    g_assert_nonnull (strstr (text, "--ful"));
  }
}

#define ADD(test) g_test_add_func ("/help/" #test, test)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (every_command_has_a_help_that_does_nothing);
  ADD (a_command_refuses_what_it_does_not_take);
  return g_test_run ();
}
