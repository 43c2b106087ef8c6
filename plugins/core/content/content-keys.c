/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Content: the rotation of its keys.
 *
 * A master key is replaced in four steps, each durable before the next begins:
 * (1) the next key's file is written; (2) new content keys are wrapped by the
 * next key; (3) existing ones are rewrapped, batch by batch; (4) the next key
 * is renamed to the master key. After a crash in any step, a start finds every
 * content key wrapped by one of the master keys on the disk. */
#include "content-private.h"

#include "core/crypto/chunk-cipher.h"
#include "chunk-files.h"
#include "core/base/error.h"
#include "core/crypto/secret.h"

#define CHECKED_KEYS 64
#define RESCUE                                                                 \
  "bring it back, or have everything made again under new keys by "            \
  "`syrinxctl key rotate --all`"

/* --- Counting --- */

typedef struct
{
  SyrinxKeyring *keyring; /* (nullable): NULL only counts the keys */
  SyrinxKeyCount *count;
} Counting;

static GBytes *
count_key (const gchar *track_id, const gchar *name, guint epoch,
    GBytes *wrapped_key, gpointer user_data)
{
  Counting *counting = user_data;
  SyrinxKeyCount *count = counting->count;

  count->n_keys++;
  if (!counting->keyring)
    return NULL;
  switch (syrinx_keyring_look_up (
      counting->keyring, wrapped_key, track_id, name, epoch, NULL)) {
  case SYRINX_WRAPPED_BY_NONE:
    count->n_lost++;
    break;
  case SYRINX_WRAPPED_BY_MASTER:
    count->n_by_master++;
    break;
  case SYRINX_WRAPPED_BY_NEXT:
    count->n_by_next++;
    break;
  }
  return NULL;
}

gboolean
syrinx_keyring_count (SyrinxKeyring *keyring, SyrinxStore *store,
    SyrinxKeyCount *count, GError **error)
{
  Counting counting = { keyring, count };

  *count = (SyrinxKeyCount){ 0 };
  return syrinx_store_foreach_key (store, 0, count_key, &counting, error);
}

gboolean
syrinx_keyring_check (
    SyrinxKeyring *keyring, SyrinxStore *store, GError **error)
{
  SyrinxKeyCount count = { 0 };
  Counting counting = { keyring, &count };

  if (!syrinx_store_foreach_key (
          store, CHECKED_KEYS, count_key, &counting, error))
    return FALSE;
  if (count.n_keys == 0 || count.n_lost < count.n_keys)
    return TRUE;
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_CORRUPT,
      "the content keys of %s were wrapped by another master key than "
      "%s: " RESCUE,
      syrinx_store_get_state_dir (store),
      syrinx_keyring_get_path (keyring, FALSE));
  return FALSE;
}

SyrinxKeyring *
syrinx_keyring_open_for (
    const SyrinxKeyringSettings *settings, SyrinxStore *store, GError **error)
{
  SyrinxKeyCount count = { 0 };
  Counting counting = { NULL, &count };
  g_autoptr (SyrinxKeyring) keyring = NULL;
  g_autoptr (GError) local = NULL;

  if (!syrinx_store_foreach_key (store, 1, count_key, &counting, error))
    return NULL;
  keyring = syrinx_keyring_open_with (settings, count.n_keys == 0, &local);
  if (keyring)
    return syrinx_keyring_check (keyring, store, error)
               ? g_steal_pointer (&keyring)
               : NULL;
  if (g_error_matches (local, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND))
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND, "%s: " RESCUE,
        local->message);
  else
    g_propagate_error (error, g_steal_pointer (&local));
  return NULL;
}

/* --- The master key --- */

SyrinxKeyring *
syrinx_content_dup_keyring (SyrinxContent *content)
{
  SyrinxKeyring *keyring;

  g_mutex_lock (&content->plan_lock);
  keyring = syrinx_keyring_ref (content->keyring);
  g_mutex_unlock (&content->plan_lock);
  return keyring;
}

/* rotation_lock is held. */
static void
set_keyring (SyrinxContent *content, SyrinxKeyring *keyring)
{
  SyrinxKeyring *before;

  g_mutex_lock (&content->plan_lock);
  before = content->keyring;
  content->keyring = syrinx_keyring_ref (keyring);
  g_mutex_unlock (&content->plan_lock);
  syrinx_keyring_unref (before);
}

gboolean
syrinx_content_reload_keyring (SyrinxContent *content,
    const SyrinxKeyringSettings *settings, GError **error)
{
  g_autoptr (SyrinxKeyring) keyring = NULL;
  gboolean good;

  if (!g_mutex_trylock (&content->rotation_lock)) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_BUSY,
        "keys are being rotated just now; try again when that is done");
    return FALSE;
  }
  keyring = syrinx_keyring_open_for (settings, content->store, error);
  good = keyring != NULL;
  if (good)
    set_keyring (content, keyring);
  g_mutex_unlock (&content->rotation_lock);
  return good;
}

