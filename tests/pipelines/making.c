/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "making.h"

#include "tests/support/tracks.h"
#include "tests/support/tree.h"

#define N_PACKETS    50 /* a second */
#define PACKET_BYTES 160
#define MEMORY_BYTES (64 * 1024) /* small, so that most is read from disk */
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

static const TracksShape shape = { MAKING_SECONDS, N_PACKETS, PACKET_BYTES };

static SyrinxRenditionRow *
plan (
    const SyrinxTrack *track, const gchar *name, gpointer data, GError **error)
{
  return tracks_plan (&shape, track, name, error);
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

  g_usleep (g_random_int_range (0, MAX_DELAY_US));
  tracks_commit (order->rendition, &shape, order->number, order->number + 1);
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
  g_auto (GStrv) ids = tracks_add (making->store, &shape, n_tracks);

  for (guint i = 0; i < n_tracks; i++)
    g_ptr_array_add (making->uris,
        g_strdup_printf ("syrinx://track/%s?rendition=opus-128", ids[i]));
}

Making *
making_new (guint n_tracks)
{
  static const SyrinxProducer producer = { plan, produce };
  Making *making = g_new0 (Making, 1);
  g_autoptr (GError) error = NULL;

  making->dir = g_dir_make_tmp ("syrinx-stress-XXXXXX", &error);
  g_assert_no_error (error);
  g_mutex_init (&making->lock);
  making->under_way
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  making->uris = g_ptr_array_new_with_free_func (g_free);
  making->content
      = tracks_open_content (making->dir, MEMORY_BYTES, &making->store);
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

void
making_free (Making *making)
{
  g_thread_pool_free (making->makers, FALSE, TRUE);
  syrinx_content_flush (making->content);
  syrinx_content_unref (making->content);
  syrinx_store_unref (making->store);
  tree_remove (making->dir);
  g_hash_table_unref (making->under_way);
  g_mutex_clear (&making->lock);
  g_ptr_array_unref (making->uris);
  g_free (making->dir);
  g_free (making);
}
