/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Content: fragments are made once, kept encrypted, and never served damaged.
 */
#include "tests/support/tracks.h"
#include "tests/support/tree.h"

#include "core/base/error.h"
#include "core/content/content.h"
#include "core/media/cmaf.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/mount.h>

#define N_FRAGMENTS 4
#define UNITS       1920

typedef struct
{
  gchar *dir, *track_id;
  SyrinxStore *store;
  SyrinxContent *content;
  GMutex lock;
  GCond changed;
  /* protected by lock */
  guint n_produced, n_called;
  gboolean hold; /* the producer only records requests */
  GThread *maker;
} Fixture;

static const TracksShape shape = { N_FRAGMENTS, 2, 32 };

static SyrinxRenditionRow *
plan (
    const SyrinxTrack *track, const gchar *name, gpointer data, GError **error)
{
  return tracks_plan (&shape, track, name, error);
}

static gpointer
make_all (gpointer data)
{
  SyrinxRendition *rendition = data;

  tracks_commit (rendition, &shape, 0, N_FRAGMENTS);
  syrinx_rendition_unref (rendition);
  return NULL;
}

static void
produce (SyrinxRendition *rendition, gint number, gpointer data)
{
  Fixture *f = data;
  gboolean start;

  g_mutex_lock (&f->lock);
  start = f->n_produced++ == 0 && !f->hold;
  g_mutex_unlock (&f->lock);
  if (start)
    f->maker
        = g_thread_new ("make", make_all, syrinx_rendition_ref (rendition));
}

static void
open_content (Fixture *f)
{
  static const SyrinxProducer producer = { plan, produce };
  g_autoptr (GError) error = NULL;
  g_autoptr (SyrinxKeyring) keyring = NULL;

  f->store = syrinx_store_open (f->dir, TRUE, &error);
  g_assert_no_error (error);
  keyring = syrinx_keyring_open (f->dir, TRUE, &error);
  g_assert_no_error (error);
  f->content = syrinx_content_new (f->store, keyring, 1 << 20, 1 << 20);
  syrinx_content_set_producer (f->content, &producer, f);
  f->n_produced = 0;
}

static void
close_content (Fixture *f)
{
  /* The thread holds a reference, and so the directory's lock. */
  g_clear_pointer (&f->maker, g_thread_join);
  syrinx_content_flush (f->content);
  g_clear_pointer (&f->content, syrinx_content_unref);
  g_clear_pointer (&f->store, syrinx_store_unref);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_auto (GStrv) ids = NULL;

  f->dir = g_dir_make_tmp ("syrinx-content-XXXXXX", NULL);
  open_content (f);
  ids = tracks_add (f->store, &shape, 1);
  f->track_id = g_strdup (ids[0]);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  close_content (f);
  tree_remove (f->dir);
  g_free (f->dir);
  g_free (f->track_id);
}

static SyrinxRendition *
open_rendition (Fixture *f)
{
  g_autoptr (GError) error = NULL;
  SyrinxRendition *rendition
      = syrinx_content_open (f->content, f->track_id, "opus-128", 0, &error);

  g_assert_no_error (error);
  return rendition;
}

static void
note_call (SyrinxRendition *rendition, gint number, gpointer data)
{
  Fixture *f = data;

  g_mutex_lock (&f->lock);
  f->n_called++;
  g_cond_broadcast (&f->changed);
  g_mutex_unlock (&f->lock);
}

static void
wait_for_calls (Fixture *f, guint n_calls)
{
  gint64 end = g_get_monotonic_time () + 10 * G_TIME_SPAN_SECOND;

  g_mutex_lock (&f->lock);
  while (f->n_called < n_calls)
    g_assert_true (g_cond_wait_until (&f->changed, &f->lock, end));
  g_mutex_unlock (&f->lock);
}

