/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Progressive sessions, each with its own track and position, compared with
 * Icecast, which passes one MP3 stream of 128 kbit/s on to all clients in
 * blocks. CPU of the server while all play, its memory per client, and the
 * longest gap in any client's data. */
#include "figures.h"
#include "listeners.h"
#include "machine.h"
#include "peers.h"
#include "tests/daemon/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#define ROUNDS    3
#define N_TRACKS  20
#define TRACK_S   600
#define SETTLE_S  8
#define MEASURE_S 10
#define MAX_KIB   40
#define MAX_GAP_S 2.0

#define CONFIG                                                                 \
  "requests-per-second=1000000\nrequests-per-second-per-subject=1000000\n"     \
  "max-connections-per-address=20000\nmax-sessions-per-subject=20000\n"        \
  "max-sessions-per-address=20000\nmax-sessions=20000\nmax-cpu-percent=0\n"    \
  "https=127.0.0.1:0\ntls-certificate=%s\ntls-key=%s\n"

typedef struct
{
  Daemon *daemon;
  gchar *library, *token;
  GPtrArray *tracks; /* ids */
  guint16 tls_port;
  Identity identity;
  GPid icecast, source;
  gchar *icecast_dir;
  guint16 icecast_port;
} Bench;

typedef enum
{
  CLEAR,
  TLS,
  ECE,
  N_KINDS
} Kind;

static const gchar *const names[N_KINDS] = { "clear", "tls", "ece" };

/* --- The library: one piece of audio, many tracks --- */

static void
make_library (Bench *bench)
{
  bench->library = g_dir_make_tmp ("syrinx-listeners-XXXXXX", NULL);
  g_bytes_unref (shell (
      "cd '%s'; ffmpeg -v error -f lavfi -i 'anoisesrc=c=pink:r=48000:d=%u' "
      "-ac 2 -c:a libopus -b:a 120k -f ogg first.ogg; "
      "for i in $(seq %u); do ffmpeg -v error -i first.ogg -c copy -metadata "
      "title=\"Track $i\" $i.opus; done; rm first.ogg",
      bench->library, TRACK_S, N_TRACKS));
}

static void
find_tracks (Bench *bench)
{
  g_autoptr (Answer) answer
      = ask (bench->daemon, "GET", "/v1/tracks?limit=100", bench->token, NULL);
  g_autoptr (JsonObject) root = answer_json (answer);
  JsonArray *tracks = json_object_get_array_member (root, "tracks");

  bench->tracks = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < json_array_get_length (tracks); i++)
    g_ptr_array_add (
        bench->tracks, g_strdup (json_object_get_string_member (
                           json_array_get_object_element (tracks, i), "id")));
}

static guint16
read_tls_port (Daemon *daemon)
{
  g_autofree gchar *path
      = g_build_filename (daemon_get_state_dir (daemon), "https-address", NULL);
  g_autofree gchar *text = NULL;
  g_autoptr (GUri) uri = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    g_error ("there is no %s", path);
  uri = g_uri_parse (g_strchomp (text), G_URI_FLAGS_NONE, NULL);
  return g_uri_get_port (uri);
}

static void
start_daemon (Bench *bench)
{
  g_autofree gchar *config = g_strdup_printf (
      CONFIG, bench->identity.certificate, bench->identity.key);

  bench->daemon = daemon_new (bench->library, config);
  daemon_wait_for_tracks (bench->daemon, N_TRACKS);
  bench->token = daemon_token (bench->daemon, "bench", "listen");
  bench->tls_port = read_tls_port (bench->daemon);
  find_tracks (bench);
}

/* Waits until each track's rendition is complete, so that no round includes
 * making. */
static void
make_renditions (Bench *bench)
{
  for (guint i = 0; i < bench->tracks->len; i++) {
    g_autoptr (JsonObject) session = daemon_session (bench->daemon,
        bench->token, bench->tracks->pdata[i], "\"encryption\":\"none\"");
    const gchar *url = json_object_get_string_member (session, "hls_url");
    g_bytes_unref (shell (
        "base='%.*s'; for n in $(curl -sf ${base}opus-128/index.m3u8 | grep "
        "m4s$); do curl -sf --retry 20 --retry-all-errors -o /dev/null "
        "${base}opus-128/$n; done",
        (int)(strrchr (url, '/') + 1 - url), url));
  }
}

/* --- Icecast --- */

