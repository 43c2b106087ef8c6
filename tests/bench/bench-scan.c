/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files per second of a first scan, compared with mpd on the same folder. */
#include "figures.h"
#include "tests/daemon/harness.h"

#include <glib/gstdio.h>
#include <string.h>

#define COPIES 30 /* of each sample, which differ in their titles */
#define LINKS                                                                  \
  4 /* sets of hard links to them, so that the start counts less               \
     */
#define ROUNDS 3

static gchar *
make_library (guint *n_files)
{
  gchar *dir = g_dir_make_tmp ("syrinx-bench-XXXXXX", NULL);
  g_autoptr (GBytes) said = NULL;
  g_autofree gchar *count = NULL;

  said = shell (
      "cd \"$SYRINX_SAMPLES\"; "
      "find . -name '*.flac' -o -name '*.mp3' -o -name '*.ogg' -o -name "
      "'*.opus' "
      "-o -name '*.m4a' | while read -r f; do for i in $(seq %d); do "
      "mkdir -p '%s'/$i; ffmpeg -nostdin -v error -i \"$f\" -map 0:a -c copy "
      "-metadata title=\"copy $i\" -metadata:s:a title=\"copy $i\" "
      "'%s'/$i/\"$(basename \"$f\")\"; done; done; cd '%s'; for i in $(seq "
      "%d); do "
      "mkdir links$i; cp -rl [0-9]* links$i; done; find . -type f | wc -l",
      COPIES, dir, dir, dir, LINKS);
  count = g_strndup (g_bytes_get_data (said, NULL), g_bytes_get_size (said));
  *n_files = atoi (count);
  return dir;
}

/* Seconds from the daemon's start to the end of its scan. */
static gdouble
scan_ours (const gchar *library, guint n_files)
{
  gint64 start_us = g_get_monotonic_time ();
  g_autoptr (Daemon) daemon
      = daemon_new (library, "requests-per-second=1000000");
  g_autofree gchar *said = daemon_ctl (daemon, "rescan", "--wait", NULL);
  g_autofree gchar *status = NULL;
  gdouble seconds = (g_get_monotonic_time () - start_us) / 1e6;
  g_autofree gchar *wanted = g_strdup_printf ("%u", n_files);

  status = daemon_ctl (daemon, "status", NULL);
  if (!strstr (status, wanted))
    g_error ("not all of %u files were read:\n%s", n_files, status);
  return seconds;
}

static gdouble
scan_mpd (const gchar *library)
{
  g_autofree gchar *dir = g_dir_make_tmp ("syrinx-mpd-XXXXXX", NULL);
  g_autofree gchar *config = g_strdup_printf (
      "music_directory \"%s\"\ndb_file \"%s/db\"\nstate_file \"%s/state\"\n"
      "pid_file \"%s/pid\"\nlog_file \"%s/log\"\nbind_to_address "
      "\"%s/socket\"\n"
      "auto_update \"no\"\naudio_output {\n  type \"null\"\n  name "
      "\"none\"\n}\n",
      library, dir, dir, dir, dir, dir);
  g_autofree gchar *path = g_build_filename (dir, "mpd.conf", NULL);
  gint64 start_us;
  gdouble seconds;

  if (!g_file_set_contents (path, config, -1, NULL))
    g_error ("can't write %s", path);
  start_us = g_get_monotonic_time ();
  g_bytes_unref (shell ("mpd %s >/dev/null 2>&1; "
                        "MPD_HOST=%s/socket mpc update --wait >/dev/null",
      path, dir));
  seconds = (g_get_monotonic_time () - start_us) / 1e6;
  g_bytes_unref (
      shell ("p=$(cat %s/pid); kill $p; while kill -0 $p 2>/dev/null; "
             "do sleep 0.05; done; rm -rf %s",
          dir, dir));
  return seconds;
}

int
main (void)
{
  guint n_files;
  g_autofree gchar *library = make_library (&n_files);
  gdouble own[ROUNDS], peer[ROUNDS];

  figures_begin ("scan");
  for (guint i = 0; i < ROUNDS; i++) {
    own[i] = n_files / scan_ours (library, n_files);
    peer[i] = n_files / scan_mpd (library);
  }
  figures_add (&(Figure){ "scan_files_per_second", figures_median (own, ROUNDS),
      "1/s", "mpd", figures_median (peer, ROUNDS) });
  g_bytes_unref (shell ("rm -r %s", library));
  return 0;
}