static void
fetch_made (SyrinxRendition *rendition, guint number)
{
  g_autoptr (GBytes) clear = NULL,
                     wanted = tracks_write_fragment (&shape, number);
  g_autoptr (GError) error = NULL;

  g_assert_true (syrinx_rendition_fetch (
      rendition, number, SYRINX_FORM_CLEAR, &clear, NULL, NULL, &error));
  g_assert_no_error (error);
  g_assert_nonnull (clear);
  g_assert_true (g_bytes_equal (clear, wanted));
}

static gchar *
chunk_path (Fixture *f, guint number)
{
  return g_strdup_printf (
      "%s/chunks/%s/opus-128/1/%u.m4s", f->dir, f->track_id, number);
}

/* Waits until the writer has entered the fragment in the index. */
static void
wait_until_kept (Fixture *f, guint number)
{
  SyrinxFragmentRow row;

  while (!syrinx_store_get_fragment (
      f->store, f->track_id, "opus-128", 1, number, &row, NULL))
    g_usleep (1000);
}

static void
make_and_keep_all (Fixture *f, SyrinxRendition *rendition)
{
  GBytes *bytes;

  f->n_called = 0;
  g_assert_true (syrinx_rendition_fetch (
      rendition, 3, SYRINX_FORM_CHUNK, &bytes, note_call, f, NULL));
  if (!bytes)
    wait_for_calls (f, 1);
  else
    g_bytes_unref (bytes);
  for (guint i = 0; i < N_FRAGMENTS; i++)
    wait_until_kept (f, i);
}

static void
many_who_wait_are_woken_by_one_production (Fixture *f, gconstpointer data)
{
  g_autoptr (SyrinxRendition) rendition = NULL;

  f->hold = TRUE;
  rendition = open_rendition (f);
  for (guint i = 0; i < 10; i++) {
    GBytes *bytes;
    g_assert_true (syrinx_rendition_fetch (
        rendition, i % 4, SYRINX_FORM_CHUNK, &bytes, note_call, f, NULL));
    g_assert_null (bytes);
  }
  make_all (syrinx_rendition_ref (rendition));
  wait_for_calls (f, 10);
  for (guint i = 0; i < N_FRAGMENTS; i++)
    fetch_made (rendition, i);
}

static void
what_was_made_is_there_after_a_restart_and_unreadable_on_disk (
    Fixture *f, gconstpointer data)
{
  SyrinxRendition *rendition = open_rendition (f);
  g_autofree gchar *path = chunk_path (f, 1), *text = NULL;
  gsize size;

  make_and_keep_all (f, rendition);
  syrinx_rendition_unref (rendition);
  g_assert_true (g_file_get_contents (path, &text, &size, NULL));
  g_assert_null (g_strstr_len (text, size, "bbbb"));
  g_assert_null (g_strstr_len (text, size, "moof"));
  close_content (f);
  open_content (f);
  rendition = open_rendition (f);
  fetch_made (rendition, 1);
  g_assert_cmpuint (f->n_produced, ==, 0);
  syrinx_rendition_unref (rendition);
}

static void
a_damaged_fragment_is_made_again (Fixture *f, gconstpointer data)
{
  for (guint kind = 0; kind < 3; kind++) {
    SyrinxRendition *rendition = open_rendition (f);
    g_autofree gchar *path = chunk_path (f, 2), *text = NULL;
    GBytes *bytes = NULL;
    gsize size;

    make_and_keep_all (f, rendition);
    syrinx_rendition_unref (rendition);
    close_content (f);
    g_assert_true (g_file_get_contents (path, &text, &size, NULL));
    text[5] ^= 1;
    if (kind == 2)
      g_unlink (path);
    else
      g_file_set_contents (path, text, kind ? size / 2 : size, NULL);
    open_content (f);
    rendition = open_rendition (f);
    fetch_made (rendition, 1);
    f->n_called = 0;
    if (kind < 2)
      g_test_expect_message ("syrinx", G_LOG_LEVEL_WARNING, "*made again");
    else
      g_test_expect_message ("syrinx", G_LOG_LEVEL_WARNING, "*can't open*");
    g_assert_true (syrinx_rendition_fetch (
        rendition, 2, SYRINX_FORM_CLEAR, &bytes, note_call, f, NULL));
    g_test_assert_expected_messages ();
    g_assert_null (bytes);
    wait_for_calls (f, 1);
    fetch_made (rendition, 2);
    wait_until_kept (f, 2);
    syrinx_rendition_unref (rendition);
  }
}

