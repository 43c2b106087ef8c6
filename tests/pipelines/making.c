/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "making.h"

#include "core/media/cmaf.h"
#include "core/content/content.h"

#include <glib/gstdio.h>

#include <string.h>

#define N_PACKETS    50 /* a second */
#define PACKET_BYTES 160
#define UNITS        (N_PACKETS * 960)
#define PRE_SKIP     312
#define MEMORY_BYTES (64 * 1024) /* so that most is read from disk */
#define MAX_DELAY_US 20000

struct _Making
{
  gchar *dir;
  GPtrArray *uris;
  SyrinxStore *store;
  SyrinxContent *content;
  GThreadPool *makers;

  GMutex lock;
  GHashTable *under_way; /* set of keys; protected by lock */
};

typedef struct
{
  SyrinxRendition *rendition;
  gint number;
} Order;

static SyrinxRenditionRow *
plan (
    const SyrinxTrack *track, const gchar *name, gpointer data, GError **error)
{
  SyrinxCmafFormat format = { .codec = SYRINX_CMAF_OPUS,
    .sample_rate_hz = 48000,
    .channels = 2,
    .pre_skip = PRE_SKIP };
  SyrinxRenditionRow *row = g_new0 (SyrinxRenditionRow, 1);

  row->track_id = g_strdup (track->id);
  row->name = g_strdup (name);
  row->codecs = g_strdup ("opus");
  row->sample_rate_hz = row->timescale = 48000;
  row->channels = 2;
  row->pre_skip = PRE_SKIP;
  row->fragment_units = UNITS;
  row->n_fragments = MAKING_SECONDS;
  row->n_units = MAKING_SECONDS * UNITS;
  row->header = syrinx_cmaf_write_header (&format, error);
  return row;
}

static gchar *
make_key (const Order *order)
{
  return g_strdup_printf ("%p/%d", order->rendition, order->number);
}

static void
make (gpointer data, gpointer user_data)
{
  Order *order = data;
  Making *making = user_data;
  g_autofree gchar *key = make_key (order);
  guint8 payload[PACKET_BYTES];
  SyrinxCmafSample samples[N_PACKETS];
  g_autoptr (GBytes) clear = NULL;
  g_autoptr (GError) error = NULL;

  g_usleep (g_random_int_range (0, MAX_DELAY_US));
  memset (payload, order->number, sizeof payload);
  for (guint i = 0; i < N_PACKETS; i++)
    samples[i] = (SyrinxCmafSample){ payload, sizeof payload, 960 };
  clear = syrinx_cmaf_write_fragment (
      order->number + 1, (guint64)order->number * UNITS, samples, N_PACKETS);
  syrinx_rendition_commit (order->rendition, order->number, clear, &error);
  g_assert_no_error (error);
  g_mutex_lock (&making->lock);
  g_hash_table_remove (making->under_way, key);
  g_mutex_unlock (&making->lock);
  syrinx_rendition_unref (order->rendition);
  g_free (order);
}

static void
produce (SyrinxRendition *rendition, gint number, gpointer data)
{
  Making *making = data;
  Order *order = g_new (Order, 1);
  gboolean is_new;

  order->rendition = syrinx_rendition_ref (rendition);
  order->number = number;
  g_mutex_lock (&making->lock);
  is_new = g_hash_table_add (making->under_way, make_key (order));
  g_mutex_unlock (&making->lock);
  if (is_new) {
    g_thread_pool_push (making->makers, order, NULL);
  } else {
    syrinx_rendition_unref (order->rendition);
    g_free (order);
  }
}

static void
add_tracks (Making *making, guint n_tracks)
{
  g_autoptr (GPtrArray) tracks
      = g_ptr_array_new_with_free_func ((GDestroyNotify)syrinx_track_free);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < n_tracks; i++) {
    SyrinxTrack *track = g_new0 (SyrinxTrack, 1);
    track->root = g_strdup ("/music");
    track->path = g_strdup_printf ("%u.flac", i);
    track->title = g_strdup (track->path);
    track->codec = g_strdup ("flac");
    track->fingerprint = g_strdup_printf ("%08x", i);
    track->sample_rate_hz = 48000;
    track->channels = 2;
    track->n_samples = MAKING_SECONDS * UNITS - PRE_SKIP;
    g_ptr_array_add (tracks, track);
  }
  syrinx_store_put_tracks (making->store, tracks, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < n_tracks; i++)
    g_ptr_array_add (
        making->uris, g_strdup_printf ("syrinx://track/%s?rendition=opus-128",
                          ((SyrinxTrack *)tracks->pdata[i])->id));
}

Making *
making_new (guint n_tracks)
{
  static const SyrinxProducer producer = { plan, produce };
  Making *making = g_new0 (Making, 1);
  g_autoptr (SyrinxKeyring) keyring = NULL;
  g_autoptr (GError) error = NULL;

  making->dir = g_dir_make_tmp ("syrinx-stress-XXXXXX", &error);
  g_assert_no_error (error);
  g_mutex_init (&making->lock);
  making->under_way
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  making->uris = g_ptr_array_new_with_free_func (g_free);
  making->store = syrinx_store_open (making->dir, TRUE, &error);
  g_assert_no_error (error);
  keyring = syrinx_keyring_open (making->dir, TRUE, &error);
  g_assert_no_error (error);
  making->content
      = syrinx_content_new (making->store, keyring, G_MAXINT64, MEMORY_BYTES);
  making->makers = g_thread_pool_new (make, making, 2, TRUE, NULL);
  syrinx_content_set_producer (making->content, &producer, making);
  add_tracks (making, n_tracks);
  return making;
}

const gchar *
making_get_dir (Making *making)
{
  return making->dir;
}

const gchar *
making_get_uri (Making *making, guint number)
{
  return making->uris->pdata[number % making->uris->len];
}

static void
remove_tree (const gchar *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const gchar *name;

  while (dir && (name = g_dir_read_name (dir))) {
    g_autofree gchar *child = g_build_filename (path, name, NULL);
    if (g_file_test (child, G_FILE_TEST_IS_DIR))
      remove_tree (child);
    else
      g_unlink (child);
  }
  g_rmdir (path);
}

void
making_free (Making *making)
{
  g_thread_pool_free (making->makers, FALSE, TRUE);
  syrinx_content_flush (making->content);
  syrinx_content_unref (making->content);
  syrinx_store_unref (making->store);
  remove_tree (making->dir);
  g_hash_table_unref (making->under_way);
  g_mutex_clear (&making->lock);
  g_ptr_array_unref (making->uris);
  g_free (making->dir);
  g_free (making);
}
