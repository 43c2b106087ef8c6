/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of the content share. */
#pragma once

#include "content.h"

#include "fragment-cache.h"

G_BEGIN_DECLS

/* How many jobs of the writer are not done yet. Apart from the content, because
 * a job's end may be the content's. */
typedef struct
{
  GMutex lock;
  GCond done;
  guint n; /* protected by lock */
} SyrinxWrites;

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
  GThreadPool *writer; /* one thread that makes fragments durable */
  SyrinxWrites *writes;

  GMutex rotation_lock; /* one rotation at a time */
  GMutex plan_lock;
  GMutex lock;
  GCond wait_done;

  /* protected by plan_lock */
  SyrinxKeyring *keyring;

  /* protected by lock */
  SyrinxProducer producer;
  gpointer producer_data;
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
  GHashTable *loading; /* numbers that a thread reads from disk just now */
  GHashTable *lost; /* number + 1 → SHA-256 by the index of a fragment that the
                       disk has no more */
  GError *write_failure; /* (nullable) why the last one could not be kept */
  GError *failure;       /* (nullable) why what was waited for last failed */
  gint failed_first, failed_end;
  gboolean is_superseded; /* there is a later epoch: it goes with its last user
                           */
};

#define SYRINX_FRAGMENT_KEY(number) GINT_TO_POINTER ((number) + 1)

void syrinx_rendition_name_fragment (SyrinxRendition *rendition, gint number,
    gchar name[SYRINX_FRAGMENT_NAME_MAX]);

/* --- Committing (content-commit.c) --- */

/* The writer's thread. */
void syrinx_content_run_job (gpointer job, gpointer content);
/* The disk is full: has half of the cache removed, soon. */
void syrinx_content_make_room (SyrinxContent *content);

/* --- Waiting (content-wait.c) --- */

/* @func (nullable): nobody waits. */
void syrinx_rendition_add_wait_locked (SyrinxRendition *rendition, gint number,
    SyrinxFetchFunc func, gpointer user_data);
/* Runs those waits for [first, end) that wait now, and none that a func enters
 * meanwhile: one that tries again at once would keep us here for good. Lets go
 * of the lock while a func runs. */
void
syrinx_rendition_wake_locked (SyrinxRendition *rendition, gint first, gint end);
/* Notes for each who waits for [first, end) why it will not come. */
void syrinx_rendition_owe_failure_locked (
    SyrinxRendition *rendition, gint first, gint end, const GError *failure);
/* Whether what is asked for failed when it was last made. Everybody who waited
 * is told once; who only looks (@func is NULL) shares one telling. Telling
 * forgets, so that asking once more tries once more. */
gboolean syrinx_rendition_take_failure_locked (SyrinxRendition *rendition,
    gint number, SyrinxFetchFunc func, gpointer user_data, GError **error);
/* Of one that nobody uses. */
void syrinx_rendition_clear_waits (SyrinxRendition *rendition);

/* --- Keys (content-keys.c) --- */

/* @row is new: who uses the epoch before takes it with him when he goes. */
void syrinx_content_supersede (
    SyrinxContent *content, const SyrinxRenditionRow *row);
/* In the writer's thread: removes what superseded epochs
 * nobody uses. */
void syrinx_content_remove_superseded (SyrinxContent *content);

G_END_DECLS
