/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Master keys as files of 32 raw bytes that only their owner can read. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SYRINX_MASTER_KEY_BYTES 32

/* Who may read the file besides its owner. */
typedef enum
{
  SYRINX_MASTER_KEY_PRIVATE,    /* nobody */
  SYRINX_MASTER_KEY_GROUP,      /* its group may read it */
  SYRINX_MASTER_KEY_CREDENTIAL, /* systemd's: its ACL shows in the group bits */
} SyrinxMasterKeyAccess;

/* Reads a key as a secret. (transfer full) Errors: NOT_FOUND; DENIED if others
 * can use the file; INVALID if it is not a regular file of 32 bytes. */
GBytes *syrinx_master_key_read (
    const gchar *path, SyrinxMasterKeyAccess access, GError **error);

/* Makes @path with a new key, and its folder @dir if needed. The file appears
 * durably and with the whole key, or not at all. If @path exists, it is
 * kept. */
gboolean
syrinx_master_key_create (const gchar *dir, const gchar *path, GError **error);

/* Renames @next to @path, durably, replacing a file there. */
gboolean syrinx_master_key_replace (
    const gchar *dir, const gchar *path, const gchar *next, GError **error);

G_END_DECLS
