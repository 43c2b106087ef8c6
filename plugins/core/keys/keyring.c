/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The master key and the wrapping of content keys. */
#include "keyring.h"

#include "core/crypto/chunk-cipher.h"
#include "core/base/error.h"
#include "core/crypto/evp.h"
#include "core/base/identifier.h"
#include "master-key.h"
#include "core/crypto/secret.h"

#include <glib/gstdio.h>

#include <string.h>
#include <unistd.h>

#define FILE_NAME      "master-key"
#define FILE_NAME_NEXT "master-key-next"
/* Salts separate the two uses of the master key (RFC 5869, section 3.1). */
#define WRAP_SALT   "syrinx content key wrap 1"
#define DERIVE_SALT "syrinx purpose 1"
#define NAME_BYTES  8

typedef struct
{
  GBytes *key;
  gchar *path;
} MasterKey;

struct _SyrinxKeyring
{
  /* constant after open */
  gchar *state_dir;
  MasterKey master;
  MasterKey next;  /* its key is NULL if there is none */
  gboolean is_own; /* both are files in state_dir */

  gatomicrefcount ref_count;
};

/* --- Where the keys are --- */

static gboolean
open_at (MasterKey *key, const gchar *path, SyrinxMasterKeyAccess access,
    GError **error)
{
  key->key = syrinx_master_key_read (path, access, error);
  if (key->key)
    key->path = g_strdup (path);
  return key->key != NULL;
}

/* The file of systemd's credential @name. (nullable) (transfer full) */
static gchar *
find_credential (const gchar *name)
{
  const gchar *directory = g_getenv ("CREDENTIALS_DIRECTORY");
  g_autofree gchar *path
      = directory ? g_build_filename (directory, name, NULL) : NULL;

  return path && g_access (path, F_OK) == 0 ? g_steal_pointer (&path) : NULL;
}

/* Opens the key that the configuration or systemd gives. FALSE without an
 * error: neither gives one. */
static gboolean
open_given (MasterKey *key, const gchar *setting, const gchar *credential,
    gboolean is_group_ok, GError **error)
{
  g_autofree gchar *path = setting ? NULL : find_credential (credential);

  if (setting)
    return open_at (key, setting,
        is_group_ok ? SYRINX_MASTER_KEY_GROUP : SYRINX_MASTER_KEY_PRIVATE,
        error);
  return path && open_at (key, path, SYRINX_MASTER_KEY_CREDENTIAL, error);
}

static gboolean
open_own (SyrinxKeyring *keyring, gboolean is_group_ok, gboolean create,
    GError **error)
{
  const SyrinxMasterKeyAccess access
      = is_group_ok ? SYRINX_MASTER_KEY_GROUP : SYRINX_MASTER_KEY_PRIVATE;
  g_autofree gchar *path
      = g_build_filename (keyring->state_dir, FILE_NAME, NULL);
  g_autoptr (GError) local = NULL;

  if (open_at (&keyring->master, path, access, &local))
    return TRUE;
  if (!create
      || !g_error_matches (local, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND)) {
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  return syrinx_master_key_create (keyring->state_dir, path, error)
         && open_at (&keyring->master, path, access, error);
}

/* Opens the next key that an unfinished replacement left; no error if there is
 * none. */
static gboolean
open_own_next (SyrinxKeyring *keyring, GError **error)
{
  g_autofree gchar *path
      = g_build_filename (keyring->state_dir, FILE_NAME_NEXT, NULL);

  if (g_access (path, F_OK) != 0)
    return TRUE;
  return open_at (&keyring->next, path, SYRINX_MASTER_KEY_PRIVATE, error);
}

static void
forget_key (MasterKey *key)
{
  g_clear_pointer (&key->key, g_bytes_unref);
  g_clear_pointer (&key->path, g_free);
}

static void
open_given_next (SyrinxKeyring *keyring, const SyrinxKeyringSettings *settings,
    GError **error)
{
  MasterKey given = { NULL };

  if (!open_given (&given, settings->master_key_next, FILE_NAME_NEXT,
          settings->is_group_ok, error))
    return;
  if (keyring->next.key) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_BUSY,
        "the master key is being replaced by %s; start without "
        "master-key-next %s until that is done",
        keyring->next.path, given.path);
    forget_key (&given);
    return;
  }
  keyring->next = given;
  keyring->is_own = FALSE;
}

/* While an operator moves the configured next key into the master key's place,
 * both settings may give the same key; then there is no next key. */
static void
forget_equal_next (SyrinxKeyring *keyring)
{
  if (keyring->next.key
      && syrinx_equal_secret (g_bytes_get_data (keyring->master.key, NULL),
          g_bytes_get_data (keyring->next.key, NULL), SYRINX_MASTER_KEY_BYTES))
    forget_key (&keyring->next);
}

