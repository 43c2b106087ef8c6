/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ingest with the real worker, store and content: what a scan finds, which
 * failures it survives, and whether renditions sound like their track. */
#include "daemon/ingest/folders.h"
#include "daemon/ingest/suffixes.h"
#include "daemon/ingest/worker-pool.h"
#include "ingest-fixture.h"

#include "core/base/error.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <math.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- Lengths and tags --- */

static const struct
{
  const gchar *name, *options, *codec;
  guint n_samples, off_by;
} formats[] = {
  { "a.flac", "-c:a flac", "flac", 3 * RATE, 0 },
  { "a.wav", "-c:a pcm_s16le", "pcm", 3 * RATE, 0 },
  { "vbr.mp3", "-c:a libmp3lame -q:a 4", "mp3", 3 * RATE, 0 },
  { "cbr.mp3", "-c:a libmp3lame -b:a 128k", "mp3", 3 * RATE, 0 },
  { "a.ogg", "-c:a libvorbis", "vorbis", 3 * RATE, 1 },
  { "a.opus", "-c:a libopus", "opus", 3 * 48000, 0 },
  { "a.m4a", "-c:a aac", "aac", 3 * RATE, 1024 },
  { "alac.m4a", "-c:a alac", "alac", 3 * RATE, 0 },
};

static void
test_lengths (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) tracks = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    g_autofree gchar *path = in_library (f, formats[i].name);
    g_autofree gchar *options = g_strdup_printf (
        "%s -metadata title='Élan %u' -metadata artist=Pan -metadata "
        "date=1999 -metadata track=7",
        formats[i].options, i);
    make_file (path, 3, options);
  }
  scan (f);
  tracks = list_tracks (f);
  g_assert_cmpuint (get_figure (f, "files-failed"), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    SyrinxTrack *track = find_track (tracks, formats[i].name);
    g_test_message ("%s: %" G_GUINT64_FORMAT, track->path, track->n_samples);
    g_assert_cmpstr (track->codec, ==, formats[i].codec);
    g_assert_cmpint (llabs ((gint64)track->n_samples - formats[i].n_samples),
        <=, formats[i].off_by);
    if (g_str_has_suffix (track->path, ".wav"))
      continue; /* these formats keep few tags */
    g_assert_true (g_str_has_prefix (track->title, "Élan"));
    g_assert_cmpstr (track->artist, ==, "Pan");
  }
  g_assert_cmpint (find_track (tracks, "a.flac")->year, ==, 1999);
  g_assert_cmpint (find_track (tracks, "vbr.mp3")->track_number, ==, 7);
}

static void
test_artwork (Fixture *f, gconstpointer data)
{
  g_autofree gchar *bare = g_build_filename (f->dir, "bare.flac", NULL);
  g_autofree gchar *path = in_library (f, "cover.flac");
  g_autofree gchar *file = NULL;
  g_autoptr (GPtrArray) tracks = NULL;
  SyrinxTrack *track;

  make_file (bare, 1, "-c:a flac");
  shell ("cd '%s'; ffmpeg -v error -f lavfi -i color=red:s=64x64 -frames:v 1 "
         "c.png; ffmpeg -v error -i bare.flac -i c.png -map 0 -map 1 -c copy "
         "-disposition:v attached_pic '%s'",
      f->dir, path);
  scan (f);
  tracks = list_tracks (f);
  track = find_track (tracks, "cover.flac");
  g_assert_cmpstr (track->artwork_type, ==, "image/png");
  file = g_build_filename (f->dir, "state", "artwork", track->artwork, NULL);
  g_assert_true (g_file_test (file, G_FILE_TEST_IS_REGULAR));
}

