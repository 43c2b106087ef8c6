/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Content: a rendition is planned when it is first opened, and has one shared
 * object for as long as it is in use. */
#include "content-private.h"

#include "core/crypto/chunk-cipher.h"
#include "chunk-files.h"
#include "core/base/error.h"
#include "core/base/identifier.h"
#include "core/crypto/secret.h"

/* If the disk is full, evicts part of the cache and tries again. */
static gboolean
put_row (SyrinxContent *content, const SyrinxRenditionRow *row, GError **error)
{
  GError *cause = NULL;

  if (syrinx_store_put_rendition (content->store, row, &cause))
    return TRUE;
  if (g_error_matches (cause, G_FILE_ERROR, G_FILE_ERROR_NOSPC)) {
    g_warning ("%s; room is being made", cause->message);
    syrinx_content_make_room (content);
    g_clear_error (&cause);
    cause = g_error_new_literal (SYRINX_ERROR, SYRINX_ERROR_OVERLOADED,
        "the disk is full; room is being made, try again soon");
  }
  g_propagate_error (error, cause);
  return FALSE;
}

static SyrinxRenditionRow *
plan_row (SyrinxContent *content, const gchar *track_id, const gchar *name,
    GError **error)
{
  g_autoptr (SyrinxTrack) track
      = syrinx_store_get_track (content->store, track_id, error);
  g_autoptr (GBytes) key = NULL;
  g_autoptr (SyrinxRenditionRow) row = NULL;
  SyrinxProducer producer;
  gpointer producer_data;
  guint last_epoch = 0;

  if (!track)
    return NULL;
  g_mutex_lock (&content->lock);
  producer = content->producer;
  producer_data = content->producer_data;
  g_mutex_unlock (&content->lock);
  if (!producer.plan) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND,
        "track %s has no rendition %s yet; play it once through a syrinxd on "
        "this state directory",
        track_id, name);
    return NULL;
  }
  row = producer.plan (track, name, producer_data, error);
  if (!row
      || !syrinx_store_get_last_epoch (
          content->store, track_id, name, &last_epoch, error))
    return NULL;
  key = syrinx_secret_new_random (SYRINX_CHUNK_KEY_BYTES);
  row->epoch = last_epoch + 1;
  row->wrapped_key = syrinx_keyring_wrap (
      content->keyring, key, track_id, name, row->epoch, error);
  if (!row->wrapped_key || !put_row (content, row, error))
    return NULL;
  if (last_epoch > 0)
    syrinx_content_supersede (content, row);
  return g_steal_pointer (&row);
}

static SyrinxRenditionRow *
find_row (SyrinxContent *content, const gchar *track_id, const gchar *name,
    guint epoch, GError **error)
{
  g_autoptr (GError) cause = NULL;
  SyrinxRenditionRow *row;

  if (!syrinx_id_is_valid (track_id)
      || !syrinx_rendition_name_is_valid (name)) {
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND,
        "there is no such track or rendition");
    return NULL;
  }
  row = syrinx_store_get_rendition (
      content->store, track_id, name, epoch, &cause);
  if (!row && epoch == 0
      && g_error_matches (cause, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND)) {
    g_clear_error (&cause);
    row = plan_row (content, track_id, name, &cause);
  }
  if (!row)
    g_propagate_error (error, g_steal_pointer (&cause));
  return row;
}

/* The object of a rendition that is in use. (nullable) (transfer full) */
static SyrinxRendition *
find_in_use (SyrinxContent *content, const gchar *track_id, const gchar *name,
    guint epoch)
{
  g_autofree gchar *key = g_strdup_printf ("%s/%s/%u", track_id, name, epoch);
  SyrinxRendition *rendition;

  g_mutex_lock (&content->lock);
  rendition = g_hash_table_lookup (content->renditions, key);
  if (rendition)
    syrinx_rendition_ref (rendition);
  g_mutex_unlock (&content->lock);
  return rendition;
}

/* plan_lock is held, so that no other thread opens the same rendition
 * meanwhile. If @epoch is given and in use, the index is not read. */
static SyrinxRendition *
open_planned (SyrinxContent *content, const gchar *track_id, const gchar *name,
    guint epoch, GError **error)
{
  SyrinxRendition *rendition
      = epoch ? find_in_use (content, track_id, name, epoch) : NULL;
  g_autoptr (SyrinxRenditionRow) row
      = rendition ? NULL : find_row (content, track_id, name, epoch, error);

  if (row)
    rendition = find_in_use (content, row->track_id, row->name, row->epoch);
  if (rendition || !row)
    return rendition;
  rendition = syrinx_rendition_new (content, row, error);
  if (!rendition)
    return NULL;
  row = NULL;
  g_mutex_lock (&content->lock);
  g_hash_table_insert (content->renditions, rendition->name, rendition);
  g_mutex_unlock (&content->lock);
  return rendition;
}

SyrinxRendition *
syrinx_content_open (SyrinxContent *content, const gchar *track_id,
    const gchar *name, guint epoch, GError **error)
{
  SyrinxRendition *rendition;

  g_mutex_lock (&content->plan_lock);
  rendition = open_planned (content, track_id, name, epoch, error);
  g_mutex_unlock (&content->plan_lock);
  return rendition;
}
