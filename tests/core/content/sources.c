/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fragment sources: the order in which they are asked, late answers, and bytes
 * that differ from the index's digest. Chunks are made once and their files
 * moved elsewhere, from where sources that are away give them. */
#include "tests/support/tracks.h"
#include "tests/support/tree.h"

#include "core/base/error.h"
#include "core/content/fragment-source.h"

#include <glib/gstdio.h>

static const TracksShape shape
    = { .n_fragments = 4, .n_packets = 2, .packet_bytes = 32 };

typedef struct
{
  gchar *dir, *elsewhere, *track_id;
  SyrinxStore *store;
  SyrinxContent *content;
  SyrinxRendition *rendition;
  GMutex lock;
  GCond changed;
  /* protected by lock */
  guint n_made, n_called;
} Fixture;

/* A source that answers later, from a thread, when it is released. */
typedef struct
{
  SyrinxFragmentSource source;
  SyrinxFragmentSource *files; /* elsewhere; NULL: it never has a fragment */
  GMutex lock;
  GCond changed;
  /* protected by lock */
  gboolean is_held;
  guint n_asked, n_refused;
} AwaySource;

typedef struct
{
  AwaySource *away;
  SyrinxFragmentRequest *request;
} Asking;

static gpointer
answer (gpointer data)
{
  g_autofree Asking *asking = data;
  AwaySource *away = asking->away;
  g_autoptr (GBytes) chunk = NULL;

  g_mutex_lock (&away->lock);
  while (away->is_held)
    g_cond_wait (&away->changed, &away->lock);
  g_mutex_unlock (&away->lock);
  if (away->files)
    away->files->ask (away->files, asking->request, &chunk, NULL);
  syrinx_fragment_request_answer (asking->request, chunk);
  return NULL;
}

static SyrinxSourceAnswer
ask (SyrinxFragmentSource *source, SyrinxFragmentRequest *request,
    GBytes **chunk, GError **error)
{
  AwaySource *away = (AwaySource *)source;
  Asking *asking = g_new0 (Asking, 1);

  asking->away = away;
  asking->request = request;
  g_mutex_lock (&away->lock);
  away->n_asked++;
  g_cond_broadcast (&away->changed);
  g_mutex_unlock (&away->lock);
  g_thread_unref (g_thread_new ("away", answer, asking));
  return SYRINX_ANSWER_LATER;
}

static void
refuse (SyrinxFragmentSource *source, const SyrinxFragmentRequest *request)
{
  AwaySource *away = (AwaySource *)source;

  g_mutex_lock (&away->lock);
  away->n_refused++;
  g_mutex_unlock (&away->lock);
}

static void
away_free (SyrinxFragmentSource *source)
{
  AwaySource *away = (AwaySource *)source;

  if (away->files)
    away->files->free (away->files);
  g_free (away);
}

/* (transfer none): content owns it. @dir (nullable): NULL never has a
 * fragment. */
static AwaySource *
add_away (Fixture *f, const gchar *dir)
{
  AwaySource *away = g_new0 (AwaySource, 1);

  away->source = (SyrinxFragmentSource){
    .kind = SYRINX_SOURCE_AWAY, .ask = ask, .refuse = refuse, .free = away_free
  };
  away->files = dir ? syrinx_disk_source_new (dir) : NULL;
  syrinx_content_add_source (f->content, &away->source);
  return away;
}

static void
hold (AwaySource *away, gboolean is_held)
{
  g_mutex_lock (&away->lock);
  away->is_held = is_held;
  g_cond_broadcast (&away->changed);
  g_mutex_unlock (&away->lock);
}

/* --- Fixture --- */

static SyrinxRenditionRow *
plan (
    const SyrinxTrack *track, const gchar *name, gpointer data, GError **error)
{
  return tracks_plan (&shape, track, name, error);
}

static void
produce (SyrinxRendition *rendition, gint number, gpointer data)
{
  Fixture *f = data;

  g_mutex_lock (&f->lock);
  f->n_made++;
  g_mutex_unlock (&f->lock);
  tracks_commit (rendition, &shape, number, number + 1);
}