static void
remove_fragment_file (Fixture *f, guint number)
{
  g_autofree gchar *path = chunk_path (f, number);

  g_assert_cmpint (g_unlink (path), ==, 0);
}

static void
what_is_made_again_otherwise_begins_an_epoch (Fixture *f, gconstpointer data)
{
  SyrinxRendition *rendition = open_rendition (f);
  g_autoptr (SyrinxRendition) after = NULL;
  guint8 other[24] = { 0 };
  SyrinxCmafSample samples[2] = { { other, 20, 960 }, { other, 24, 960 } };
  g_autoptr (GBytes) changed
      = syrinx_cmaf_write_fragment (3, 2 * UNITS, samples, 2);
  g_autoptr (GBytes) same = tracks_write_fragment (&shape, 2);
  g_autoptr (GError) error = NULL;
  GBytes *bytes = NULL;
  guint epoch = syrinx_rendition_get_row (rendition)->epoch;

  make_and_keep_all (f, rendition);
  syrinx_rendition_unref (rendition);
  close_content (f);
  remove_fragment_file (f, 2);
  f->hold = TRUE;
  open_content (f);
  rendition = open_rendition (f);
  g_test_expect_message ("syrinx", G_LOG_LEVEL_WARNING, "*can't open*");
  g_assert_true (syrinx_rendition_fetch (
      rendition, 2, SYRINX_FORM_CLEAR, &bytes, NULL, NULL, NULL));
  g_test_assert_expected_messages ();
  g_assert_false (syrinx_rendition_commit (rendition, 2, changed, &error));
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_CORRUPT);
  after = open_rendition (f);
  g_assert_cmpuint (syrinx_rendition_get_row (after)->epoch, ==, epoch + 1);
  /* clients of the old epoch continue with its fragments */
  g_assert_true (syrinx_rendition_commit (rendition, 2, same, NULL));
  syrinx_content_flush (f->content);
  fetch_made (rendition, 2);
  syrinx_rendition_unref (rendition);
}

/* Commits fragments from number @from until one is refused or all are there.
 * Each is written before the next. Returns: the number of the refused one, or
 * their number. */
static guint
commit_from (Fixture *f, SyrinxRendition *rendition, guint from, GError **error)
{
  for (guint i = from; i < N_FRAGMENTS; i++) {
    g_autoptr (GBytes) clear = tracks_write_fragment (&shape, i);

    if (!syrinx_rendition_commit (rendition, i, clear, error))
      return i;
    syrinx_content_flush (f->content);
  }
  return N_FRAGMENTS;
}

static void
a_full_disk_evicts_and_then_fails_what_is_made (Fixture *f, gconstpointer data)
{
  g_autofree gchar *chunks = g_build_filename (f->dir, "chunks", NULL);
  g_autofree gchar *first = chunk_path (f, 0), *third = chunk_path (f, 2);
  g_autoptr (GError) error = NULL;
  SyrinxRendition *other, *rendition;

  f->hold = TRUE;
  g_mkdir (chunks, 0700);
  /* room for three fragments, one page each */
  if (mount ("tmpfs", chunks, "tmpfs", 0, "size=12k") != 0) {
    g_test_skip ("this needs a small file system: run it as root");
    return;
  }
  other = syrinx_content_open (f->content, f->track_id, "opus-64", 0, NULL);
  for (guint i = 0; i < 3; i++) {
    g_autoptr (GBytes) clear = tracks_write_fragment (&shape, i);
    g_assert_true (syrinx_rendition_commit (other, i, clear, NULL));
  }
  syrinx_content_flush (f->content);
  syrinx_rendition_unref (other);
  rendition = open_rendition (f);
  g_test_expect_message (
      "syrinx", G_LOG_LEVEL_WARNING, "*can't keep fragment 3*No space*");
  g_assert_cmpuint (commit_from (f, rendition, 0, &error), ==, N_FRAGMENTS);
  g_test_assert_expected_messages ();
  g_assert_true (g_file_test (first, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (third, G_FILE_TEST_EXISTS));
  /* the next commit of the run gets the error, once */
  g_assert_cmpuint (commit_from (f, rendition, 3, &error), ==, 3);
  g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_NOSPC);
  syrinx_rendition_unref (rendition);
  syrinx_content_flush (f->content);
  g_assert_cmpint (umount (chunks), ==, 0);
}

