/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Content: a track's renditions and their fragments, wherever they are just
 * now: in memory, on disk, or still being made. One per state directory and
 * process; every session reads through it, so that a fragment is read, verified
 * and decrypted once while it is cached. Never blocks on anything but a local
 * file. */
#pragma once

#include "core/keys/keyring.h"
#include "core/store/store.h"

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SyrinxContent SyrinxContent;
typedef struct _SyrinxRendition SyrinxRendition;

#define SYRINX_FRAGMENT_HEADER (-1) /* the init section, always clear */
#define SYRINX_RUN_FRAGMENTS                                                   \
  15 /* production starts only at multiples of this */

/* The process's content of @state_dir, opened for reading if nobody opened it
 * before (a syrinxd in this process has, for writing). (transfer full) Errors:
 * as syrinx_store_open(), syrinx_keyring_open(). */
SyrinxContent *syrinx_content_get (const gchar *state_dir, GError **error);
/* For the daemon: makes the process's content from what it opened for writing.
 * (transfer full) */
SyrinxContent *syrinx_content_new (SyrinxStore *store, SyrinxKeyring *keyring,
    guint64 cache_max_bytes, guint64 memory_max_bytes);
SyrinxContent *syrinx_content_ref (SyrinxContent *content);
void syrinx_content_unref (SyrinxContent *content);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxContent, syrinx_content_unref)

/* --- Rotation of keys (content-keys.c) --- */

typedef struct
{
  guint64 n_keys;      /* all */
  guint64 n_by_master; /* wrapped by the master key */
  guint64 n_by_next;   /* by the next one */
  guint64 n_lost;      /* by neither: nobody can use them any more */
} SyrinxKeyCount;

/* Replaces the master key: wraps all content keys by the next one (and encrypts
 * nothing anew), then lets that take the old one's place. Sessions notice
 * nothing. Losing power at any moment loses nothing: both keys are tried until
 * it is done, and doing it again goes on with it. @count: (out), afterwards.
 * Blocks; any thread. Errors: as syrinx_keyring_begin_replacement(). */
gboolean syrinx_content_rotate_master_key (
    SyrinxContent *content, SyrinxKeyCount *count, GError **error);
/* Goes on with a replacement that was cut short, if there was one. */
gboolean
syrinx_content_resume_rotation (SyrinxContent *content, GError **error);
/* Gives renditions a new epoch with a new key: those of @track_id (nullable: of
 * every track) called @name (nullable: any). Who plays goes on with the epoch
 * that he has; it is removed when nobody uses it any more. *@n_rotated: (out).
 * Blocks; any thread. Errors: NOT_FOUND if a track was named and it has none.
 */
gboolean
syrinx_content_rotate_keys (SyrinxContent *content, const gchar *track_id,
    const gchar *name, guint64 *n_rotated, GError **error);
/* Counts and, if there are keys and none of a sample was wrapped by @keyring,
 * CORRUPT: it is not this index's. */
gboolean syrinx_keyring_count (SyrinxKeyring *keyring, SyrinxStore *store,
    SyrinxKeyCount *count, GError **error);
gboolean syrinx_keyring_check (
    SyrinxKeyring *keyring, SyrinxStore *store, GError **error);
/* Opens the keys of @store. Only an index without keys has a master key made
 * for it. (transfer full) Errors: as syrinx_keyring_open_with() and
 * syrinx_keyring_check(). */
SyrinxKeyring *syrinx_keyring_open_for (
    const SyrinxKeyringSettings *settings, SyrinxStore *store, GError **error);
/* (transfer full) */
SyrinxKeyring *syrinx_content_dup_keyring (SyrinxContent *content);
/* Opens the keys anew, from other files perhaps. On an error everything stays.
 * Errors: BUSY while a rotation is under way; as syrinx_keyring_open_for(). */
gboolean syrinx_content_reload_keyring (SyrinxContent *content,
    const SyrinxKeyringSettings *settings, GError **error);
