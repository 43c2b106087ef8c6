/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Content: the cache in memory. Every chunk enters it here, after its digest
 * was compared with that in the index. */
#include "content-private.h"

#include "core/base/identifier.h"
#include "core/crypto/chunk-cipher.h"

#include <string.h>

static void
name_fragment (SyrinxRendition *rendition, gint number,
    gchar name[SYRINX_FRAGMENT_NAME_MAX])
{
  g_snprintf (name, SYRINX_FRAGMENT_NAME_MAX, "%s/%d", rendition->name, number);
}

GBytes *
syrinx_rendition_recall_locked (
    SyrinxRendition *rendition, gint number, SyrinxForm form)
{
  gchar name[SYRINX_FRAGMENT_NAME_MAX];
  GBytes *bytes = rendition->row->header;

  if (number != SYRINX_FRAGMENT_HEADER) {
    name_fragment (rendition, number, name);
    bytes = syrinx_fragment_cache_get (
        rendition->content->cache, name, form == SYRINX_FORM_CLEAR);
  }
  return bytes ? g_bytes_ref (bytes) : NULL;
}

gboolean
syrinx_rendition_check_digest (SyrinxArrival *arrival, const guint8 *expected)
{
  gsize size_bytes;
  gconstpointer data = g_bytes_get_data (arrival->chunk, &size_bytes);

  syrinx_sha256 (data, size_bytes, arrival->sha256);
  arrival->is_checked
      = !expected
        || memcmp (expected, arrival->sha256, sizeof arrival->sha256) == 0;
  return arrival->is_checked;
}

void
syrinx_rendition_admit_locked (
    SyrinxRendition *rendition, const SyrinxArrival *arrival)
{
  SyrinxFragmentCache *cache = rendition->content->cache;
  gchar name[SYRINX_FRAGMENT_NAME_MAX];

  g_return_if_fail (arrival->is_checked);
  name_fragment (rendition, arrival->number, name);
  syrinx_fragment_cache_put (
      cache, name, FALSE, arrival->chunk, arrival->is_pinned);
  if (arrival->clear)
    syrinx_fragment_cache_put (
        cache, name, TRUE, arrival->clear, arrival->is_pinned);
}

void
syrinx_rendition_keep_clear_locked (
    SyrinxRendition *rendition, gint number, GBytes *clear)
{
  gchar name[SYRINX_FRAGMENT_NAME_MAX];

  name_fragment (rendition, number, name);
  syrinx_fragment_cache_put (
      rendition->content->cache, name, TRUE, clear, FALSE);
}

void
syrinx_rendition_unpin_locked (SyrinxRendition *rendition, gint number)
{
  gchar name[SYRINX_FRAGMENT_NAME_MAX];

  name_fragment (rendition, number, name);
  syrinx_fragment_cache_unpin (rendition->content->cache, name);
}

/* --- Ciphers --- */

GBytes *
syrinx_rendition_encrypt (
    SyrinxRendition *rendition, gint number, GBytes *clear, GError **error)
{
  gsize clear_bytes;
  const guint8 *data = g_bytes_get_data (clear, &clear_bytes);
  gsize chunk_bytes = syrinx_chunk_ciphertext_bytes (clear_bytes);
  guint8 *chunk = g_malloc (chunk_bytes);

  if (syrinx_chunk_encrypt (
          rendition->key, number, data, clear_bytes, chunk, error))
    return g_bytes_new_take (chunk, chunk_bytes);
  g_free (chunk);
  return NULL;
}

GBytes *
syrinx_rendition_decrypt (
    SyrinxRendition *rendition, gint number, GBytes *chunk, GError **error)
{
  gsize chunk_bytes, clear_bytes;
  const guint8 *data = g_bytes_get_data (chunk, &chunk_bytes);
  guint8 *clear = g_malloc (chunk_bytes);

  if (syrinx_chunk_decrypt (rendition->key, number, data, chunk_bytes, clear,
          &clear_bytes, error))
    return g_bytes_new_take (clear, clear_bytes);
  g_free (clear);
  return NULL;
}