static void
test_rescan (Fixture *f, gconstpointer data)
{
  g_autofree gchar *path = in_library (f, "one.flac");
  g_autofree gchar *other = in_library (f, "two.flac");
  g_autofree gchar *moved = g_build_filename (f->dir, "away", NULL);
  g_autoptr (GPtrArray) before = NULL, after = NULL, still = NULL;

  make_file (path, 1, "-c:a flac");
  scan (f);
  before = list_tracks (f);
  g_assert_cmpuint (before->len, ==, 1);
  scan (f);
  g_assert_cmpuint (get_figure (f, "files-total"), ==, 0);
  g_rename (path, other);
  scan (f);
  after = list_tracks (f);
  g_assert_cmpuint (after->len, ==, 1);
  g_assert_cmpstr (find_track (after, "two.flac")->id, ==,
      find_track (before, "one.flac")->id);
  /* as if its disk were not mounted */
  g_rename (other, moved);
  g_test_expect_message ("syrinx", G_LOG_LEVEL_MESSAGE, "*is it mounted*");
  scan (f);
  g_test_assert_expected_messages ();
  still = list_tracks (f);
  g_assert_cmpuint (still->len, ==, 1);
}

/* --- Bad files --- */

static void
note_failure (const gchar *root, const gchar *path, const gchar *reason,
    gpointer user_data)
{
  g_test_message ("%s: %s", path, reason);
  g_assert_cmpuint (strlen (reason), >, 3);
  g_assert_null (strstr (reason, "signal")); /* refused, not crashed */
  g_hash_table_insert (user_data, g_strdup (path), g_strdup (reason));
}

static gint
listen_somewhere (guint *port)
{
  struct sockaddr_in addr
      = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t size = sizeof addr;
  gint fd = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

  g_assert_cmpint (bind (fd, (struct sockaddr *)&addr, size), ==, 0);
  g_assert_cmpint (listen (fd, 4), ==, 0);
  getsockname (fd, (struct sockaddr *)&addr, &size);
  *port = ntohs (addr.sin_port);
  return fd;
}

static void
make_bad_files (Fixture *f, guint port)
{
  g_autofree gchar *good = g_build_filename (f->dir, "good.flac", NULL);
  g_autofree gchar *misnamed = in_library (f, "really-flac.mp3");

  make_file (good, 2, "-c:a flac");
  make_file (misnamed, 2, "-c:a flac -f flac");
  shell ("cd '%s'; : > empty.mp3; head -c 60 ../good.flac > cut.flac; "
         "head -c 50000 /dev/urandom > random.ogg; "
         "truncate -s 2G sparse.wav; ln -s loop.mp3 loop.mp3; "
         "ln -s . circle; ln -s /etc/hostname out.mp3; mkfifo pipe.mp3; "
         "mkdir folder.mp3; cp ../good.flac .hidden.flac; "
         "printf '#EXTM3U\\nhttp://127.0.0.1:%u/x.mp3\\n' > net.mp3; "
         "printf '#EXTM3U\\nfile://%s/good.flac\\n' > file.mp3; "
         "cp ../good.flac \"$(printf 'new\\nline \\377.flac')\"",
      f->library, port, f->dir);
}

