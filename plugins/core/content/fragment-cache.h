/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fragments in memory; the least recently used are evicted first. Not locked:
 * the owner does that. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SYRINX_FRAGMENT_NAME_MAX                                               \
  96 /* "TRACK/RENDITION/EPOCH/N" and its end                                  \
      */

typedef struct _SyrinxFragmentCache SyrinxFragmentCache;

SyrinxFragmentCache *syrinx_fragment_cache_new (guint64 max_bytes);
void syrinx_fragment_cache_free (SyrinxFragmentCache *cache);

/* (nullable) (transfer none), valid until the next call. Counts as a use. */
GBytes *syrinx_fragment_cache_get (
    SyrinxFragmentCache *cache, const gchar *name, gboolean clear);

/* Keeps a reference of @bytes (ciphertext, or with @clear plaintext). A
 * @pinned fragment is not evicted until it is unpinned. */
void syrinx_fragment_cache_put (SyrinxFragmentCache *cache, const gchar *name,
    gboolean clear, GBytes *bytes, gboolean pinned);
void
syrinx_fragment_cache_unpin (SyrinxFragmentCache *cache, const gchar *name);

G_END_DECLS