/* Rewraps one key. Keys that the next master key wrapped already, and keys that
 * neither can open, stay as they are. */
static GBytes *
rewrap (const gchar *track_id, const gchar *name, guint epoch,
    GBytes *wrapped_key, gpointer user_data)
{
  SyrinxKeyring *keyring = user_data;
  g_autoptr (GBytes) key = NULL;
  g_autoptr (GError) error = NULL;
  GBytes *wrapped;

  if (syrinx_keyring_look_up (keyring, wrapped_key, track_id, name, epoch, &key)
      != SYRINX_WRAPPED_BY_MASTER)
    return NULL;
  wrapped = syrinx_keyring_wrap (keyring, key, track_id, name, epoch, &error);
  if (!wrapped)
    g_error ("%s", error->message); /* never: the key was just unwrapped */
  return wrapped;
}

/* rotation_lock is held. */
static gboolean
replace_master_key (SyrinxContent *content, GError **error)
{
  g_autoptr (SyrinxKeyring) before = syrinx_content_dup_keyring (content);
  g_autoptr (SyrinxKeyring) both
      = syrinx_keyring_begin_replacement (before, error);
  g_autoptr (SyrinxKeyring) after = NULL;

  if (!both)
    return FALSE;
  set_keyring (content, both);
  if (!syrinx_store_change_keys (content->store, rewrap, both, error))
    return FALSE;
  after = syrinx_keyring_end_replacement (both, error);
  if (!after)
    return FALSE;
  set_keyring (content, after);
  return TRUE;
}

gboolean
syrinx_content_rotate_master_key (
    SyrinxContent *content, SyrinxKeyCount *count, GError **error)
{
  g_autoptr (SyrinxKeyring) keyring = NULL;
  gboolean done;

  g_mutex_lock (&content->rotation_lock);
  done = replace_master_key (content, error);
  g_mutex_unlock (&content->rotation_lock);
  keyring = syrinx_content_dup_keyring (content);
  return done && syrinx_keyring_count (keyring, content->store, count, error);
}

gboolean
syrinx_content_resume_rotation (SyrinxContent *content, GError **error)
{
  g_autoptr (SyrinxKeyring) keyring = syrinx_content_dup_keyring (content);
  gboolean done = TRUE;

  if (!syrinx_keyring_has_next (keyring) || !syrinx_keyring_is_own (keyring))
    return TRUE;
  g_mutex_lock (&content->rotation_lock);
  done = replace_master_key (content, error);
  g_mutex_unlock (&content->rotation_lock);
  return done;
}

/* --- Content keys --- */

/* Gives @row the next epoch and a new key. */
static gboolean
renew (SyrinxContent *content, SyrinxRenditionRow *row, GError **error)
{
  g_autoptr (GBytes) key = syrinx_secret_new_random (SYRINX_CHUNK_KEY_BYTES);

  row->epoch++;
  g_clear_pointer (&row->wrapped_key, g_bytes_unref);
  row->wrapped_key = syrinx_keyring_wrap (
      content->keyring, key, row->track_id, row->name, row->epoch, error);
  return row->wrapped_key != NULL;
}

/* plan_lock is held. *@n is 0 when no rows are left. */
static gboolean
rotate_batch_planned (SyrinxContent *content, const gchar *track_id,
    const gchar *name, gint64 *before, guint *n, GError **error)
{
  g_autoptr (GPtrArray) rows = syrinx_store_list_current (
      content->store, track_id, name, before, error);

  for (guint i = 0; rows && i < rows->len; i++)
    if (!renew (content, rows->pdata[i], error))
      return FALSE;
  if (!rows || !syrinx_store_put_renditions (content->store, rows, error))
    return FALSE;
  for (guint i = 0; i < rows->len; i++)
    syrinx_content_mark_superseded (content, rows->pdata[i]);
  *n = rows->len;
  return TRUE;
}

static gboolean
rotate_all (SyrinxContent *content, const gchar *track_id, const gchar *name,
    guint64 *n_rotated, GError **error)
{
  gint64 before = G_MAXINT64;
  gboolean good;
  guint n = 0;

  do {
    g_mutex_lock (&content->plan_lock);
    good = rotate_batch_planned (content, track_id, name, &before, &n, error);
    g_mutex_unlock (&content->plan_lock);
    *n_rotated += good ? n : 0;
  } while (good && n > 0 && !track_id);
  return good;
}

gboolean
syrinx_content_rotate_keys (SyrinxContent *content, const gchar *track_id,
    const gchar *name, guint64 *n_rotated, GError **error)
{
  gboolean good;

  *n_rotated = 0;
  g_mutex_lock (&content->rotation_lock);
  good = rotate_all (content, track_id, name, n_rotated, error);
  g_mutex_unlock (&content->rotation_lock);
  syrinx_content_sweep (content);
  if (!good || !track_id || *n_rotated > 0)
    return good;
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND,
      "track %s has no %s yet: it gets a key when it is first played", track_id,
      name ? name : "rendition");
  return FALSE;
}