static void
test_bad_files (Fixture *f, gconstpointer data)
{
  static const gchar *const bad[] = { "empty.mp3", "cut.flac", "random.ogg",
    "sparse.wav", "loop.mp3", "out.mp3", "pipe.mp3", "net.mp3", "file.mp3" };
  g_autoptr (GHashTable) failures
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (GPtrArray) tracks = NULL;
  guint port;
  gint server = listen_somewhere (&port);

  make_bad_files (f, port);
  scan (f);
  syrinx_store_foreach_failure (
      syrinx_content_get_store (f->content), note_failure, failures, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    if (!g_hash_table_contains (failures, bad[i]))
      g_error ("%s was not listed", bad[i]);
  g_assert_cmpuint (g_hash_table_size (failures), ==, G_N_ELEMENTS (bad));
  tracks = list_tracks (f);
  g_assert_cmpuint (tracks->len, ==, 2);
  find_track (tracks, "really-flac.mp3");
  g_assert_cmpint (accept (server, NULL, NULL), <, 0);
  close (server);
  /* unchanged files are not tried again */
  scan (f);
  g_assert_cmpuint (get_figure (f, "files-total"), ==, 0);
}

static void
note_skipped (const gchar *root, const gchar *path, gpointer user_data)
{
  g_ptr_array_add (user_data, g_strdup (path));
}

static void
test_skipped (Fixture *f, gconstpointer data)
{
  static const gchar *const only_flac[] = { "flac", NULL };
  g_autofree gchar *path = in_library (f, "song.FLAC");
  g_autoptr (GPtrArray) tracks = NULL;
  g_autoptr (GPtrArray) skipped = g_ptr_array_new_with_free_func (g_free);

  make_file (path, 1, "-c:a flac -f flac");
  shell ("cd '%s'; cp song.FLAC song.mp3; mkdir sub; echo x >sub/notes.txt; "
         "echo x >.hidden.txt",
      f->library);
  syrinx_suffixes_set (only_flac);
  scan (f);
  syrinx_suffixes_set (NULL);
  tracks = list_tracks (f);
  g_assert_cmpuint (tracks->len, ==, 1);
  g_assert_cmpuint (syrinx_skipped_foreach (note_skipped, skipped), ==, 2);
  g_assert_true (g_ptr_array_find_with_equal_func (
      skipped, "song.mp3", g_str_equal, NULL));
  g_assert_true (g_ptr_array_find_with_equal_func (
      skipped, "sub/notes.txt", g_str_equal, NULL));
  shell ("rm '%s'/sub/notes.txt", f->library);
  scan (f);
  g_ptr_array_set_size (skipped, 0);
  g_assert_cmpuint (syrinx_skipped_foreach (note_skipped, skipped), ==, 0);
}

static void
test_tag_bomb (Fixture *f, gconstpointer data)
{
  g_autofree gchar *path = in_library (f, "bomb.mp3");
  g_autofree gchar *tags = g_build_filename (f->dir, "tags.txt", NULL);
  g_autoptr (GString) text = g_string_new (";FFMETADATA1\ntitle=");
  g_autoptr (GPtrArray) tracks = NULL;
  SyrinxTrack *track;

  for (guint i = 0; i < 100000; i++)
    g_string_append (text, "boum\x01é");
  g_string_append (text, "\nartist=a\\\nb\n");
  g_file_set_contents (tags, text->str, text->len, NULL);
  make_file (path, 1, "-c:a libmp3lame");
  shell ("cd '%s'; ffmpeg -v error -y -i '%s' -i tags.txt -map_metadata 1 -c "
         "copy b.mp3; mv b.mp3 '%s'",
      f->dir, path, path);
  scan (f);
  tracks = list_tracks (f);
  g_assert_cmpuint (tracks->len, ==, 1);
  track = tracks->pdata[0];
  g_assert_cmpuint (strlen (track->title), <=, 520);
  g_assert_true (g_str_has_prefix (track->title, "boum é"));
  g_assert_true (g_utf8_validate (track->title, -1, NULL));
  g_assert_null (strchr (track->title, 1));
  g_assert_null (strchr (track->artist ? track->artist : "", '\n'));
}

/* --- Workers --- */

static void
test_killed_worker (void)
{
  g_autofree gchar *program = worker_path ();
  g_autoptr (SyrinxWorkerPool) pool = syrinx_worker_pool_new (program);
  g_autoptr (GError) error = NULL;
  g_auto (SyrinxMessage) message = { .fd = -1 };
  SyrinxWorker *worker = syrinx_worker_pool_take (pool, &error);

  g_assert_no_error (error);
  kill (syrinx_worker_get_pid (worker), SIGKILL);
  g_assert_false (syrinx_worker_receive (
      worker, g_get_monotonic_time () + 5000000, &message, &error));
  g_assert_nonnull (strstr (error->message, "signal 9"));
  syrinx_worker_pool_give (pool, worker, FALSE);
  g_clear_error (&error);
  worker = syrinx_worker_pool_take (pool, &error);
  g_assert_no_error (error);
  syrinx_worker_pool_give (pool, worker, TRUE);
}

/* The state that the kernel reports of a worker that waits for its first
 * job. */
static void
test_sandbox (void)
{
  static const gchar *const wanted[]
      = { "\nSeccomp:\t2\n", "\nNoNewPrivs:\t1\n" };
  g_autofree gchar *program = worker_path (), *path = NULL, *status = NULL;
  g_autoptr (SyrinxWorkerPool) pool = syrinx_worker_pool_new (program);
  g_autoptr (GError) error = NULL;
  SyrinxWorker *worker = syrinx_worker_pool_take (pool, &error);

  g_assert_no_error (error);
  if (g_getenv ("SYRINX_WORKER")) { /* a tracer, see record-calls */
    syrinx_worker_pool_give (pool, worker, FALSE);
    g_test_skip ("the process is not the worker itself");
    return;
  }
  path = g_strdup_printf ("/proc/%d/status", syrinx_worker_get_pid (worker));
  g_assert_true (g_file_get_contents (path, &status, NULL, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++)
    if (!strstr (status, wanted[i]))
      g_error ("no %s in %s", wanted[i], status);
  syrinx_worker_pool_give (pool, worker, TRUE);
}

/* A worker that is taken over can't use paths from a file's contents: it has
 * its three standard descriptors and the daemon's socket, no more. */
static void
test_descriptors (void)
{
  g_autofree gchar *program = worker_path (), *path = NULL;
  g_autoptr (SyrinxWorkerPool) pool = syrinx_worker_pool_new (program);
  g_autoptr (GDir) dir = NULL;
  SyrinxWorker *worker = syrinx_worker_pool_take (pool, NULL);
  const gchar *name;

  g_assert_nonnull (worker);
  path = g_strdup_printf ("/proc/%d/fd", syrinx_worker_get_pid (worker));
  dir = g_dir_open (path, 0, NULL);
  g_assert_nonnull (dir);
  while ((name = g_dir_read_name (dir))) {
    g_autofree gchar *link = g_build_filename (path, name, NULL);
    g_autofree gchar *target = g_file_read_link (link, NULL);
    g_test_message ("%s: %s", name, target);
    if (atoi (name) > SYRINX_WORKER_FD)
      g_assert_false (target[0] == '/');
  }
  syrinx_worker_pool_give (pool, worker, TRUE);
}

static void
test_silent_worker (void)
{
  g_autofree gchar *program = worker_path ();
  g_autoptr (SyrinxWorkerPool) pool = syrinx_worker_pool_new (program);
  g_autoptr (GError) error = NULL;
  g_auto (SyrinxMessage) message = { .fd = -1 };
  SyrinxWorker *worker = syrinx_worker_pool_take (pool, &error);

  g_assert_no_error (error);
  kill (syrinx_worker_get_pid (worker), SIGSTOP);
  g_assert_false (syrinx_worker_receive (
      worker, g_get_monotonic_time () + 100000, &message, &error));
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_TIMED_OUT);
  syrinx_worker_pool_give (pool, worker, FALSE);
}

/* --- Renditions --- */

/* Correlates decoded samples from frame @at on with the original from @origin
 * on. */
static gdouble
correlate (const gint16 *pcm, gsize at, guint64 origin, guint n)
{
  gdouble xy = 0, xx = 0, yy = 0;

  for (guint i = 0; i < n; i++) {
    gdouble x = pcm[2 * (at + i)], y = sample_at (origin + i, 0);
    xy += x * y;
    xx += x * x;
    yy += y * y;
  }
  return xy / sqrt (xx * yy + 1);
}

typedef struct
{
  const gchar *file, *options, *rendition;
} Case;

static const Case cases[] = {
  { "long.flac", "-c:a flac", "opus-128" },
  { "long.mp3", "-c:a libmp3lame -q:a 2", "opus-128" },
  { "long.flac", "-c:a flac", "aac-128" },
  { "long.ogg", "-c:a libvorbis -q:a 6", "opus-64" },
  { "long.m4a", "-c:a aac -b:a 192k", "aac-128" },
};

static SyrinxRendition *
open_rendition (Fixture *f, const Case *c)
{
  g_autofree gchar *path = in_library (f, c->file);
  g_autoptr (GPtrArray) tracks = NULL;
  g_autoptr (GError) error = NULL;
  SyrinxRendition *rendition;

  make_file (path, LONG_SECONDS, c->options);
  scan (f);
  tracks = list_tracks (f);
  rendition = syrinx_content_open (
      f->content, find_track (tracks, c->file)->id, c->rendition, 0, &error);
  g_assert_no_error (error);
  return rendition;
}

/* In windows of 50 ms, so that a short click or gap is detected. */
static void
check_waveform (const gint16 *pcm, gsize n_frames)
{
  const guint window = RATE / 20;
  guint64 seam = 60 * RATE;
  gdouble worst = 1, at_seam = 1;

  for (gsize at = window; at + 2 * window < n_frames; at += window)
    worst = MIN (worst, correlate (pcm, at, at, window));
  for (gint i = -4; i < 4; i++)
    at_seam = MIN (at_seam, correlate (pcm, seam + i * (gint)window / 2,
                                seam + i * (gint)window / 2, window));
  g_test_message ("worst window %.4f, at the seam %.4f", worst, at_seam);
  g_assert_cmpfloat (worst, >, 0.97);
  g_assert_cmpfloat (at_seam, >, 0.97);
}

static void
test_rendition (Fixture *f, gconstpointer data)
{
  g_autoptr (SyrinxRendition) rendition = open_rendition (f, data);
  const SyrinxRenditionRow *row = syrinx_rendition_get_row (rendition);
  g_autoptr (GByteArray) file = g_byte_array_new ();
  g_autofree gint16 *pcm = NULL;
  g_autofree gchar *path = NULL;
  gsize n_frames;

  for (gint i = SYRINX_FRAGMENT_HEADER; i < (gint)row->n_fragments; i++)
    append (file, rendition, i);
  path = keep (f, file);
  pcm = decode (f, path, RATE, &n_frames);
  g_test_message ("%zu frames for %d", n_frames, LONG_SECONDS * RATE);
  g_assert_cmpint (
      llabs ((gint64)n_frames - LONG_SECONDS * RATE), <=, RATE / 50);
  check_waveform (pcm, n_frames);
}

/* A run in the middle is made first; it must not depend on runs before it. */
static void
test_jump (Fixture *f, gconstpointer data)
{
  g_autoptr (SyrinxRendition) rendition = open_rendition (f, data);
  const SyrinxRenditionRow *row = syrinx_rendition_get_row (rendition);
  g_autoptr (GByteArray) file = g_byte_array_new ();
  g_autofree gint16 *pcm = NULL;
  g_autofree gchar *path = NULL;
  guint64 begin = (guint64)SYRINX_RUN_FRAGMENTS * row->fragment_units;
  gsize n_frames;
  gdouble best = 0;

  append (file, rendition, SYRINX_FRAGMENT_HEADER);
  append (file, rendition, SYRINX_RUN_FRAGMENTS);
  g_assert_false (syrinx_rendition_has (rendition, 0));
  path = keep (f, file);
  pcm = decode (f, path, RATE, &n_frames);
  /* players differ in whether they apply an edit list to a part */
  begin = (begin - row->pre_skip) * RATE / row->timescale;
  for (gint shift = -8; shift <= 8; shift++)
    best
        = MAX (best, correlate (pcm, RATE / 2, begin + RATE / 2 + shift, RATE));
  for (gint shift = -8; shift <= 8; shift++)
    best = MAX (best,
        correlate (pcm, RATE / 2,
            begin + RATE / 2 + shift + row->pre_skip * RATE / row->timescale,
            RATE));
  g_test_message ("jump: %.4f", best);
  g_assert_cmpfloat (best, >, 0.97);
}

static void
test_latency (Fixture *f, gconstpointer data)
{
  g_autoptr (SyrinxRendition) rendition = open_rendition (f, data);
  gint64 start_us = g_get_monotonic_time ();
  g_autoptr (GBytes) first = fetch (rendition, 0);
  gint64 took_us = g_get_monotonic_time () - start_us;

  g_test_message ("first fragment after %" G_GINT64_FORMAT " us", took_us);
  g_assert_cmpuint (g_bytes_get_size (first), >, 1000);
  g_assert_cmpint (took_us, <, 5 * G_USEC_PER_SEC);
}

static void
on_settled (SyrinxRendition *rendition, gint number, gpointer user_data)
{
  g_main_loop_quit (user_data);
}

/* Until it is there or can't be made. FALSE: the latter. */
static gboolean
try_fragment (Fixture *f, SyrinxRendition *rendition, GError **error)
{
  g_autoptr (GBytes) bytes = NULL;
  gboolean ok = TRUE;

  while (ok && !bytes) {
    ok = syrinx_rendition_fetch (
        rendition, 0, SYRINX_FORM_CLEAR, &bytes, on_settled, f->loop, error);
    if (ok && !bytes)
      g_main_loop_run (f->loop);
  }
  syrinx_rendition_cancel (rendition, f->loop);
  return ok;
}

/* Its bytes are others, though nothing tells so. */
static void
test_unplayable (Fixture *f, gconstpointer data)
{
  static const Case c = { "bad.flac", "-c:a flac -t 3", "opus-128" };
  g_autofree gchar *path = in_library (f, c.file);
  g_autoptr (SyrinxRendition) rendition = open_rendition (f, &c);
  g_autoptr (GHashTable) failures
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (GPtrArray) tracks = NULL;
  g_autoptr (GError) error = NULL;

  shell ("cd '%s'; touch -r bad.flac ../when; size=$(stat -c %%s bad.flac); "
         "head -c $size /dev/zero | dd of=bad.flac conv=notrunc status=none; "
         "touch -r ../when bad.flac",
      f->library);
  g_test_expect_message ("syrinx", G_LOG_LEVEL_WARNING, "*from fragment 0*");
  g_assert_false (try_fragment (f, rendition, &error));
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID);
  syrinx_store_foreach_failure (
      syrinx_content_get_store (f->content), note_failure, failures, NULL);
  g_assert_true (g_hash_table_contains (failures, c.file));
  tracks = list_tracks (f);
  g_assert_cmpuint (tracks->len, ==, 0);
}