static void
a_failure_reaches_who_waits_and_the_next_try_is_a_new_one (
    Fixture *f, gconstpointer data)
{
  g_autoptr (SyrinxRendition) rendition = NULL;
  g_autoptr (GError) error
      = g_error_new (SYRINX_ERROR, SYRINX_ERROR_FAILED, "the disk is full");
  g_autoptr (GError) told = NULL;
  GBytes *bytes;

  f->hold = TRUE;
  rendition = open_rendition (f);
  g_assert_true (syrinx_rendition_fetch (
      rendition, 0, SYRINX_FORM_CHUNK, &bytes, note_call, f, NULL));
  syrinx_rendition_fail (rendition, 0, 4, error);
  wait_for_calls (f, 1);
  g_assert_false (syrinx_rendition_fetch (
      rendition, 0, SYRINX_FORM_CHUNK, &bytes, note_call, f, &told));
  g_assert_error (told, SYRINX_ERROR, SYRINX_ERROR_FAILED);
  g_assert_true (syrinx_rendition_fetch (
      rendition, 0, SYRINX_FORM_CHUNK, &bytes, note_call, f, NULL));
  syrinx_rendition_cancel (rendition, f);
  make_all (syrinx_rendition_ref (rendition));
  g_assert_cmpuint (f->n_called, ==, 1);
}

typedef struct
{
  guint n_calls, n_told;
} Listener;

/* Fetches again at once, as a client without a main loop does. */
static void
fetch_again (SyrinxRendition *rendition, gint number, gpointer data)
{
  Listener *listener = data;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (++listener->n_calls, <, 10);
  if (!syrinx_rendition_fetch (rendition, number, SYRINX_FORM_CHUNK, &bytes,
          fetch_again, listener, &error))
    listener->n_told++;
}

static void
a_failure_is_told_to_each_who_waits (Fixture *f, gconstpointer data)
{
  g_autoptr (SyrinxRendition) rendition = NULL;
  g_autoptr (GError) error
      = g_error_new (SYRINX_ERROR, SYRINX_ERROR_FAILED, "the disk is full");
  Listener listeners[5] = { 0 };

  f->hold = TRUE;
  rendition = open_rendition (f);
  for (guint i = 0; i < G_N_ELEMENTS (listeners); i++) {
    GBytes *bytes;
    g_assert_true (syrinx_rendition_fetch (rendition, i % 2, SYRINX_FORM_CHUNK,
        &bytes, fetch_again, &listeners[i], NULL));
    g_assert_null (bytes);
  }
  f->n_produced = 0;
  syrinx_rendition_fail (rendition, 0, 4, error);
  for (guint i = 0; i < G_N_ELEMENTS (listeners); i++) {
    g_assert_cmpuint (listeners[i].n_calls, ==, 1);
    g_assert_cmpuint (listeners[i].n_told, ==, 1);
  }
  g_assert_cmpuint (f->n_produced, ==, 0);
}

static void
who_asks_again_while_woken_is_not_woken_by_that (Fixture *f, gconstpointer data)
{
  g_autoptr (SyrinxRendition) rendition = NULL;
  g_autoptr (GError) error
      = g_error_new (SYRINX_ERROR, SYRINX_ERROR_FAILED, "no reason");
  Listener listener = { 0 };
  GBytes *bytes;

  f->hold = TRUE;
  rendition = open_rendition (f);
  for (guint i = 0; i < 2; i++)
    g_assert_true (syrinx_rendition_fetch (
        rendition, 1, SYRINX_FORM_CHUNK, &bytes, fetch_again, &listener, NULL));
  syrinx_rendition_fail (rendition, 0, 4, error);
  /* Both waits have the same user_data: it gets one failure, and then waits
   * again. */
  g_assert_cmpuint (listener.n_calls, ==, 2);
  g_assert_cmpuint (listener.n_told, ==, 1);
  syrinx_rendition_cancel (rendition, &listener);
}

