/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Content: a track's renditions and their fragments, whether they are in
 * memory, on disk, or still being made. There is one per state directory and
 * process, shared by all sessions, so that a fragment is read, verified and
 * decrypted once while it is cached. No call blocks on anything but a local
 * file, unless it says so. */
#pragma once

#include "core/keys/keyring.h"
#include "core/store/store.h"

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SyrinxContent SyrinxContent;
typedef struct _SyrinxRendition SyrinxRendition;

#define SYRINX_FRAGMENT_HEADER (-1) /* the init section, never encrypted */
#define SYRINX_RUN_FRAGMENTS                                                   \
  15 /* production starts only at multiples of this */

/* The process's content of @state_dir. It is opened for reading, unless this
 * process has opened it before (syrinxd does, for writing). (transfer full)
 * Errors: as syrinx_store_open(), syrinx_keyring_open(). */
SyrinxContent *syrinx_content_get (const gchar *state_dir, GError **error);
/* For the daemon: makes the process's content from a store that was opened for
 * writing. (transfer full) */
SyrinxContent *syrinx_content_new (SyrinxStore *store, SyrinxKeyring *keyring,
    guint64 cache_max_bytes, guint64 memory_max_bytes);
SyrinxContent *syrinx_content_ref (SyrinxContent *content);
void syrinx_content_unref (SyrinxContent *content);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxContent, syrinx_content_unref)

/* --- Rotation of keys (content-keys.c) --- */

typedef struct
{
  guint64 n_keys;      /* all content keys */
  guint64 n_by_master; /* wrapped by the master key */
  guint64 n_by_next;   /* wrapped by the next master key */
  guint64 n_lost;      /* wrapped by neither, thus unusable */
} SyrinxKeyCount;

/* Replaces the master key: rewraps all content keys with the next master key,
 * which then takes the old one's place. Nothing is encrypted anew, and sessions
 * are not affected. Nothing is lost if the power fails: both keys are tried
 * until the replacement is complete, and calling this again continues it.
 * @count: (out), the keys afterwards. Blocks; any thread. Errors: as
 * syrinx_keyring_begin_replacement(). */
gboolean syrinx_content_rotate_master_key (
    SyrinxContent *content, SyrinxKeyCount *count, GError **error);
/* Continues a replacement that was interrupted, if there is one. */
gboolean
syrinx_content_resume_rotation (SyrinxContent *content, GError **error);
/* Begins a new epoch with a new key for the renditions of @track_id (nullable:
 * all tracks) called @name (nullable: all names). Running sessions keep their
 * epoch, which is removed when it is no longer in use. *@n_rotated: (out).
 * Blocks; any thread. Errors: NOT_FOUND if @track_id has no such rendition. */
gboolean
syrinx_content_rotate_keys (SyrinxContent *content, const gchar *track_id,
    const gchar *name, guint64 *n_rotated, GError **error);
/* Counts the content keys. Error: CORRUPT if there are keys and @keyring
 * wrapped none of a sample: it belongs to another index. */
gboolean syrinx_keyring_count (SyrinxKeyring *keyring, SyrinxStore *store,
    SyrinxKeyCount *count, GError **error);
gboolean syrinx_keyring_check (
    SyrinxKeyring *keyring, SyrinxStore *store, GError **error);
/* Opens the keyring for @store. A master key is made only if the index has no
 * content keys. (transfer full) Errors: as syrinx_keyring_open_with() and
 * syrinx_keyring_check(). */
SyrinxKeyring *syrinx_keyring_open_for (
    const SyrinxKeyringSettings *settings, SyrinxStore *store, GError **error);
/* (transfer full) */
SyrinxKeyring *syrinx_content_dup_keyring (SyrinxContent *content);
/* Opens the keyring again, possibly from other files. On an error the present
 * one stays. Errors: BUSY during a rotation; as syrinx_keyring_open_for(). */
gboolean syrinx_content_reload_keyring (SyrinxContent *content,
    const SyrinxKeyringSettings *settings, GError **error);
/* Has superseded epochs that are not in use removed soon, in another thread. */
void syrinx_content_sweep (SyrinxContent *content);

