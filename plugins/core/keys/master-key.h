/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Master keys as files: 32 raw bytes, for their owner alone. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SYRINX_MASTER_KEY_BYTES 32

/* Who besides its owner may use the file. */
typedef enum
{
  SYRINX_MASTER_KEY_PRIVATE,    /* nobody */
  SYRINX_MASTER_KEY_GROUP,      /* its group may read it */
  SYRINX_MASTER_KEY_CREDENTIAL, /* systemd's: an ACL shows in the group's bits
                                 */
} SyrinxMasterKeyAccess;

/* As a secret. (transfer full) Errors: NOT_FOUND; DENIED if others can use the
 * file; INVALID if it is not a file of 32 bytes. */
GBytes *syrinx_master_key_read (
    const gchar *path, SyrinxMasterKeyAccess access, GError **error);

/* Makes @path with a new key, in the folder @dir, which is made if need be. The
 * name appears with the whole key behind it, and on the disk, or not at all; if
 * somebody else was first, his stays. */
gboolean
syrinx_master_key_create (const gchar *dir, const gchar *path, GError **error);

/* @next takes @path's name, whatever was there, and that is on the disk. */
gboolean syrinx_master_key_replace (
    const gchar *dir, const gchar *path, const gchar *next, GError **error);

G_END_DECLS
