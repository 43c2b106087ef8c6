/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A rendition's object: one per epoch that is in use. */
#include "content-private.h"

SyrinxRendition *
syrinx_rendition_new (
    SyrinxContent *content, SyrinxRenditionRow *row, GError **error)
{
  SyrinxRendition *rendition;
  GBytes *key = syrinx_keyring_unwrap (content->keyring, row->wrapped_key,
      row->track_id, row->name, row->epoch, error);

  if (!key)
    return NULL;
  rendition = g_new0 (SyrinxRendition, 1);
  g_atomic_ref_count_init (&rendition->refs);
  rendition->content = syrinx_content_ref (content);
  rendition->name
      = g_strdup_printf ("%s/%s/%u", row->track_id, row->name, row->epoch);
  rendition->row = row;
  rendition->key = key;
  rendition->loading = g_hash_table_new (NULL, NULL);
  rendition->lost = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  return rendition;
}

static void
rendition_free (SyrinxRendition *rendition)
{
  syrinx_rendition_clear_waits (rendition);
  syrinx_rendition_row_free (rendition->row);
  g_bytes_unref (rendition->key);
  g_hash_table_unref (rendition->loading);
  g_hash_table_unref (rendition->lost);
  g_clear_error (&rendition->write_failure);
  g_free (rendition->name);
  syrinx_content_unref (rendition->content);
  g_free (rendition);
}

SyrinxRendition *
syrinx_rendition_ref (SyrinxRendition *rendition)
{
  g_atomic_ref_count_inc (&rendition->refs);
  return rendition;
}

void
syrinx_rendition_unref (SyrinxRendition *rendition)
{
  SyrinxContent *content = rendition->content;
  gboolean is_superseded;

  /* Under the lock, so that no thread finds an object that is being freed. */
  g_mutex_lock (&content->lock);
  if (!g_atomic_ref_count_dec (&rendition->refs)) {
    g_mutex_unlock (&content->lock);
    return;
  }
  g_hash_table_remove (content->renditions, rendition->name);
  is_superseded = rendition->is_superseded;
  g_mutex_unlock (&content->lock);
  if (is_superseded)
    syrinx_content_sweep (content);
  rendition_free (rendition);
}

const SyrinxRenditionRow *
syrinx_rendition_get_row (SyrinxRendition *rendition)
{
  return rendition->row;
}

GBytes *
syrinx_rendition_get_key (SyrinxRendition *rendition)
{
  return rendition->key;
}