static const gchar icecast_config[]
    = "<icecast><limits><clients>20000</clients><sources>4</sources>"
      "<queue-size>1048576</queue-size><burst-size>65536</burst-size></limits>"
      "<authentication><source-password>s</source-password><admin-user>a"
      "</admin-user><admin-password>a</admin-password></authentication>"
      "<hostname>localhost</hostname><listen-socket><port>%u</port>"
      "<bind-address>127.0.0.1</bind-address></listen-socket><paths><logdir>%s"
      "</logdir><webroot>%s</webroot><adminroot>%s</adminroot></paths>"
      "<logging><accesslog>-</accesslog><errorlog>error.log</errorlog>"
      "<loglevel>1</loglevel></logging>"
      "<security><changeowner><user>nobody</user><group>nogroup</group>"
      "</changeowner></security></icecast>";

static GPid
spawn (const gchar *command)
{
  g_auto (GStrv) words = g_strsplit (command, " ", -1);
  g_autoptr (GError) error = NULL;
  GPid pid;

  if (!g_spawn_async (NULL, words, NULL,
          G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD
              | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL,
          NULL, NULL, &pid, &error))
    g_error ("%s: %s", command, error->message);
  return pid;
}

static void
start_icecast (Bench *bench)
{
  g_autofree gchar *config = NULL, *path = NULL, *command = NULL, *push = NULL;

  bench->icecast_dir = g_dir_make_tmp ("syrinx-icecast-XXXXXX", NULL);
  bench->icecast_port = 20000 + getpid () % 20000;
  config = g_strdup_printf (icecast_config, bench->icecast_port,
      bench->icecast_dir, bench->icecast_dir, bench->icecast_dir);
  path = g_build_filename (bench->icecast_dir, "icecast.xml", NULL);
  if (!g_file_set_contents (path, config, -1, NULL))
    g_error ("can't write %s", path);
  g_bytes_unref (
      shell ("chmod 777 %s; chmod 644 %s", bench->icecast_dir, path));
  command = g_strdup_printf ("icecast2 -c %s", path);
  bench->icecast = spawn (command);
  g_bytes_unref (shell ("for try in $(seq 100); do curl -s -o /dev/null "
                        "http://127.0.0.1:%u/ && break; sleep 0.1; done",
      bench->icecast_port));
  push = g_strdup_printf (
      "ffmpeg -v error -re -stream_loop -1 -i %s/1.opus -c:a libmp3lame -b:a "
      "128k -content_type audio/mpeg -f mp3 "
      "icecast://source:s@127.0.0.1:%u/live.mp3",
      bench->library, bench->icecast_port);
  bench->source = spawn (push);
  g_bytes_unref (
      shell ("for try in $(seq 100); do [ $(curl -s -m 1 http://127.0.0.1:%u/"
             "live.mp3 2>/dev/null | head -c 1000 | wc -c) = 1000 ] && break; "
             "sleep 0.1; done",
          bench->icecast_port));
}

/* --- Joining --- */

static void
join (Bench *bench, Listeners *listeners, Kind kind, guint i)
{
  const gchar *track = bench->tracks->pdata[i % bench->tracks->len];
  guint start_s = (i * 37) % (TRACK_S / 2);
  g_autofree gchar *request = NULL;

  if (kind == ECE) {
    g_autoptr (JsonObject) session = daemon_session (
        bench->daemon, bench->token, track, "\"encryption\":\"ece\"");
    g_autoptr (GUri) uri = g_uri_parse (
        json_object_get_string_member (session, "progressive_url"), 0, NULL);
    request
        = g_strdup_printf ("GET %s?start=%u HTTP/1.1\r\nHost: bench\r\n\r\n",
            g_uri_get_path (uri), start_s);
  } else {
    request = g_strdup_printf ("GET /v1/tracks/%s/stream.opus?start=%u "
                               "HTTP/1.1\r\nHost: bench\r\nAuthorization: "
                               "Bearer %s\r\n\r\n",
        track, start_s, bench->token);
  }
  listeners_add (listeners,
      kind == TLS ? bench->tls_port : daemon_get_port (bench->daemon),
      kind == TLS, request);
}

typedef struct
{
  gdouble cpu_percent, kib, gap_s, join_s;
} Result;

static void
measure (GPid pid, Listeners *listeners, guint rss_kib, Result *result)
{
  ListenersLook look;
  gdouble cpu_s;
  gint64 began_us;

  listeners_run (listeners, SETTLE_S);
  listeners_look (listeners, &look);
  cpu_s = process_cpu_s (pid);
  began_us = g_get_monotonic_time ();
  listeners_run (listeners, MEASURE_S);
  result->cpu_percent = (process_cpu_s (pid) - cpu_s) * 1e8
                        / (g_get_monotonic_time () - began_us);
  listeners_look (listeners, &look);
  if (look.n_silent || look.n_ended)
    g_error ("%u of %u listeners got nothing, %u were cut off", look.n_silent,
        look.n, look.n_ended);
  result->kib = ((gdouble)process_rss_kib (pid) - rss_kib) / look.n;
  result->gap_s = look.longest_gap_s;
}