static SyrinxKeyring *
keyring_new (const gchar *state_dir)
{
  SyrinxKeyring *keyring = g_new0 (SyrinxKeyring, 1);

  g_atomic_ref_count_init (&keyring->ref_count);
  keyring->state_dir = g_strdup (state_dir);
  return keyring;
}

SyrinxKeyring *
syrinx_keyring_open_with (
    const SyrinxKeyringSettings *settings, gboolean create, GError **error)
{
  g_autoptr (SyrinxKeyring) keyring = keyring_new (settings->state_dir);
  g_autoptr (GError) local = NULL;

  if (!open_given (&keyring->master, settings->master_key, FILE_NAME,
          settings->is_group_ok, &local)
      && !local)
    keyring->is_own = open_own (keyring, settings->is_group_ok, create, &local);
  if (!local && keyring->is_own)
    open_own_next (keyring, &local);
  if (!local)
    open_given_next (keyring, settings, &local);
  if (local) {
    g_propagate_error (error, g_steal_pointer (&local));
    return NULL;
  }
  forget_equal_next (keyring);
  return g_steal_pointer (&keyring);
}

SyrinxKeyring *
syrinx_keyring_open (const gchar *state_dir, gboolean create, GError **error)
{
  const SyrinxKeyringSettings settings = { .state_dir = state_dir };

  return syrinx_keyring_open_with (&settings, create, error);
}

SyrinxKeyring *
syrinx_keyring_ref (SyrinxKeyring *keyring)
{
  g_atomic_ref_count_inc (&keyring->ref_count);
  return keyring;
}

void
syrinx_keyring_unref (SyrinxKeyring *keyring)
{
  if (!g_atomic_ref_count_dec (&keyring->ref_count))
    return;
  forget_key (&keyring->master);
  forget_key (&keyring->next);
  g_free (keyring->state_dir);
  g_free (keyring);
}

/* --- Wrapping --- */

static gboolean
derive (GBytes *master_key, const gchar *salt, const gchar *info, guint8 *out,
    gsize out_bytes, GError **error)
{
  gsize size_bytes;
  gconstpointer master = g_bytes_get_data (master_key, &size_bytes);

  const SyrinxHkdf inputs
      = { master, size_bytes, salt, strlen (salt), info, strlen (info) };

  return syrinx_evp_hkdf (&inputs, out, out_bytes, error);
}

/* "track|rendition|epoch". NULL: a name contains '|', which would be ambiguous.
 * (transfer full) */
static gchar *
name_row (
    const gchar *track_id, const gchar *rendition, guint epoch, GError **error)
{
  if (!strchr (track_id, '|') && !strchr (rendition, '|'))
    return g_strdup_printf ("%s|%s|%u", track_id, rendition, epoch);
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
      "no key for track '%s', rendition '%s': a name holds '|'", track_id,
      rendition);
  return NULL;
}

GBytes *
syrinx_keyring_wrap (SyrinxKeyring *keyring, GBytes *key, const gchar *track_id,
    const gchar *rendition, guint epoch, GError **error)
{
  GBytes *master = keyring->next.key ? keyring->next.key : keyring->master.key;
  g_autofree gchar *row = name_row (track_id, rendition, epoch, error);
  guint8 wrap_key[SYRINX_EVP_WRAP_KEY_BYTES], out[SYRINX_WRAPPED_KEY_BYTES];
  gsize out_bytes;
  gboolean done;

  if (row && g_bytes_get_size (key) != SYRINX_CHUNK_KEY_BYTES) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "a content key has %d bytes", SYRINX_CHUNK_KEY_BYTES);
    return NULL;
  }
  if (!row
      || !derive (master, WRAP_SALT, row, wrap_key, sizeof wrap_key, error))
    return NULL;
  done = syrinx_evp_key_wrap (wrap_key, TRUE, g_bytes_get_data (key, NULL),
      SYRINX_CHUNK_KEY_BYTES, out, &out_bytes);
  syrinx_wipe (wrap_key, sizeof wrap_key);
  if (!done) {
    syrinx_evp_fail (error, "wrapping a content key");
    return NULL;
  }
  return g_bytes_new (out, sizeof out);
}

/* NULL: @master did not wrap @wrapped for this row. (transfer full) */
static GBytes *
unwrap (GBytes *master, GBytes *wrapped, const gchar *row)
{
  guint8 wrap_key[SYRINX_EVP_WRAP_KEY_BYTES], out[SYRINX_WRAPPED_KEY_BYTES + 8];
  gsize out_bytes = 0, wrapped_bytes;
  const guint8 *data = g_bytes_get_data (wrapped, &wrapped_bytes);
  GBytes *key = NULL;

  if (wrapped_bytes != SYRINX_WRAPPED_KEY_BYTES
      || !derive (master, WRAP_SALT, row, wrap_key, sizeof wrap_key, NULL))
    return NULL;
  if (syrinx_evp_key_wrap (
          wrap_key, FALSE, data, wrapped_bytes, out, &out_bytes)
      && out_bytes == SYRINX_CHUNK_KEY_BYTES)
    key = syrinx_secret_new (out, out_bytes);
  syrinx_wipe (wrap_key, sizeof wrap_key);
  syrinx_wipe (out, sizeof out);
  return key;
}

