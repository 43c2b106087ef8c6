/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The instructions by which a cached fragment is sent, counted by callgrind:
 * none may be a cipher's. */
#include "figures.h"
#include "tests/daemon/harness.h"

#include <signal.h>
#include <string.h>

#define N_REQUESTS 300

/* Instructions. */
typedef struct
{
  gdouble total, libcrypto;
} Counts;

static gdouble
read_count (const gchar *line)
{
  g_autofree gchar *digits = g_new0 (gchar, strlen (line) + 1);
  guint n = 0;

  for (; *line && *line != '('; line++)
    if (g_ascii_isdigit (*line))
      digits[n++] = *line;
  return g_ascii_strtod (digits, NULL);
}

/* By library, since Debian's libcrypto has no symbol names. */
static Counts
read_profile (const gchar *file)
{
  g_autoptr (GBytes) said
      = shell ("callgrind_annotate --threshold=100 '%s'", file);
  g_autofree gchar *text
      = g_strndup (g_bytes_get_data (said, NULL), g_bytes_get_size (said));
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  Counts counts = { 0 };

  for (guint i = 0; lines[i]; i++)
    if (strstr (lines[i], "PROGRAM TOTALS"))
      counts.total = read_count (lines[i]);
    else if (strstr (lines[i], "libcrypto.so"))
      counts.libcrypto += read_count (lines[i]);
  return counts;
}

/* Fetches over one connection. Returns: the fragment's size. */
static gsize
fetch (const gchar *fragment, guint n)
{
  g_autoptr (GBytes) said
      = shell ("curl -sSf '%s#[1-%u]' -o /dev/null -w '%%{size_download} '",
          fragment, n);
  g_autofree gchar *text
      = g_strndup (g_bytes_get_data (said, NULL), g_bytes_get_size (said));

  return g_ascii_strtoull (text, NULL, 10);
}

static gchar *
find_fragment (Daemon *daemon)
{
  g_autofree gchar *token = daemon_token (daemon, "bench", "listen");
  g_autofree gchar *id = daemon_find (daemon, token, "many pipes one breath");
  g_autoptr (JsonObject) session = daemon_session (daemon, token, id, NULL);
  const gchar *url = json_object_get_string_member (session, "hls_url");

  gchar *fragment = g_strdup_printf (
      "%.*sopus-128/1.m4s", (int)(strrchr (url, '/') + 1 - url), url);

  fetch (fragment, 2);
  return fragment;
}

int
main (void)
{
  g_autofree gchar *dir = g_dir_make_tmp ("syrinx-profile-XXXXXX", NULL);
  g_autofree gchar *file = g_build_filename (dir, "profile", NULL);
  g_autofree gchar *wrapper
      = g_strdup_printf ("valgrind --quiet --tool=callgrind --instr-atstart=no "
                         "--callgrind-out-file=%s",
          file);
  Daemon *daemon = daemon_new (NULL, NULL);
  g_autofree gchar *fragment = NULL;
  gsize size_bytes;
  Counts counts;

  daemon_wait_for_tracks (daemon, 12);
  g_free (find_fragment (
      daemon)); /* makes it now, since valgrind does not support openat2 */
  daemon_signal (daemon, SIGTERM);
  daemon_wrap (daemon, wrapper);
  daemon_start (daemon);
  fragment = find_fragment (daemon);
  g_bytes_unref (
      shell ("callgrind_control -i on %d", (int)daemon_get_pid (daemon)));
  size_bytes = fetch (fragment, N_REQUESTS);
  g_bytes_unref (
      shell ("callgrind_control -i off %d", (int)daemon_get_pid (daemon)));
  daemon_free (daemon);
  counts = read_profile (file);
  if (!counts.total)
    g_error ("callgrind has counted nothing");
  figures_begin ("profile");
  figures_add (&(Figure){
      "fragment_instructions", counts.total / N_REQUESTS, "1/req", NULL, 0 });
  /* AES takes ten rounds a block, so less than one instruction a block can only
   * be the digest of the capability. */
  figures_add (&(Figure){ "fragment_libcrypto_instructions",
      counts.libcrypto / N_REQUESTS, "1/req", "blocks of AES", size_bytes / 16.,
      GOAL_RATIO_AT_MOST, 1 });
  g_bytes_unref (shell ("rm -r '%s'", dir));
  return 0;
}
