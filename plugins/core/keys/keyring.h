/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The master key and the wrapping of content keys. Content keys are stored
 * wrapped by AES-256 key wrap (RFC 3394) with a key that is derived for their
 * row, by HKDF (RFC 5869) from the master key and "track|rendition|epoch".
 *
 * While the master key is being replaced, the keyring holds two: the next one
 * wraps new content keys, and both are tried for unwrapping. A keyring is
 * immutable: each step of the replacement returns another one. Any thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SyrinxKeyring SyrinxKeyring;

#define SYRINX_WRAPPED_KEY_BYTES 24 /* a wrapped 16-byte content key */

/* The files of the master keys, 32 raw bytes each. */
typedef struct
{
  const gchar *state_dir;
  const gchar *master_key;      /* (nullable): systemd's credential master-key
                                   ($CREDENTIALS_DIRECTORY) if there is one, else
                                   STATE_DIR/master-key */
  const gchar *master_key_next; /* (nullable): credential master-key-next; or
                                   the one that a replacement left */
  gboolean is_group_ok;         /* the file's group may read it */
} SyrinxKeyringSettings;

/* @create: makes STATE_DIR/master-key (0600) if that file is to be used and
 * does not exist. (transfer full) Errors: DENIED if others can use a file,
 * INVALID if it is not 32 bytes, NOT_FOUND. */
SyrinxKeyring *syrinx_keyring_open_with (
    const SyrinxKeyringSettings *settings, gboolean create, GError **error);
/* As syrinx_keyring_open_with(), without settings. */
SyrinxKeyring *
syrinx_keyring_open (const gchar *state_dir, gboolean create, GError **error);
SyrinxKeyring *syrinx_keyring_ref (SyrinxKeyring *keyring);
void syrinx_keyring_unref (SyrinxKeyring *keyring);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxKeyring, syrinx_keyring_unref)

/* Wraps @key for one track, rendition and epoch with the newest master key.
 * (transfer full) */
GBytes *syrinx_keyring_wrap (SyrinxKeyring *keyring, GBytes *key,
    const gchar *track_id, const gchar *rendition, guint epoch, GError **error);

/* Unwraps with any of the master keys. Errors: CORRUPT if @wrapped was wrapped
 * for another row or by another master key. (transfer full) */
GBytes *syrinx_keyring_unwrap (SyrinxKeyring *keyring, GBytes *wrapped,
    const gchar *track_id, const gchar *rendition, guint epoch, GError **error);

typedef enum
{
  SYRINX_WRAPPED_BY_NONE,
  SYRINX_WRAPPED_BY_MASTER,
  SYRINX_WRAPPED_BY_NEXT,
} SyrinxWrappedBy;

/* Tells which master key wrapped @wrapped. @key (nullable): (transfer full),
 * NULL with SYRINX_WRAPPED_BY_NONE. */
SyrinxWrappedBy syrinx_keyring_look_up (SyrinxKeyring *keyring, GBytes *wrapped,
    const gchar *track_id, const gchar *rendition, guint epoch, GBytes **key);

/* 32 bytes derived from the master key for @purpose, for example "chunk-url".
 * (transfer full) */
GBytes *syrinx_keyring_derive (SyrinxKeyring *keyring, const gchar *purpose);

/* --- Replacing the master key --- */

/* A keyring with a next key: @keyring itself if it has one, else one with a new
 * STATE_DIR/master-key-next, which is durable. (transfer full) Errors:
 * UNSUPPORTED if the master key is not STATE_DIR's own: then its owner must
 * provide the next. */
SyrinxKeyring *
syrinx_keyring_begin_replacement (SyrinxKeyring *keyring, GError **error);
/* To be called once all content keys are wrapped by the next key, durably.
 * Renames STATE_DIR's next key to the master key, which is replaced. If the key
 * files are not in STATE_DIR, returns the keyring unchanged. (transfer full) */
SyrinxKeyring *
syrinx_keyring_end_replacement (SyrinxKeyring *keyring, GError **error);

gboolean syrinx_keyring_has_next (SyrinxKeyring *keyring);
/* Whether the key files are in the state directory. */
gboolean syrinx_keyring_is_own (SyrinxKeyring *keyring);
/* The path of the master key, or with @next of the next one. (nullable)
 * (transfer none) */
const gchar *syrinx_keyring_get_path (SyrinxKeyring *keyring, gboolean next);
/* A name for the key that reveals nothing about it: 16 hexadecimal digits.
 * (nullable) (transfer full) */
gchar *syrinx_keyring_dup_name (SyrinxKeyring *keyring, gboolean next);

G_END_DECLS
