/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The master key and what it wraps: content keys lie at rest wrapped by AES-256
 * key wrap (RFC 3394) under a key derived for that one row, HKDF (RFC 5869) of
 * the master key with "track|rendition|epoch". */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SyrinxKeyring SyrinxKeyring;

#define SYRINX_WRAPPED_KEY_BYTES 24 /* a wrapped 16-byte content key */

/* Opens the master key of @state_dir, `master-key` (32 raw bytes, mode 0600),
 * or the systemd credential of that name ($CREDENTIALS_DIRECTORY); creates the
 * file if neither is there and @create. Errors: DENIED if others can read it,
 * INVALID if it is not 32 bytes, NOT_FOUND. (transfer full) */
SyrinxKeyring *
syrinx_keyring_open (const gchar *state_dir, gboolean create, GError **error);
SyrinxKeyring *syrinx_keyring_ref (SyrinxKeyring *keyring);
void syrinx_keyring_unref (SyrinxKeyring *keyring);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxKeyring, syrinx_keyring_unref)

/* Wraps @key for one track, rendition and epoch. Any thread. (transfer full) */
GBytes *syrinx_keyring_wrap (SyrinxKeyring *keyring, GBytes *key,
    const gchar *track_id, const gchar *rendition, guint epoch, GError **error);

/* The inverse; CORRUPT if @wrapped was wrapped for another row or by another
 * master key. (transfer full) */
GBytes *syrinx_keyring_unwrap (SyrinxKeyring *keyring, GBytes *wrapped,
    const gchar *track_id, const gchar *rendition, guint epoch, GError **error);

/* 32 bytes derived from the master key for @purpose, say "chunk-url". (transfer
 * full) */
GBytes *syrinx_keyring_derive (SyrinxKeyring *keyring, const gchar *purpose);

G_END_DECLS
