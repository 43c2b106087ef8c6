/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The time from POST /v1/sessions to the last byte of the first fragment: of a
 * FLAC that was never played, and of one that is in the cache. */
#include "figures.h"
#include "tests/daemon/harness.h"

#include <stdio.h>
#include <string.h>

#define N_TRACKS      15
#define TRACK_SECONDS 240
#define CACHED_ROUNDS 4
#define LAST_AHEAD    14 /* fragment of the run that the first one starts */

static gchar *
make_library (void)
{
  gchar *dir = g_dir_make_tmp ("syrinx-bench-XXXXXX", NULL);

  for (guint i = 0; i < N_TRACKS; i++)
    g_bytes_unref (shell (
        "ffmpeg -nostdin -v error -f lavfi -i 'aevalsrc=0.3*sin(%u*2*PI*t)"
        "+0.2*sin(%u*t*(1+t/"
        "500))+0.05*(random(0)-0.5)|0.4*sin(%u*t):s=44100:d=%d' "
        "-metadata title='Start %u' %s/%u.flac",
        220 + 7 * i, 900 + 31 * i, 700 + 11 * i, TRACK_SECONDS, i, dir, i));
  return dir;
}

/* Milliseconds to the end of fragment @number. */
static gdouble
start_playing (
    Daemon *daemon, const gchar *token, const gchar *id, guint number)
{
  gint64 start_us = g_get_monotonic_time ();
  g_autoptr (JsonObject) session = daemon_session (daemon, token, id, NULL);
  const gchar *url = json_object_get_string_member (session, "hls_url");
  g_autofree gchar *fragment = g_strdup_printf (
      "%.*sopus-128/%u.m4s", (int)(strrchr (url, '/') + 1 - url), url, number);
  g_autoptr (Answer) answer = ask (daemon, "GET", fragment, NULL, NULL);

  if (answer->status != 200)
    g_error ("no fragment: %u", answer->status);
  return (g_get_monotonic_time () - start_us) / 1e3;
}

static JsonArray *
list_tracks (Daemon *daemon, const gchar *token)
{
  g_autoptr (Answer) answer
      = ask (daemon, "GET", "/v1/tracks?limit=100", token, NULL);
  g_autoptr (JsonObject) json = answer_json (answer);

  return json_array_ref (json_object_get_array_member (json, "tracks"));
}

int
main (void)
{
  g_autofree gchar *library = make_library ();
  g_autoptr (Daemon) daemon
      = daemon_new (library, "requests-per-second=1000000");
  g_autofree gchar *token = daemon_token (daemon, "bench", "listen");
  g_autoptr (JsonArray) tracks = NULL;
  gdouble first[N_TRACKS], cached[N_TRACKS * CACHED_ROUNDS];
  guint n_cached = 0;

  daemon_wait_for_tracks (daemon, N_TRACKS);
  tracks = list_tracks (daemon, token);
  figures_begin ("start");
  for (guint i = 0; i < N_TRACKS; i++) {
    const gchar *id = json_object_get_string_member (
        json_array_get_object_element (tracks, i), "id");
    first[i] = start_playing (daemon, token, id, 0);
    start_playing (daemon, token, id, LAST_AHEAD);
    for (guint n = 0; n < CACHED_ROUNDS; n++)
      cached[n_cached++] = start_playing (daemon, token, id, 0);
  }
  figures_add (&(Figure){ "start_never_played_median",
      figures_median (first, N_TRACKS), "ms", NULL, 0, GOAL_AT_MOST, 150 });
  figures_add (&(Figure){ "start_never_played_p90",
      figures_quantile (first, N_TRACKS, 0.9), "ms", NULL, 0 });
  figures_add (&(Figure){ "start_cached_median",
      figures_median (cached, n_cached), "ms", NULL, 0, GOAL_AT_MOST, 5 });
  figures_add (&(Figure){ "start_cached_p90",
      figures_quantile (cached, n_cached, 0.9), "ms", NULL, 0 });
  g_bytes_unref (shell ("rm -r %s", library));
  return 0;
}
