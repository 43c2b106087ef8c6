/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A library, a worker and their results. */
#include "ingest-fixture.h"

#include <glib/gstdio.h>
#include <math.h>

gchar *
worker_path (void)
{
  const gchar *given = g_getenv ("SYRINX_WORKER"); /* by record-calls */

  if (given)
    return g_strdup (given);
  return g_build_filename (
      g_getenv ("SYRINX_BUILD"), "daemon", "syrinx-worker", NULL);
}

void
shell (const gchar *format, ...)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *command = NULL, *err = NULL;
  const gchar *argv[] = { "/bin/sh", "-ec", NULL, NULL };
  gint status;
  va_list args;

  va_start (args, format);
  command = g_strdup_vprintf (format, args);
  va_end (args);
  argv[2] = command;
  g_spawn_sync (
      NULL, (gchar **)argv, NULL, 0, NULL, NULL, NULL, &err, &status, &error);
  g_assert_no_error (error);
  if (!g_spawn_check_wait_status (status, &error))
    g_error ("%s: %s", command, err);
}

/* Chords that never repeat, so that a shift by one packet is detected. */
gint16
sample_at (guint64 n, guint channel)
{
  gdouble t = (gdouble)n / RATE;

  return (gint16)(8000 * sin (2 * G_PI * (220 * t + 3 * t * t))
                  + 6000 * sin (2 * G_PI * (550 * t - 1.7 * t * t) + channel)
                  + 3000 * sin (2 * G_PI * 1330 * t + 40 * sin (0.7 * t)));
}

static gint16 *
make_sound (guint seconds, gsize *n_bytes)
{
  gsize n = (gsize)seconds * RATE;
  gint16 *pcm = g_new (gint16, n * 2);

  for (gsize i = 0; i < n; i++) {
    pcm[2 * i] = sample_at (i, 0);
    pcm[2 * i + 1] = sample_at (i, 1);
  }
  *n_bytes = n * 4;
  return pcm;
}

void
make_file (const gchar *path, guint seconds, const gchar *options)
{
  gsize n_bytes;
  g_autofree gint16 *pcm = make_sound (seconds, &n_bytes);
  g_autofree gchar *raw = g_strconcat (path, ".raw", NULL);

  g_assert_true (g_file_set_contents (raw, (const gchar *)pcm, n_bytes, NULL));
  shell ("ffmpeg -v error -y -f s16le -ar %d -ac 2 -i '%s' %s '%s'", RATE, raw,
      options, path);
  g_unlink (raw);
}

static void
end_ingest (Fixture *f)
{
  SyrinxIngest *left = NULL;

  syrinx_ingest_stop (f->ingest);
  /* a timer may still hold it, and with it the content, which writes */
  g_set_weak_pointer (&left, f->ingest);
  g_object_unref (f->ingest);
  while (left)
    g_main_context_iteration (NULL, TRUE);
}

static void
begin (Fixture *f, gboolean with_share)
{
  g_autofree gchar *state = NULL, *worker = worker_path ();
  g_autoptr (SyrinxStore) store = NULL;
  g_autoptr (SyrinxKeyring) keyring = NULL;
  g_autoptr (GError) error = NULL;
  const gchar *roots[3] = { NULL, NULL, NULL };

  f->dir = g_dir_make_tmp ("syrinx-ingest-XXXXXX", NULL);
  f->library = g_build_filename (f->dir, "music", NULL);
  state = g_build_filename (f->dir, "state", NULL);
  f->share = g_build_filename (f->dir, "share", NULL);
  roots[0] = f->library;
  roots[1] = with_share ? f->share : NULL;
  g_mkdir (f->share, 0700);
  g_mkdir (f->library, 0700);
  g_mkdir (state, 0700);
  store = syrinx_store_open (state, TRUE, &error);
  g_assert_no_error (error);
  keyring = syrinx_keyring_open (state, TRUE, &error);
  g_assert_no_error (error);
  f->content = syrinx_content_new (store, keyring, 1 << 30, 16 << 20);
  f->journal = syrinx_journal_new ();
  f->ingest = syrinx_ingest_new (f->content, f->journal, roots, worker, 2);
  f->loop = g_main_loop_new (NULL, FALSE);
}

void
set_up (Fixture *f, gconstpointer data)
{
  begin (f, FALSE);
}

void
set_up_with_share (Fixture *f, gconstpointer data)
{
  begin (f, TRUE);
}

void
reopen (Fixture *f, const gchar *const *roots)
{
  g_autofree gchar *worker = worker_path ();

  end_ingest (f);
  f->ingest = syrinx_ingest_new (f->content, f->journal, roots, worker, 2);
}