static void
open_rendition (Fixture *f)
{
  static const SyrinxProducer producer = { plan, produce };
  g_autoptr (GError) error = NULL;

  f->content = tracks_open_content (f->dir, 1 << 20, &f->store);
  syrinx_content_set_producer (f->content, &producer, f);
  if (!f->track_id) {
    g_auto (GStrv) ids = tracks_add (f->store, &shape, 1);
    f->track_id = g_strdup (ids[0]);
  }
  f->rendition
      = syrinx_content_open (f->content, f->track_id, "opus-128", 0, &error);
  g_assert_no_error (error);
}

static void
close_rendition (Fixture *f)
{
  g_clear_pointer (&f->rendition, syrinx_rendition_unref);
  syrinx_content_flush (f->content);
  g_clear_pointer (&f->content, syrinx_content_unref);
  g_clear_pointer (&f->store, syrinx_store_unref);
}

/* Three fragments are in the index, with their files elsewhere; the last one
 * was never made. */
static void
set_up (Fixture *f, gconstpointer data)
{
  g_autofree gchar *from = NULL, *to = NULL;

  f->dir = g_dir_make_tmp ("syrinx-sources-XXXXXX", NULL);
  f->elsewhere = g_build_filename (f->dir, "elsewhere", NULL);
  open_rendition (f);
  tracks_commit (f->rendition, &shape, 0, 3);
  close_rendition (f);
  g_assert_cmpint (g_mkdir (f->elsewhere, 0700), ==, 0);
  from = g_build_filename (f->dir, "chunks", NULL);
  to = g_build_filename (f->elsewhere, "chunks", NULL);
  g_assert_cmpint (g_rename (from, to), ==, 0);
  open_rendition (f);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  close_rendition (f);
  tree_remove (f->dir);
  g_free (f->dir);
  g_free (f->elsewhere);
  g_free (f->track_id);
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
  gint64 end_us = g_get_monotonic_time () + 20 * G_TIME_SPAN_SECOND;

  g_mutex_lock (&f->lock);
  while (f->n_called < n_calls)
    g_assert_true (g_cond_wait_until (&f->changed, &f->lock, end_us));
  g_mutex_unlock (&f->lock);
}

/* Fetches @number, which must make it wait. @is_lost: the file is missing on
 * the disk. */
static void
ask_for (Fixture *f, gint number, gboolean is_lost)
{
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;

  if (is_lost)
    g_test_expect_message ("syrinx", G_LOG_LEVEL_WARNING, "*looked for*");
  g_assert_true (syrinx_rendition_fetch (
      f->rendition, number, SYRINX_FORM_CLEAR, &bytes, note_call, f, &error));
  g_test_assert_expected_messages ();
  g_assert_no_error (error);
  g_assert_null (bytes);
}

static void
assert_there (Fixture *f, gint number)
{
  g_autoptr (GBytes) wanted = tracks_write_fragment (&shape, number);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (syrinx_rendition_fetch (
      f->rendition, number, SYRINX_FORM_CLEAR, &bytes, note_call, f, &error));
  g_assert_no_error (error);
  g_assert_nonnull (bytes);
  g_assert_true (g_bytes_equal (bytes, wanted));
}

static void
damage (Fixture *f, gint number)
{
  g_autofree gchar *path = g_strdup_printf (
      "%s/chunks/%s/opus-128/1/%d.m4s", f->elsewhere, f->track_id, number);
  g_autofree gchar *text = NULL;
  gsize size_bytes;

  g_assert_true (g_file_get_contents (path, &text, &size_bytes, NULL));
  text[size_bytes / 2] ^= 1;
  g_assert_true (g_file_set_contents (path, text, size_bytes, NULL));
}

/* --- Tests --- */

static void
what_the_disk_has_lost_comes_from_a_source_that_is_away (
    Fixture *f, gconstpointer data)
{
  AwaySource *away = add_away (f, f->elsewhere);

  hold (away, TRUE);
  ask_for (f, 1, TRUE);
  hold (away, FALSE);
  wait_for_calls (f, 1);
  assert_there (f, 1);
  g_assert_cmpuint (away->n_asked, ==, 1);
  g_assert_cmpuint (f->n_made, ==, 0);
}

