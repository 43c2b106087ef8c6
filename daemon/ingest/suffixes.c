/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Suffixes of music, and the files that have others. */
#include "suffixes.h"

#include <string.h>

/* Suffixes of the formats that a worker reads. */
static const gchar *const known[] = { "3ga", "3gp", "aac", "ac3", "adts", "aif",
  "aifc", "aiff", "amr", "ape", "asf", "au", "avi", "caf", "dsf", "dts",
  "dtshd", "ec3", "eac3", "flac", "flv", "m2a", "m4a", "m4b", "m4p", "m4r",
  "m4v", "mk3d", "mka", "mkv", "mov", "mp1", "mp2", "mp3", "mp4", "mpa", "mpc",
  "mpg", "mpeg", "mpga", "oga", "ogg", "ogm", "ogv", "ogx", "opus", "snd",
  "spx", "tak", "thd", "truehd", "tta", "w64", "wav", "wave", "webm", "wma",
  "wmv", "wv", NULL };

/* The files that a scan of one folder skipped. */
typedef struct
{
  GPtrArray *roots; /* of g_intern_string() */
  GPtrArray *paths; /* as many */
  guint64 n;
} Skipped;

static GMutex lock;
/* protected by lock */
static gchar **taken;       /* lower case; NULL: the known ones */
static GHashTable *skipped; /* folder → Skipped */
static guint n_names;       /* of all */

void
syrinx_suffixes_set (const gchar *const *suffixes)
{
  g_autoptr (GStrvBuilder) list = g_strv_builder_new ();

  for (guint i = 0; suffixes && suffixes[i]; i++) {
    g_autofree gchar *lower = g_ascii_strdown (suffixes[i], -1);
    g_strv_builder_add (list, lower);
  }
  g_mutex_lock (&lock);
  g_strfreev (taken);
  taken = suffixes ? g_strv_builder_end (list) : NULL;
  g_mutex_unlock (&lock);
}

gboolean
syrinx_suffixes_take (const gchar *name)
{
  const gchar *dot = strrchr (name, '.');
  g_autofree gchar *lower = dot ? g_ascii_strdown (dot + 1, -1) : NULL;
  gboolean ok;

  if (!lower)
    return FALSE;
  g_mutex_lock (&lock);
  ok = g_strv_contains (taken ? (const gchar *const *)taken : known, lower);
  g_mutex_unlock (&lock);
  return ok;
}

/* --- Skipped files --- */

static void
skipped_free (gpointer data)
{
  Skipped *self = data;

  g_ptr_array_unref (self->roots);
  g_ptr_array_unref (self->paths);
  g_free (self);
}

static Skipped *
find_locked (const gchar *folder)
{
  Skipped *self;

  if (!skipped)
    skipped
        = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, skipped_free);
  self = g_hash_table_lookup (skipped, folder);
  if (!self) {
    self = g_new0 (Skipped, 1);
    self->roots = g_ptr_array_new ();
    self->paths = g_ptr_array_new_with_free_func (g_free);
    g_hash_table_insert (skipped, g_strdup (folder), self);
  }
  return self;
}

void
syrinx_skipped_begin (const gchar *folder)
{
  Skipped *self;

  g_mutex_lock (&lock);
  self = find_locked (folder);
  n_names -= self->paths->len;
  g_ptr_array_set_size (self->roots, 0);
  g_ptr_array_set_size (self->paths, 0);
  self->n = 0;
  g_mutex_unlock (&lock);
}

void
syrinx_skipped_add (const gchar *folder, const gchar *root, const gchar *path)
{
  Skipped *self;

  g_mutex_lock (&lock);
  self = find_locked (folder);
  self->n++;
  if (n_names < SYRINX_MAX_SKIPPED_NAMES) {
    n_names++;
    g_ptr_array_add (self->roots, (gpointer)g_intern_string (root));
    g_ptr_array_add (self->paths, g_strdup (path));
  }
  g_mutex_unlock (&lock);
}

guint64
syrinx_skipped_foreach (
    void (*func) (const gchar *root, const gchar *path, gpointer user_data),
    gpointer user_data)
{
  GHashTableIter iter;
  gpointer value;
  guint64 n = 0;

  g_mutex_lock (&lock);
  if (skipped)
    g_hash_table_iter_init (&iter, skipped);
  while (skipped && g_hash_table_iter_next (&iter, NULL, &value)) {
    const Skipped *self = value;

    n += self->n;
    for (guint i = 0; i < self->paths->len; i++)
      func (self->roots->pdata[i], self->paths->pdata[i], user_data);
  }
  g_mutex_unlock (&lock);
  return n;
}