static void
measure_ours (Bench *bench, Kind kind, guint n, Result *result)
{
  Listeners *listeners = listeners_new ();
  GPid pid = daemon_get_pid (bench->daemon);
  guint rss_kib = process_rss_kib (pid);
  gint64 began_us = g_get_monotonic_time ();

  for (guint i = 0; i < n; i++) {
    join (bench, listeners, kind, i);
    if (i % 64 == 63)
      listeners_run (listeners, 0);
  }
  result->join_s = (g_get_monotonic_time () - began_us) / 1e6;
  measure (pid, listeners, rss_kib, result);
  listeners_free (listeners);
  g_usleep (G_USEC_PER_SEC); /* until they have left */
}

static void
measure_icecast (Bench *bench, guint n, Result *result)
{
  static const gchar request[] = "GET /live.mp3 HTTP/1.0\r\n\r\n";
  Listeners *listeners = listeners_new ();
  guint rss_kib = process_rss_kib (bench->icecast);
  gint64 began_us = g_get_monotonic_time ();

  for (guint i = 0; i < n; i++)
    listeners_add (listeners, bench->icecast_port, FALSE, request);
  result->join_s = (g_get_monotonic_time () - began_us) / 1e6;
  measure (bench->icecast, listeners, rss_kib, result);
  listeners_free (listeners);
  g_usleep (G_USEC_PER_SEC);
}

/* --- The figures --- */

static void
compare (Bench *bench, Kind kind, guint n)
{
  gdouble own[ROUNDS], peer[ROUNDS], kib[ROUNDS], gap_s[ROUNDS], join_s[ROUNDS];
  g_autofree gchar *stem = g_strdup_printf ("listeners_%s_%u", names[kind], n);
  g_autofree gchar *memory = g_strconcat (stem, "_memory", NULL);
  g_autofree gchar *gap = g_strconcat (stem, "_longest_gap", NULL);
  g_autofree gchar *joining = g_strconcat (stem, "_join", NULL);
  g_autofree gchar *says = g_strdup_printf (
      "%u listeners, each its own track and place (%s)", n, names[kind]);
  Rounds rounds = { 0 };

  while (rounds_next (&rounds, ROUNDS)) {
    Result ours = { 0 }, theirs = { 0 };
    guint i = rounds.index;
    measure_ours (bench, kind, n, &ours);
    measure_icecast (bench, 1000, &theirs);
    own[i] = ours.cpu_percent * 1000 / n;
    peer[i] = theirs.cpu_percent;
    kib[i] = ours.kib;
    gap_s[i] = ours.gap_s;
    join_s[i] = ours.join_s;
  }
  figures_compare (&(Figure){ .figure = stem,
                       .unit = "% per 1000",
                       .peer = "Icecast, one stream for 1000",
                       .kind = GOAL_RATIO_AT_MOST,
                       .goal = 1,
                       .says = says },
      own, peer, ROUNDS);
  figures_add (&(Figure){ memory, figures_median (kib, ROUNDS), "KiB", NULL, 0,
      GOAL_AT_MOST, MAX_KIB });
  figures_add (&(Figure){ gap, figures_median (gap_s, ROUNDS), "s", NULL, 0,
      GOAL_AT_MOST, MAX_GAP_S });
  figures_add (
      &(Figure){ joining, figures_median (join_s, ROUNDS), "s", NULL, 0 });
}

static void
stop (Bench *bench)
{
  kill (bench->source, SIGTERM);
  kill (bench->icecast, SIGTERM);
  daemon_free (bench->daemon);
  identity_clear (&bench->identity);
  g_bytes_unref (
      shell ("rm -rf '%s' '%s'", bench->library, bench->icecast_dir));
}

int
main (void)
{
  struct rlimit files = { 0 };
  Bench bench = { 0 };

  getrlimit (RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit (RLIMIT_NOFILE, &files);
  identity_make (&bench.identity);
  make_library (&bench);
  start_daemon (&bench);
  make_renditions (&bench);
  start_icecast (&bench);
  figures_begin ("listeners");
  compare (&bench, CLEAR, 1000);
  compare (&bench, TLS, 1000);
  compare (&bench, ECE, 1000);
  compare (&bench, CLEAR, 5000);
  stop (&bench);
  return 0;
}