static void
who_asks_meanwhile_waits_for_the_same_answer (Fixture *f, gconstpointer data)
{
  AwaySource *away = add_away (f, f->elsewhere);

  hold (away, TRUE);
  ask_for (f, 1, TRUE);
  for (guint i = 0; i < 9; i++)
    ask_for (f, 1, FALSE);
  hold (away, FALSE);
  wait_for_calls (f, 10);
  g_assert_cmpuint (away->n_asked, ==, 1);
  assert_there (f, 1);
}

static void
wrong_bytes_are_refused_and_the_next_source_is_asked (
    Fixture *f, gconstpointer data)
{
  g_autofree gchar *copy = g_build_filename (f->dir, "copy", NULL);
  const gchar *argv[] = { "cp", "-r", f->elsewhere, copy, NULL };
  AwaySource *bad = add_away (f, f->elsewhere);
  AwaySource *good = add_away (f, copy);

  g_assert_true (g_spawn_sync (NULL, (gchar **)argv, NULL, G_SPAWN_SEARCH_PATH,
      NULL, NULL, NULL, NULL, NULL, NULL));
  damage (f, 2);
  ask_for (f, 2, TRUE);
  wait_for_calls (f, 1);
  assert_there (f, 2);
  g_assert_cmpuint (bad->n_refused, ==, 1);
  g_assert_cmpuint (good->n_asked, ==, 1);
  g_assert_cmpuint (good->n_refused, ==, 0);
  g_assert_cmpuint (f->n_made, ==, 0);
}

static void
what_no_source_has_is_made (Fixture *f, gconstpointer data)
{
  AwaySource *first = add_away (f, NULL);
  AwaySource *second = add_away (f, NULL);

  ask_for (f, 0, TRUE);
  wait_for_calls (f, 1);
  assert_there (f, 0);
  g_assert_cmpuint (first->n_asked, ==, 1);
  g_assert_cmpuint (second->n_asked, ==, 1);
  g_assert_cmpuint (f->n_made, ==, 1);
}

/* Without a row in the index, no chunk could be verified. */
static void
what_the_index_does_not_know_is_asked_of_makers_only (
    Fixture *f, gconstpointer data)
{
  AwaySource *away = add_away (f, f->elsewhere);

  ask_for (f, 3, FALSE);
  wait_for_calls (f, 1);
  assert_there (f, 3);
  g_assert_cmpuint (away->n_asked, ==, 0);
  g_assert_cmpuint (f->n_made, ==, 1);
}

static void
without_a_maker_the_last_source_tells_who_waits (Fixture *f, gconstpointer data)
{
  AwaySource *away = add_away (f, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;

  syrinx_content_set_producer (f->content, NULL, NULL);
  hold (away, TRUE);
  ask_for (f, 1, TRUE);
  ask_for (f, 1, FALSE);
  hold (away, FALSE);
  wait_for_calls (f, 2);
  g_test_expect_message ("syrinx", G_LOG_LEVEL_WARNING, "*looked for*");
  g_assert_false (syrinx_rendition_fetch (
      f->rendition, 1, SYRINX_FORM_CLEAR, &bytes, note_call, f, &error));
  g_test_assert_expected_messages ();
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND);
  g_assert_cmpuint (away->n_asked, ==, 1);
}

static void
a_source_that_was_removed_is_not_asked (Fixture *f, gconstpointer data)
{
  AwaySource *away = add_away (f, f->elsewhere);

  syrinx_content_remove_source (f->content, &away->source);
  ask_for (f, 1, TRUE);
  wait_for_calls (f, 1);
  assert_there (f, 1);
  g_assert_cmpuint (f->n_made, ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name)                                                              \
  g_test_add ("/sources/" #name, Fixture, NULL, set_up, name, tear_down)
  ADD (what_the_disk_has_lost_comes_from_a_source_that_is_away);
  ADD (who_asks_meanwhile_waits_for_the_same_answer);
  ADD (wrong_bytes_are_refused_and_the_next_source_is_asked);
  ADD (what_no_source_has_is_made);
  ADD (what_the_index_does_not_know_is_asked_of_makers_only);
  ADD (without_a_maker_the_last_source_tells_who_waits);
  ADD (a_source_that_was_removed_is_not_asked);
  return g_test_run ();
}
