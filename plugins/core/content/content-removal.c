/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Content: removal from the disk, of the least recently used renditions when
 * the cache is full, and of superseded epochs that are no longer in use. */
#include "content-private.h"

#include "chunk-files.h"

/* --- Eviction --- */

static gboolean
may_evict (
    const gchar *track_id, const gchar *name, guint epoch, gpointer user_data)
{
  SyrinxContent *content = user_data;
  g_autofree gchar *key = g_strdup_printf ("%s/%s/%u", track_id, name, epoch);
  gboolean in_use;

  g_mutex_lock (&content->lock);
  in_use = g_hash_table_contains (content->renditions, key);
  g_mutex_unlock (&content->lock);
  if (!in_use)
    syrinx_chunk_files_remove_epoch (content->state_dir, track_id, name, epoch);
  return !in_use;
}

static void
evict_to (SyrinxContent *content, guint64 max_bytes)
{
  if (!syrinx_store_evict (content->store, max_bytes, may_evict, content, NULL))
    g_warning ("can't shrink the cache of %s", content->state_dir);
}

void
syrinx_content_evict (SyrinxContent *content)
{
  evict_to (content, content->cache_max_bytes);
}

void
syrinx_content_evict_half (SyrinxContent *content)
{
  SyrinxStoreStats stats = { 0 };

  evict_to (content, (syrinx_store_get_stats (content->store, &stats, NULL)
                             ? stats.cache_bytes
                             : content->cache_max_bytes)
                         / 2);
}

/* --- Superseded epochs --- */

void
syrinx_content_mark_superseded (
    SyrinxContent *content, const SyrinxRenditionRow *row)
{
  g_autofree gchar *name
      = g_strdup_printf ("%s/%s/%u", row->track_id, row->name, row->epoch - 1);
  SyrinxRendition *rendition;

  g_mutex_lock (&content->lock);
  rendition = g_hash_table_lookup (content->renditions, name);
  if (rendition)
    rendition->is_superseded = TRUE;
  g_mutex_unlock (&content->lock);
}

/* plan_lock is held. The files are removed first: a row without its file is
 * noticed later, a file without its row never. */
static void
remove_epoch_planned (SyrinxContent *content, const SyrinxRenditionRow *row)
{
  g_autofree gchar *name
      = g_strdup_printf ("%s/%s/%u", row->track_id, row->name, row->epoch);
  g_autoptr (GError) error = NULL;
  gboolean in_use;

  g_mutex_lock (&content->lock);
  in_use = g_hash_table_contains (content->renditions, name);
  g_mutex_unlock (&content->lock);
  if (in_use)
    return;
  syrinx_chunk_files_remove_epoch (
      content->state_dir, row->track_id, row->name, row->epoch);
  if (!syrinx_store_remove_epoch (
          content->store, row->track_id, row->name, row->epoch, &error))
    g_warning ("can't forget the old epoch %s: %s", name, error->message);
}

static void
remove_superseded (SyrinxContent *content)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) rows
      = syrinx_store_list_superseded (content->store, &error);

  if (error)
    g_warning ("can't look for old epochs: %s", error->message);
  for (guint i = 0; rows && i < rows->len; i++) {
    g_mutex_lock (&content->plan_lock);
    remove_epoch_planned (content, rows->pdata[i]);
    g_mutex_unlock (&content->plan_lock);
  }
}

/* --- Having it done --- */

static void
run_sweep (gpointer data)
{
  remove_superseded (data);
  syrinx_content_unref (data);
}

void
syrinx_content_sweep (SyrinxContent *content)
{
  syrinx_writer_push (content->writer, run_sweep, syrinx_content_ref (content));
}

static void
run_make_room (gpointer data)
{
  syrinx_content_evict_half (data);
  run_sweep (data);
}

void
syrinx_content_make_room (SyrinxContent *content)
{
  syrinx_writer_push (
      content->writer, run_make_room, syrinx_content_ref (content));
}

void
syrinx_content_supersede (SyrinxContent *content, const SyrinxRenditionRow *row)
{
  syrinx_content_mark_superseded (content, row);
  syrinx_content_sweep (content);
}
