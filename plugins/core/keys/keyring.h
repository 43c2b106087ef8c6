/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The master key and what it wraps: content keys lie at rest wrapped by AES-256
 * key wrap (RFC 3394) under a key derived for that one row, HKDF (RFC 5869) of
 * the master key with "track|rendition|epoch".
 *
 * While a master key is being replaced the ring holds two: what is new is
 * wrapped by the next one, and both are tried to unwrap. A ring never changes:
 * each step of the replacement gives another one. Any thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SyrinxKeyring SyrinxKeyring;

#define SYRINX_WRAPPED_KEY_BYTES 24 /* a wrapped 16-byte content key */

/* Where the keys lie: each a file of 32 raw bytes. */
typedef struct
{
  const gchar *state_dir;
  const gchar *master_key;      /* (nullable): systemd's credential master-key
                                   ($CREDENTIALS_DIRECTORY) if there is one, else
                                   STATE_DIR/master-key */
  const gchar *master_key_next; /* (nullable): credential master-key-next; or
                                   what a replacement of STATE_DIR's left */
  gboolean is_group_ok;         /* its group may read a file */
} SyrinxKeyringSettings;

/* @create: makes STATE_DIR/master-key (0600) if it is wanted and not there.
 * (transfer full) Errors: DENIED if others can use a file, INVALID if it is not
 * 32 bytes, NOT_FOUND. */
SyrinxKeyring *syrinx_keyring_open_with (
    const SyrinxKeyringSettings *settings, gboolean create, GError **error);
/* The same with a state directory alone. */
SyrinxKeyring *
syrinx_keyring_open (const gchar *state_dir, gboolean create, GError **error);
SyrinxKeyring *syrinx_keyring_ref (SyrinxKeyring *keyring);
void syrinx_keyring_unref (SyrinxKeyring *keyring);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxKeyring, syrinx_keyring_unref)

/* Wraps @key for one track, rendition and epoch, by the newest master key.
 * (transfer full) */
GBytes *syrinx_keyring_wrap (SyrinxKeyring *keyring, GBytes *key,
    const gchar *track_id, const gchar *rendition, guint epoch, GError **error);

/* The inverse, with any master key that there is; CORRUPT if @wrapped was
 * wrapped for another row or by another master key. (transfer full) */
GBytes *syrinx_keyring_unwrap (SyrinxKeyring *keyring, GBytes *wrapped,
    const gchar *track_id, const gchar *rendition, guint epoch, GError **error);

typedef enum
{
  SYRINX_WRAPPED_BY_NONE,
  SYRINX_WRAPPED_BY_MASTER,
  SYRINX_WRAPPED_BY_NEXT,
} SyrinxWrappedBy;

/* Which master key of the ring wrapped @wrapped. @key (nullable): (transfer
 * full), NULL with SYRINX_WRAPPED_BY_NONE. */
SyrinxWrappedBy syrinx_keyring_look_up (SyrinxKeyring *keyring, GBytes *wrapped,
    const gchar *track_id, const gchar *rendition, guint epoch, GBytes **key);

/* 32 bytes derived from the master key for @purpose, say "chunk-url". (transfer
 * full) */
GBytes *syrinx_keyring_derive (SyrinxKeyring *keyring, const gchar *purpose);

/* --- Replacing the master key --- */

/* A ring that has a next key: @keyring itself if it does; else one with a new
 * STATE_DIR/master-key-next, which is on the disk. (transfer full) Errors:
 * UNSUPPORTED if the master key is not STATE_DIR's own: then it is for who
 * keeps it to provide the next. */
SyrinxKeyring *
syrinx_keyring_begin_replacement (SyrinxKeyring *keyring, GError **error);
/* Once everything is wrapped by the next key, and on the disk: STATE_DIR's next
 * key takes the name of the old one, which is gone. Where the keys are somebody
 * else's to keep the ring stays as it is. (transfer full) */
SyrinxKeyring *
syrinx_keyring_end_replacement (SyrinxKeyring *keyring, GError **error);

gboolean syrinx_keyring_has_next (SyrinxKeyring *keyring);
/* Whether its files are the state directory's. */
gboolean syrinx_keyring_is_own (SyrinxKeyring *keyring);
/* The file of the master key, or with @next of the next one. (nullable)
 * (transfer none) */
const gchar *syrinx_keyring_get_path (SyrinxKeyring *keyring, gboolean next);
/* A name of the key that tells nothing of it: 16 hexadecimal digits. (nullable)
 * (transfer full) */
gchar *syrinx_keyring_dup_name (SyrinxKeyring *keyring, gboolean next);

G_END_DECLS
