/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Declarations shared by the files of content. */
#pragma once

#include "content.h"

#include "content-writer.h"
#include "fragment-cache.h"
#include "fragment-source.h"

#include "core/base/identifier.h"

G_BEGIN_DECLS

/* Lock order: registry_lock, rotation_lock, plan_lock, lock. None is held while
 * a callback runs. Only plan_lock is held during the index's I/O: it prevents
 * that two concurrent first requests give one rendition two keys, that an epoch
 * is removed while it is opened, and that the master key is replaced between
 * the wrapping of a content key and the writing of its row. */
struct _SyrinxContent
{
  gatomicrefcount refs;

  /* constant after init */
  gchar *state_dir;
  SyrinxStore *store;
  guint64 cache_max_bytes;
  SyrinxWriter *writer;

  GMutex rotation_lock; /* one rotation at a time */
  GMutex plan_lock;
  GMutex lock;
  GCond wait_done;

  /* protected by plan_lock */
  SyrinxKeyring *keyring;

  /* protected by lock */
  GPtrArray *sources; /* SyrinxFragmentSource, in the order of asking */
  SyrinxProducer producer;
  gpointer producer_data;
  SyrinxFragmentSource *maker; /* (nullable) the producer's, also in sources */
  GHashTable *renditions; /* "track/name/epoch" → SyrinxRendition, unowned */
  SyrinxFragmentCache *cache;
};

struct _SyrinxRendition
{
  gatomicrefcount refs;

  /* constant after init */
  SyrinxContent *content;
  gchar *name; /* "track/name/epoch" */
  SyrinxRenditionRow *row;
  GBytes *key;

  /* protected by content->lock */
  GList *waits;        /* Wait */
  GList *owed;         /* Wait; woken by a failure that was not reported yet */
  guint64 next_serial; /* serial number for the next Wait */
  GHashTable *loading; /* numbers of fragments that are being read from a source
                          at hand or away, or decrypted */
  GHashTable *lost; /* number + 1 → SHA-256 in the index, of fragments that are
                       missing on the disk */
  GError *write_failure; /* (nullable) why the last write to the disk failed */
  GError *failure; /* (nullable) why the last production of awaited fragments
                      failed */
  gint failed_first, failed_end;
  gboolean is_superseded; /* a later epoch exists: this one is removed after its
                             last user */
};

#define SYRINX_FRAGMENT_KEY(number) GINT_TO_POINTER ((number) + 1)

/* --- Sources (fragment-source.c) --- */

SyrinxFragmentSource *syrinx_fragment_source_ref (SyrinxFragmentSource *source);
void syrinx_fragment_source_unref (SyrinxFragmentSource *source);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (
    SyrinxFragmentSource, syrinx_fragment_source_unref)

/* --- Memory (content-memory.c) --- */

/* A chunk on its way into memory. */
typedef struct
{
  gint number;
  GBytes *chunk;      /* as it lies on disk */
  GBytes *clear;      /* (nullable) decrypted, if that is at hand */
  gboolean is_pinned; /* not to be evicted: it is not on the disk yet */

  /* set by syrinx_rendition_check_digest() */
  guint8 sha256[SYRINX_SHA256_BYTES];
  gboolean is_checked;
} SyrinxArrival;

/* Computes the SHA-256 of @arrival. FALSE: it differs from @expected
 * (nullable), the digest in the index. */
gboolean
syrinx_rendition_check_digest (SyrinxArrival *arrival, const guint8 *expected);
/* Enters @arrival, which has passed the check, in memory. */
void syrinx_rendition_admit_locked (
    SyrinxRendition *rendition, const SyrinxArrival *arrival);
/* Keeps the decrypted form of a chunk that was admitted. */
void syrinx_rendition_keep_clear_locked (
    SyrinxRendition *rendition, gint number, GBytes *clear);
void syrinx_rendition_unpin_locked (SyrinxRendition *rendition, gint number);
/* The fragment or header from memory. (nullable) (transfer full) */
GBytes *syrinx_rendition_recall_locked (
    SyrinxRendition *rendition, gint number, SyrinxForm form);
/* (transfer full) (nullable) */
GBytes *syrinx_rendition_encrypt (
    SyrinxRendition *rendition, gint number, GBytes *clear, GError **error);
GBytes *syrinx_rendition_decrypt (
    SyrinxRendition *rendition, gint number, GBytes *chunk, GError **error);

/* --- Waiting (content-wait.c) --- */

/* Adds a wait for @number. @func (nullable): NULL adds nothing. */
void syrinx_rendition_add_wait_locked (SyrinxRendition *rendition, gint number,
    SyrinxFetchFunc func, gpointer user_data);
/* Calls and removes the waits for fragments in [first, end). Waits that a func
 * adds meanwhile are not called, so that a func that fetches again at once
 * can't keep this from returning. The caller holds the lock; it is released
 * while a func runs. */
void syrinx_rendition_wake_unlocking (
    SyrinxRendition *rendition, gint first, gint end);
/* Whether the last production of @number failed; then sets @error. Every caller
 * that waited gets the failure once; callers without @func share one report. A
 * reported failure is forgotten, so that the next fetch starts production
 * again. */
gboolean syrinx_rendition_take_failure_locked (SyrinxRendition *rendition,
    gint number, SyrinxFetchFunc func, gpointer user_data, GError **error);
/* Frees the failures kept for callers, at the end of @rendition. No caller may
 * wait any more. */
void syrinx_rendition_clear_waits (SyrinxRendition *rendition);

/* --- Renditions (rendition.c) --- */

/* The object of @row. Takes @row, unless it fails. (nullable) (transfer
 * full) */
SyrinxRendition *syrinx_rendition_new (
    SyrinxContent *content, SyrinxRenditionRow *row, GError **error);

/* --- Removal (content-removal.c) --- */

/* Evict renditions until the cache has its allowed size, or half of its present
 * size. In the writer's thread. */
void syrinx_content_evict (SyrinxContent *content);
void syrinx_content_evict_half (SyrinxContent *content);
/* The disk is full: has half of the cache evicted soon, in the writer's
 * thread. */
void syrinx_content_make_room (SyrinxContent *content);
/* @row begins a new epoch. Marks the previous epoch as superseded, so that it
 * is removed when its last user releases it. */
void syrinx_content_mark_superseded (
    SyrinxContent *content, const SyrinxRenditionRow *row);
/* As syrinx_content_mark_superseded(), and also removes the previous epoch soon
 * if it is unused. */
void syrinx_content_supersede (
    SyrinxContent *content, const SyrinxRenditionRow *row);

G_END_DECLS
