/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of the content share. */
#pragma once

#include "content.h"

#include "content-writer.h"
#include "fragment-cache.h"
#include "fragment-source.h"

#include "core/base/identifier.h"

G_BEGIN_DECLS

/* Lock order: registry_lock, rotation_lock, plan_lock, lock. None is held while
 * a function of somebody else runs. plan_lock alone is held over the index's
 * I/O: it keeps two first listeners from giving one rendition two keys, an
 * epoch from being removed while it is opened, and a master key from being
 * replaced between a key and its row. */
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
  SyrinxFragmentSource *maker; /* of the producer, in sources; (nullable) */
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
  GList *owed;         /* Wait, woken by a failure that was not told yet */
  guint64 next_serial; /* of a Wait */
  GHashTable *loading; /* numbers that a source at hand or away is being
                           asked for, or that are being decrypted */
  GHashTable *lost; /* number + 1 → SHA-256 by the index of a fragment that the
                       disk has no more */
  GError *write_failure; /* (nullable) why the last one could not be kept */
  GError *failure;       /* (nullable) why what was waited for last failed */
  gint failed_first, failed_end;
  gboolean is_superseded; /* there is a later epoch: it goes with its last user
                           */
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
  gboolean is_pinned; /* until it is on the disk */

  /* by syrinx_rendition_check_digest() */
  guint8 sha256[SYRINX_SHA256_BYTES];
  gboolean is_checked;
} SyrinxArrival;

/* FALSE: its SHA-256 is not @expected (nullable), which the index knows. */
gboolean
syrinx_rendition_check_digest (SyrinxArrival *arrival, const guint8 *expected);
/* One that passed the check. */
void syrinx_rendition_admit_locked (
    SyrinxRendition *rendition, const SyrinxArrival *arrival);
/* The decrypted form of a chunk that was admitted. */
void syrinx_rendition_keep_clear_locked (
    SyrinxRendition *rendition, gint number, GBytes *clear);
void syrinx_rendition_unpin_locked (SyrinxRendition *rendition, gint number);
/* (nullable) (transfer full): a fragment or the header. */
GBytes *syrinx_rendition_recall_locked (
    SyrinxRendition *rendition, gint number, SyrinxForm form);
/* (transfer full) (nullable) */
GBytes *syrinx_rendition_encrypt (
    SyrinxRendition *rendition, gint number, GBytes *clear, GError **error);
GBytes *syrinx_rendition_decrypt (
    SyrinxRendition *rendition, gint number, GBytes *chunk, GError **error);

/* --- Waiting (content-wait.c) --- */

/* @func (nullable): nobody waits. */
void syrinx_rendition_add_wait_locked (SyrinxRendition *rendition, gint number,
    SyrinxFetchFunc func, gpointer user_data);
/* Runs those waits for [first, end) that wait now, and none that a func enters
 * meanwhile: one that tries again at once would keep us here for good. Called
 * with the lock and returns with it, but lets go of it while a func runs. */
void syrinx_rendition_wake_unlocking (
    SyrinxRendition *rendition, gint first, gint end);
/* Whether what is asked for failed when it was last made. Everybody who waited
 * is told once; who only looks (@func is NULL) shares one telling. Telling
 * forgets, so that asking once more tries once more. */
gboolean syrinx_rendition_take_failure_locked (SyrinxRendition *rendition,
    gint number, SyrinxFetchFunc func, gpointer user_data, GError **error);
/* Of one that nobody uses. */
void syrinx_rendition_clear_waits (SyrinxRendition *rendition);

/* --- Renditions (rendition.c) --- */

/* Takes @row, unless it fails. (nullable) (transfer full) */
SyrinxRendition *syrinx_rendition_new (
    SyrinxContent *content, SyrinxRenditionRow *row, GError **error);

/* --- Removal (content-removal.c) --- */

/* In the writer's thread: down to the cache's size, or to half of what there
 * is. */
void syrinx_content_evict (SyrinxContent *content);
void syrinx_content_evict_half (SyrinxContent *content);
/* The disk is full: has half of the cache removed, soon. */
void syrinx_content_make_room (SyrinxContent *content);
/* @row is new: the last who uses the epoch before has that removed. */
void syrinx_content_mark_superseded (
    SyrinxContent *content, const SyrinxRenditionRow *row);
/* The same, and looks at once whether anybody uses it. */
void syrinx_content_supersede (
    SyrinxContent *content, const SyrinxRenditionRow *row);

G_END_DECLS
