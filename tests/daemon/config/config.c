/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The configuration: the contents of the installed file, and the values of its
 * keys. */
#include "daemon/config/config.h"

#include "core/base/error.h"

#include <glib/gstdio.h>
#include <string.h>

/* A configuration of one line. (transfer full) (nullable) */
static SyrinxConfig *
load (const gchar *line, GError **error)
{
  g_autofree gchar *path = NULL;
  g_autofree gchar *text = g_strdup_printf ("[syrinx]\n%s\n", line);
  gint fd = g_file_open_tmp ("syrinx-config-XXXXXX", &path, NULL);
  g_autoptr (GHashTable) none
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  SyrinxConfig *config;

  g_assert_cmpint (fd, >=, 0);
  g_close (fd, NULL);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  config = syrinx_config_load (path, none, error);
  g_unlink (path);
  return config;
}

static void
the_installed_file_is_what_the_program_prints (void)
{
  g_autofree gchar *path = g_build_filename (
      g_getenv ("SYRINX_SAMPLES"), "..", "syrinx.conf", NULL);
  g_autofree gchar *printed = syrinx_config_describe (), *file = NULL;

  g_assert_true (g_file_get_contents (path, &file, NULL, NULL));
  g_assert_cmpstr (file, ==, printed);
}

static void
a_number_out_of_range_names_its_key (void)
{
  static const struct
  {
    const gchar *line;
    gboolean is_good;
  } cases[] = {
    { "max-sessions-per-subject=1", TRUE },
    { "max-sessions-per-subject=1000000", TRUE },
    { "max-sessions-per-subject=0", FALSE },
    { "max-sessions-per-subject=1000001", FALSE },
    { "max-sessions-per-subject=-1", FALSE },
    { "max-sessions-per-subject=many", FALSE },
    { "max-sessions-per-address=1", TRUE },
    { "max-sessions-per-address=0", FALSE },
    { "clock-leeway=0", TRUE },
    { "clock-leeway=300", TRUE },
    { "clock-leeway=301", FALSE },
    { "clock-leeway=5s", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (SyrinxConfig) config = load (cases[i].line, &error);
    g_autofree gchar *key
        = g_strndup (cases[i].line, strcspn (cases[i].line, "="));
    g_test_message ("%s: %s", cases[i].line, error ? error->message : "taken");
    g_assert_true ((config != NULL) == cases[i].is_good);
    if (config)
      continue;
    g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID);
    g_assert_nonnull (strstr (error->message, key));
    g_assert_nonnull (strstr (error->message, "line 2"));
  }
}

static void
what_is_not_said_has_its_default (void)
{
  g_autoptr (SyrinxConfig) config = load ("", NULL);

  g_assert_cmpuint (config->max_sessions_per_subject, ==, 16);
  g_assert_cmpuint (config->max_sessions_per_address, ==, 1000);
  g_assert_cmpuint (config->clock_leeway_s, ==, 5);
}

/* A reload applies them; existing listeners are not affected. */
static void
limits_change_in_a_daemon_that_runs (void)
{
  g_autoptr (SyrinxConfig) config = load ("", NULL);
  g_autoptr (SyrinxConfig) fresh
      = load ("max-sessions-per-subject=3\nmax-sessions-per-address=4\n"
              "clock-leeway=0",
          NULL);

  syrinx_config_adopt (config, fresh);
  g_assert_cmpuint (config->max_sessions_per_subject, ==, 3);
  g_assert_cmpuint (config->max_sessions_per_address, ==, 4);
  g_assert_cmpuint (config->clock_leeway_s, ==, 0);
}

/* --check-config says so, and no daemon starts that could not serve. */
static void
a_name_or_address_that_can_not_be_used_is_refused (void)
{
  static const struct
  {
    const gchar *line;
    gboolean is_good;
  } cases[] = {
    { "renditions=opus-16;opus-320;aac-48;aac-320", TRUE },
    { "renditions=mp3-128", FALSE },
    { "renditions=opus-128;opus-15", FALSE },
    { "renditions=opus-321", FALSE },
    { "renditions=aac-47", FALSE },
    { "renditions=opus-0128", FALSE },
    { "renditions=opus-", FALSE },
    { "renditions=opus", FALSE },
    { "http=127.0.0.1:0", TRUE },
    { "http=localhost:8080", TRUE },
    { "http=[::1]:8080", TRUE },
    { "http=none", FALSE },
    { "http=example.org:80", FALSE },
    { "http=127.0.0.1:99999", FALSE },
    { "admin=here", FALSE },
    { "rtsp=none", TRUE },
    { "rtsp=nowhere", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (SyrinxConfig) config = load (cases[i].line, &error);
    g_autofree gchar *key = g_strndup (
        cases[i].line, strchr (cases[i].line, '=') - cases[i].line);
    g_assert_cmpint (config != NULL, ==, cases[i].is_good);
    if (!config)
      g_assert_nonnull (strstr (error->message, key));
  }
}

#define ADD(test) g_test_add_func ("/config/" #test, test)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_unsetenv ("SYRINX_RTSP"); /* it stands over the files that are tried */
  ADD (the_installed_file_is_what_the_program_prints);
  ADD (a_number_out_of_range_names_its_key);
  ADD (a_name_or_address_that_can_not_be_used_is_refused);
  ADD (what_is_not_said_has_its_default);
  ADD (limits_change_in_a_daemon_that_runs);
  return g_test_run ();
}