/* Loudness is measured after a rendition was made. */
static gdouble
wait_for_gain (Fixture *f, const gchar *id)
{
  for (guint i = 0; i < 500; i++) {
    g_autoptr (SyrinxTrack) track = syrinx_store_get_track (
        syrinx_content_get_store (f->content), id, NULL);
    if (track->has_gain)
      return track->gain_db;
    g_usleep (10000);
  }
  g_error ("no loudness came");
}

static void
test_loudness (Fixture *f, gconstpointer data)
{
  static const gchar *const names[] = { "loud.flac", "soft.flac" };
  gdouble gains[2];
  g_autoptr (GPtrArray) tracks = NULL;

  for (guint i = 0; i < 2; i++) {
    g_autofree gchar *path = in_library (f, names[i]);
    make_file (path, 5, i ? "-af volume=0.5 -c:a flac" : "-c:a flac");
  }
  scan (f);
  tracks = list_tracks (f);
  for (guint i = 0; i < 2; i++) {
    const gchar *id = find_track (tracks, names[i])->id;
    g_autoptr (SyrinxRendition) rendition
        = syrinx_content_open (f->content, id, "opus-64", 0, NULL);
    g_autoptr (GBytes) first = fetch (rendition, 0);
    gains[i] = wait_for_gain (f, id);
  }
  g_test_message ("%.2f and %.2f dB", gains[0], gains[1]);
  g_assert_cmpfloat (fabs (gains[1] - gains[0] - 6.02), <, 0.1);
}