SyrinxWrappedBy
syrinx_keyring_look_up (SyrinxKeyring *keyring, GBytes *wrapped,
    const gchar *track_id, const gchar *rendition, guint epoch, GBytes **key)
{
  g_autofree gchar *row = name_row (track_id, rendition, epoch, NULL);
  g_autoptr (GBytes) found = NULL;
  SyrinxWrappedBy by = SYRINX_WRAPPED_BY_NEXT;

  if (row && keyring->next.key)
    found = unwrap (keyring->next.key, wrapped, row);
  if (row && !found) {
    by = SYRINX_WRAPPED_BY_MASTER;
    found = unwrap (keyring->master.key, wrapped, row);
  }
  if (!found)
    by = SYRINX_WRAPPED_BY_NONE;
  if (key)
    *key = g_steal_pointer (&found);
  return by;
}

GBytes *
syrinx_keyring_unwrap (SyrinxKeyring *keyring, GBytes *wrapped,
    const gchar *track_id, const gchar *rendition, guint epoch, GError **error)
{
  GBytes *key = NULL;

  if (syrinx_keyring_look_up (
          keyring, wrapped, track_id, rendition, epoch, &key)
      == SYRINX_WRAPPED_BY_NONE)
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_CORRUPT,
        "the key of track %s, rendition %s, epoch %u was not wrapped by this "
        "master key for this row",
        track_id, rendition, epoch);
  return key;
}

static void
derive_or_die (
    GBytes *master, const gchar *purpose, guint8 *out, gsize out_bytes)
{
  g_autoptr (GError) error = NULL;

  if (!derive (master, DERIVE_SALT, purpose, out, out_bytes, &error))
    g_error ("%s", error->message);
}

GBytes *
syrinx_keyring_derive (SyrinxKeyring *keyring, const gchar *purpose)
{
  guint8 out[32];
  GBytes *key;

  derive_or_die (keyring->master.key, purpose, out, sizeof out);
  key = syrinx_secret_new (out, sizeof out);
  syrinx_wipe (out, sizeof out);
  return key;
}

/* --- Replacing the master key --- */

static void
copy_key (MasterKey *to, const MasterKey *from)
{
  to->key = g_bytes_ref (from->key);
  to->path = g_strdup (from->path);
}

SyrinxKeyring *
syrinx_keyring_begin_replacement (SyrinxKeyring *keyring, GError **error)
{
  g_autofree gchar *path
      = g_build_filename (keyring->state_dir, FILE_NAME_NEXT, NULL);
  g_autoptr (SyrinxKeyring) both = NULL;

  if (keyring->next.key)
    return syrinx_keyring_ref (keyring);
  if (!keyring->is_own) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_UNSUPPORTED,
        "the master key %s is not ours to replace: give the next one as "
        "master-key-next (`head -c 32 /dev/urandom` makes one), reload, and "
        "rotate again",
        keyring->master.path);
    return NULL;
  }
  if (!syrinx_master_key_create (keyring->state_dir, path, error))
    return NULL;
  both = keyring_new (keyring->state_dir);
  both->is_own = TRUE;
  copy_key (&both->master, &keyring->master);
  return open_own_next (both, error) ? g_steal_pointer (&both) : NULL;
}

SyrinxKeyring *
syrinx_keyring_end_replacement (SyrinxKeyring *keyring, GError **error)
{
  SyrinxKeyring *one;

  if (!keyring->is_own || !keyring->next.key)
    return syrinx_keyring_ref (keyring);
  if (!syrinx_master_key_replace (
          keyring->state_dir, keyring->master.path, keyring->next.path, error))
    return NULL;
  one = keyring_new (keyring->state_dir);
  one->is_own = TRUE;
  one->master.key = g_bytes_ref (keyring->next.key);
  one->master.path = g_strdup (keyring->master.path);
  return one;
}

gboolean
syrinx_keyring_has_next (SyrinxKeyring *keyring)
{
  return keyring->next.key != NULL;
}

gboolean
syrinx_keyring_is_own (SyrinxKeyring *keyring)
{
  return keyring->is_own;
}

const gchar *
syrinx_keyring_get_path (SyrinxKeyring *keyring, gboolean next)
{
  return next ? keyring->next.path : keyring->master.path;
}

gchar *
syrinx_keyring_dup_name (SyrinxKeyring *keyring, gboolean next)
{
  GBytes *key = next ? keyring->next.key : keyring->master.key;
  guint8 bytes[NAME_BYTES];
  GString *name;

  if (!key)
    return NULL;
  derive_or_die (key, "name", bytes, sizeof bytes);
  name = g_string_new (NULL);
  for (guint i = 0; i < sizeof bytes; i++)
    g_string_append_printf (name, "%02x", bytes[i]);
  return g_string_free (name, FALSE);
}