typedef struct
{
  Fixture *f;
  SyrinxRendition *rendition;
} Reader;

static gpointer
read_what_is_missing (gpointer data)
{
  Reader *reader = data;

  for (guint i = 0; i < 200; i++) {
    g_autoptr (GBytes) bytes = NULL;
    guint n_called;
    Fixture own = { 0 };

    do {
      n_called = own.n_called;
      if (!syrinx_rendition_fetch (reader->rendition, 2, SYRINX_FORM_CHUNK,
              &bytes, note_call, &own, NULL))
        break;
      g_assert_null (bytes);
      wait_for_calls (&own, n_called + 1);
    } while (TRUE);
    syrinx_rendition_cancel (reader->rendition, &own);
    g_mutex_clear (&own.lock);
    g_cond_clear (&own.changed);
  }
  return NULL;
}

static void
without_a_producer_nobody_waits_for_good (Fixture *f, gconstpointer data)
{
  g_autoptr (SyrinxRendition) rendition = open_rendition (f);
  Reader reader = { f, rendition };
  GThread *threads[4];

  syrinx_content_set_producer (f->content, NULL, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("read", read_what_is_missing, &reader);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

static void
a_fragment_that_is_not_the_plans_is_refused (Fixture *f, gconstpointer data)
{
  g_autoptr (SyrinxRendition) rendition = open_rendition (f);
  g_autoptr (GBytes) clear = tracks_write_fragment (&shape, 1);
  g_autoptr (GBytes) junk = g_bytes_new_static ("junk", 4);
  static const gint numbers[] = { 0, 2, 4, 400, -2 };

  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    g_assert_false (
        syrinx_rendition_commit (rendition, numbers[i], clear, NULL));
  g_assert_false (syrinx_rendition_commit (rendition, 1, junk, NULL));
  g_assert_true (syrinx_rendition_commit (rendition, 1, clear, NULL));
}

static void
what_is_not_there_is_told (Fixture *f, gconstpointer data)
{
  g_autoptr (SyrinxRendition) rendition = open_rendition (f);
  static const gchar *const ids[] = { "..", "", "AAAAAAAAAAAAAAAAAAAAAA" };
  g_autoptr (GError) error = NULL;
  GBytes *bytes;

  g_assert_false (syrinx_rendition_fetch (
      rendition, 4, SYRINX_FORM_CHUNK, &bytes, NULL, NULL, &error));
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND);
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++) {
    g_autoptr (GError) why = NULL;
    g_assert_null (
        syrinx_content_open (f->content, ids[i], "opus-128", 0, &why));
    g_assert_error (why, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND);
  }
  g_assert_null (
      syrinx_content_open (f->content, f->track_id, "../x", 0, NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(test)                                                              \
  g_test_add ("/content/" #test, Fixture, NULL, set_up, test, tear_down)
  ADD (many_who_wait_are_woken_by_one_production);
  ADD (what_was_made_is_there_after_a_restart_and_unreadable_on_disk);
  ADD (a_damaged_fragment_is_made_again);
  ADD (what_is_made_again_otherwise_begins_an_epoch);
  ADD (a_full_disk_evicts_and_then_fails_what_is_made);
  ADD (a_failure_reaches_who_waits_and_the_next_try_is_a_new_one);
  ADD (a_failure_is_told_to_each_who_waits);
  ADD (who_asks_again_while_woken_is_not_woken_by_that);
  ADD (without_a_producer_nobody_waits_for_good);
  ADD (a_fragment_that_is_not_the_plans_is_refused);
  ADD (what_is_not_there_is_told);
  return g_test_run ();
}