void
tear_down (Fixture *f, gconstpointer data)
{
  end_ingest (f);
  syrinx_content_unref (f->content);
  syrinx_journal_free (f->journal);
  g_main_loop_unref (f->loop);
  shell ("rm -rf '%s'", f->dir);
  g_free (f->library);
  g_free (f->share);
  g_free (f->dir);
}

gchar *
in_library (Fixture *f, const gchar *name)
{
  return g_build_filename (f->library, name, NULL);
}

static gboolean
on_too_long (gpointer user_data)
{
  g_error ("the scan does not end");
  return G_SOURCE_REMOVE;
}

static void
wait_for_scan (Fixture *f, void (*start) (SyrinxIngest *))
{
  gulong handler = g_signal_connect_swapped (
      f->ingest, "scan-done", G_CALLBACK (g_main_loop_quit), f->loop);
  guint timer = g_timeout_add_seconds (60, on_too_long, NULL);

  if (start)
    start (f->ingest);
  g_main_loop_run (f->loop);
  g_source_remove (timer);
  g_signal_handler_disconnect (f->ingest, handler);
}

void
scan (Fixture *f)
{
  wait_for_scan (f, syrinx_ingest_scan);
}

void
scan_fully (Fixture *f)
{
  wait_for_scan (f, syrinx_ingest_scan_fully);
}

void
wait_for_next_scan (Fixture *f)
{
  wait_for_scan (f, NULL);
}

guint
get_figure (Fixture *f, const gchar *property)
{
  guint value;

  g_object_get (f->ingest, property, &value, NULL);
  return value;
}

/* (transfer full) */
GPtrArray *
list_tracks (Fixture *f)
{
  SyrinxTrackQuery query = { .limit = 100 };
  g_autofree gchar *cursor = NULL;
  g_autoptr (GError) error = NULL;
  GPtrArray *tracks = syrinx_store_find_tracks (
      syrinx_content_get_store (f->content), &query, &cursor, &error);

  g_assert_no_error (error);
  return tracks;
}

SyrinxTrack *
find_track (GPtrArray *tracks, const gchar *path)
{
  for (guint i = 0; i < tracks->len; i++) {
    SyrinxTrack *track = tracks->pdata[i];
    if (g_str_equal (track->path, path))
      return track;
  }
  g_error ("no track %s", path);
}

typedef struct
{
  GMutex lock;
  GCond cond;
  gboolean woken;
} Wake;

static void
on_wake (SyrinxRendition *rendition, gint number, gpointer user_data)
{
  Wake *wake = user_data;

  g_mutex_lock (&wake->lock);
  wake->woken = TRUE;
  g_cond_signal (&wake->cond);
  g_mutex_unlock (&wake->lock);
}

GBytes *
fetch (SyrinxRendition *rendition, gint number)
{
  Wake wake = { .woken = FALSE };
  g_autoptr (GError) error = NULL;
  GBytes *bytes = NULL;

  for (;;) {
    gboolean ok;

    wake.woken = FALSE;
    ok = syrinx_rendition_fetch (
        rendition, number, SYRINX_FORM_CLEAR, &bytes, on_wake, &wake, &error);
    g_assert_no_error (error);
    g_assert_true (ok);
    if (bytes)
      break;
    g_mutex_lock (&wake.lock);
    while (!wake.woken)
      g_cond_wait (&wake.cond, &wake.lock);
    g_mutex_unlock (&wake.lock);
  }
  syrinx_rendition_cancel (rendition, &wake);
  return bytes;
}

void
append (GByteArray *file, SyrinxRendition *rendition, gint number)
{
  g_autoptr (GBytes) bytes = fetch (rendition, number);

  g_byte_array_append (
      file, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
}

gchar *
keep (Fixture *f, GByteArray *file)
{
  gchar *mp4 = g_build_filename (f->dir, "r.mp4", NULL);

  g_assert_true (
      g_file_set_contents (mp4, (const gchar *)file->data, file->len, NULL));
  return mp4;
}

gint16 *
decode (Fixture *f, const gchar *path, guint rate_hz, gsize *n_frames)
{
  g_autofree gchar *raw = g_build_filename (f->dir, "r.raw", NULL);
  gchar *pcm;
  gsize n;

  /* ffmpeg gives samples outside the edit list times before 0 */
  shell (
      "ffmpeg -v error -y -copyts -i '%s' -map 0:a -af atrim=start=0 -f s16le "
      "-ar %u -ac 2 '%s'",
      path, rate_hz, raw);
  g_assert_true (g_file_get_contents (raw, &pcm, &n, NULL));
  *n_frames = n / 4;
  return (gint16 *)pcm;
}