/* --- What fails --- */

typedef struct
{
  const gchar *track_id, *rendition;
  GMainLoop *loop;
  guint n_events;
} Expected;

static void
expect_failure (const SyrinxEvent *event, gpointer data)
{
  Expected *expected = data;

  g_test_message ("%s", event->reason);
  g_assert_cmpstr (event->track, ==, expected->track_id);
  g_assert_cmpstr (event->rendition, ==, expected->rendition);
  expected->n_events++;
  g_main_loop_quit (expected->loop);
}

/* The daemon also logs a warning, in the thread that makes the rendition. */
static void
test_failure_event (Fixture *f, gconstpointer data)
{
  g_autoptr (SyrinxRendition) rendition = open_rendition (f, &cases[0]);
  const SyrinxRenditionRow *row = syrinx_rendition_get_row (rendition);
  g_autofree gchar *path = in_library (f, cases[0].file);
  Expected expected = { row->track_id, row->name, f->loop, 0 };
  GLogLevelFlags fatal = g_log_set_always_fatal (G_LOG_FATAL_MASK);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;

  syrinx_journal_add_reader (f->journal, SYRINX_EVENT_BIT (SYRINX_EVENT_ERROR),
      expect_failure, &expected);
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_true (syrinx_rendition_fetch (
      rendition, 0, SYRINX_FORM_CLEAR, &bytes, NULL, NULL, &error));
  g_assert_null (bytes);
  g_main_loop_run (f->loop);
  g_assert_cmpuint (expected.n_events, ==, 1);
  g_log_set_always_fatal (fatal);
}