/* Waits until all committed fragments are on the disk. */
void syrinx_content_flush (SyrinxContent *content);

SyrinxStore *
syrinx_content_get_store (SyrinxContent *content); /* (transfer none) */
/* Has @func (@data) called from the thread that makes fragments durable, after
 * what it has to do already. Any thread. */
void syrinx_content_call_writer (
    SyrinxContent *content, void (*func) (gpointer data), gpointer data);

/* Makes fragments. @plan fills a new row (all but wrapped_key and epoch) for a
 * rendition that was never asked for. @produce starts production at @number and
 * returns at once; while that production runs, further calls do nothing.
 * Without a producer, a fragment that is not on disk is NOT_FOUND. */
typedef struct
{
  SyrinxRenditionRow *(*plan) (const SyrinxTrack *track, const gchar *rendition,
      gpointer user_data, GError **error);
  void (*produce) (SyrinxRendition *rendition, gint number, gpointer user_data);
} SyrinxProducer;
void syrinx_content_set_producer (
    SyrinxContent *content, const SyrinxProducer *producer, gpointer user_data);

/* Opens a rendition. @epoch 0 means the current one. While a reference is held
 * the rendition is in use and not evicted. The same (track, name, epoch) gives
 * the same object. (transfer full) Errors: NOT_FOUND, UNSUPPORTED, CORRUPT. */
SyrinxRendition *syrinx_content_open (SyrinxContent *content,
    const gchar *track_id, const gchar *name, guint epoch, GError **error);
SyrinxRendition *syrinx_rendition_ref (SyrinxRendition *rendition);
void syrinx_rendition_unref (SyrinxRendition *rendition);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxRendition, syrinx_rendition_unref)

/* Constant while the reference is held, except ->header, which is to be got by
 * syrinx_rendition_fetch(). (transfer none) */
const SyrinxRenditionRow *syrinx_rendition_get_row (SyrinxRendition *rendition);
GBytes *syrinx_rendition_get_key (
    SyrinxRendition *rendition); /* (transfer none) 16 bytes */

typedef enum
{
  SYRINX_FORM_CHUNK,
  SYRINX_FORM_CLEAR
} SyrinxForm; /* encrypted, as on disk; decrypted */

/* Called once, from any thread and with no lock held, when a fragment that was
 * waited for is there or has failed. Fetch again to get it or the error. */
typedef void (*SyrinxFetchFunc) (
    SyrinxRendition *rendition, gint number, gpointer user_data);

/* TRUE with *@bytes set: the fragment, its digest checked. TRUE with *@bytes
 * NULL: it is being made, and @func will be called (unless it is NULL). FALSE:
 * NOT_FOUND if @number is past the end, or why it could not be made. */
gboolean syrinx_rendition_fetch (SyrinxRendition *rendition, gint number,
    SyrinxForm form, GBytes **bytes, SyrinxFetchFunc func, gpointer user_data,
    GError **error);
/* Forgets every wait with this @user_data; afterwards its func is not running
 * and will not be called. Must not be called from the func itself. */
void syrinx_rendition_cancel (SyrinxRendition *rendition, gpointer user_data);

/* For the producer. Checks the plaintext @clear with the CMAF reader against
 * the plan, encrypts it, wakes the waiting callers, and has
 * STATE_DIR/chunks/TRACK/RENDITION/EPOCH/N.m4s written and the index updated by
 * the writer's thread. @number may be SYRINX_FRAGMENT_HEADER. Committing a
 * fragment again with the same bytes succeeds. */
gboolean syrinx_rendition_commit (
    SyrinxRendition *rendition, gint number, GBytes *clear, GError **error);
/* Fails the waits for @first to @first + @count - 1 (and for the header, if
 * there is none yet). @error: (transfer none). */
void syrinx_rendition_fail (
    SyrinxRendition *rendition, gint first, guint count, const GError *error);
/* Whether fragment @number has been made: it is in memory, or on disk according
 * to the index. */
gboolean syrinx_rendition_has (SyrinxRendition *rendition, gint number);

G_END_DECLS