/* Removes superseded epochs that nobody uses, soon and in another thread. */
void syrinx_content_sweep (SyrinxContent *content);

/* Waits until every fragment that was committed is on the disk. */
void syrinx_content_flush (SyrinxContent *content);

SyrinxStore *
syrinx_content_get_store (SyrinxContent *content); /* (transfer none) */
/* Has @func (@data) called from the thread that makes fragments durable, after
 * what it has to do already. Any thread. */
void syrinx_content_call_writer (
    SyrinxContent *content, void (*func) (gpointer data), gpointer data);

/* What makes fragments. @plan fills a new row (all but wrapped_key and epoch)
 * for a rendition that was never asked for; @produce starts making @number and
 * what follows, and returns at once (asked again while it is under way, it does
 * nothing). Without a producer, what is not on disk is NOT_FOUND. */
typedef struct
{
  SyrinxRenditionRow *(*plan) (const SyrinxTrack *track, const gchar *rendition,
      gpointer user_data, GError **error);
  void (*produce) (SyrinxRendition *rendition, gint number, gpointer user_data);
} SyrinxProducer;
void syrinx_content_set_producer (
    SyrinxContent *content, const SyrinxProducer *producer, gpointer user_data);

/* @epoch 0: the current one. While a reference is held the rendition is in use
 * and not evicted. The same (track, name, epoch) gives the same object.
 * (transfer full) Errors: NOT_FOUND, UNSUPPORTED, CORRUPT. */
SyrinxRendition *syrinx_content_open (SyrinxContent *content,
    const gchar *track_id, const gchar *name, guint epoch, GError **error);
SyrinxRendition *syrinx_rendition_ref (SyrinxRendition *rendition);
void syrinx_rendition_unref (SyrinxRendition *rendition);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxRendition, syrinx_rendition_unref)

/* Constant while the reference is held, but for ->header, which
 * syrinx_rendition_fetch() gives. (transfer none) */
const SyrinxRenditionRow *syrinx_rendition_get_row (SyrinxRendition *rendition);
GBytes *syrinx_rendition_get_key (
    SyrinxRendition *rendition); /* (transfer none) 16 bytes */

typedef enum
{
  SYRINX_FORM_CHUNK,
  SYRINX_FORM_CLEAR
} SyrinxForm; /* as it lies on disk; decrypted */

/* Called once, from any thread and with no lock held, when a fragment that was
 * waited for has come or failed: fetch again. */
typedef void (*SyrinxFetchFunc) (
    SyrinxRendition *rendition, gint number, gpointer user_data);

/* TRUE with *@bytes set: here it is, its digest checked. TRUE with *@bytes
 * NULL: it is being made, @func will be called (unless @func is NULL). FALSE:
 * NOT_FOUND (past the end), or why it could not be made. */
gboolean syrinx_rendition_fetch (SyrinxRendition *rendition, gint number,
    SyrinxForm form, GBytes **bytes, SyrinxFetchFunc func, gpointer user_data,
    GError **error);
/* Forgets every wait with this @user_data; after it has returned its func does
 * not run any more. Must not be called from the func itself. */
void syrinx_rendition_cancel (SyrinxRendition *rendition, gpointer user_data);

/* For the producer. Checks the plaintext with the CMAF reader against the plan,
 * encrypts, writes STATE_DIR/chunks/TRACK/RENDITION/EPOCH/N.m4s atomically,
 * enters it in the index, wakes who waits. @number may be
 * SYRINX_FRAGMENT_HEADER. A fragment that is already there with the same digest
 * is fine. */
gboolean syrinx_rendition_commit (
    SyrinxRendition *rendition, gint number, GBytes *clear, GError **error);
/* Fails who waits for @first to @first + @count - 1 (and the header, if it is
 * not there). @error: (transfer none). */
void syrinx_rendition_fail (
    SyrinxRendition *rendition, gint first, guint count, const GError *error);
/* Whether it is on disk by the index. */
gboolean syrinx_rendition_has (SyrinxRendition *rendition, gint number);

G_END_DECLS