#define ADD(name, data, func)                                                  \
  g_test_add ("/daemon/ingest/" name, Fixture, data, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("every_format_has_its_exact_length", NULL, test_lengths);
  ADD ("the_front_cover_is_kept", NULL, test_artwork);
  ADD ("a_rescan_looks_only_at_changes_and_a_rename_keeps_the_track", NULL,
      test_rescan);
  ADD ("every_bad_file_is_listed_with_its_reason", NULL, test_bad_files);
  ADD ("what_is_left_out_for_its_suffix_is_named", NULL, test_skipped);
  ADD ("a_tag_bomb_is_cut_to_size", NULL, test_tag_bomb);
  g_test_add_func ("/daemon/ingest/a_killed_worker_is_explained_and_replaced",
      test_killed_worker);
  g_test_add_func (
      "/daemon/ingest/a_worker_that_hangs_times_out", test_silent_worker);
  g_test_add_func (
      "/daemon/ingest/a_worker_waits_in_its_sandbox", test_sandbox);
  g_test_add_func (
      "/daemon/ingest/a_worker_has_no_file_open", test_descriptors);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *name
        = g_strdup_printf ("/daemon/ingest/"
                           "a_rendition_sounds_like_its_track/%s/%s",
            cases[i].file, cases[i].rendition);
    g_test_add (name, Fixture, &cases[i], set_up, test_rendition, tear_down);
  }
  ADD ("a_jump_needs_nothing_before_it", &cases[0], test_jump);
  ADD (
      "the_first_fragment_does_not_wait_for_the_rest", &cases[0], test_latency);
  ADD ("what_can_not_be_played_is_listed_with_its_reason", NULL,
      test_unplayable);
  ADD ("half_as_loud_needs_6_db_more", NULL, test_loudness);
  ADD ("what_cannot_be_made_is_an_error_event", NULL, test_failure_event);
  return g_test_run ();
}
