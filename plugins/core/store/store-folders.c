/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index: folders that contain tracks, directly or in subfolders. A folder's
 * path is relative to its root and ends with a slash; the root's own is
 * empty. */
#include "store-private.h"

#include "store-cursor.h"

#include "core/base/error.h"

#include <string.h>

#define MAX_LIMIT    500
#define INVALID_BASE 0x10f700u

/* A folder that may have lost its last track. */
typedef struct
{
  gint64 root_id;
  gchar *path;
} Left;

struct _SyrinxFolders
{
  SyrinxConnection *writer; /* (transfer none) */
  GHashTable *entered;      /* "root_id/path/" */
  GHashTable *left;         /* "root_id/path/" -> Left */
};

static void
left_free (gpointer data)
{
  Left *left = data;

  g_free (left->path);
  g_free (left);
}

SyrinxFolders *
syrinx_folders_new (SyrinxConnection *writer)
{
  SyrinxFolders *folders = g_new0 (SyrinxFolders, 1);

  folders->writer = writer;
  folders->entered
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  folders->left
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, left_free);
  return folders;
}

void
syrinx_folders_free (SyrinxFolders *folders)
{
  g_hash_table_unref (folders->entered);
  g_hash_table_unref (folders->left);
  g_free (folders);
}

/* @path up to and including its last slash. (transfer full) */
static gchar *
get_folder (const gchar *path)
{
  const gchar *slash = strrchr (path, '/');

  return slash ? g_strndup (path, slash + 1 - path) : g_strdup ("");
}

/* Splits "a/b/" into "a/" and "b". */
static void
split_folder (const gchar *folder, gchar **parent, gchar **name)
{
  g_autofree gchar *bare = g_strndup (folder, strlen (folder) - 1);

  *parent = get_folder (bare);
  *name = g_strdup (bare + strlen (*parent));
}

static gchar *
make_key (gint64 root_id, const gchar *folder)
{
  return g_strdup_printf ("%" G_GINT64_FORMAT "/%s", root_id, folder);
}

static gboolean
run_on_folder (SyrinxConnection *writer, const gchar *statement, gint64 root_id,
    const gchar *folder, GError **error)
{
  SyrinxStatement *st = syrinx_connection_get (writer, statement);
  g_autofree gchar *parent = NULL, *name = NULL;

  split_folder (folder, &parent, &name);
  syrinx_bind_path (st, 1, parent);
  syrinx_bind_path (st, 2, name);
  syrinx_bind_int (st, 3, root_id);
  return syrinx_statement_run (writer, st, error);
}

gboolean
syrinx_folders_enter (
    SyrinxFolders *folders, gint64 root_id, const gchar *path, GError **error)
{
  g_autofree gchar *folder = get_folder (path);

  while (*folder) {
    g_autofree gchar *key = make_key (root_id, folder);
    g_autofree gchar *parent = NULL, *name = NULL;

    if (!g_hash_table_add (folders->entered, g_steal_pointer (&key)))
      return TRUE;
    if (!run_on_folder (folders->writer, "add-folder", root_id, folder, error))
      return FALSE;
    split_folder (folder, &parent, &name);
    g_free (folder);
    folder = g_steal_pointer (&parent);
  }
  return TRUE;
}

void
syrinx_folders_leave (SyrinxFolders *folders, gint64 root_id, const gchar *path)
{
  g_autofree gchar *folder = get_folder (path);
  gchar *key = make_key (root_id, folder);
  Left *left;

  if (!*folder || g_hash_table_contains (folders->left, key)) {
    g_free (key);
    return;
  }
  left = g_new0 (Left, 1);
  left->root_id = root_id;
  left->path = g_steal_pointer (&folder);
  g_hash_table_insert (folders->left, key, left);
}

static gboolean
is_used (SyrinxConnection *writer, gint64 root_id, const gchar *folder,
    gboolean *used, GError **error)
{
  SyrinxStatement *st = syrinx_connection_get (writer, "folder-is-used");
  guint64 number = (guint64)syrinx_path_number (root_id, folder);

  syrinx_bind_int (st, 1, (gint64)(number & ~(guint64)G_MAXUINT32));
  syrinx_bind_int (st, 2, root_id);
  syrinx_bind_path (st, 3, folder);
  if (!syrinx_statement_next (writer, st, error))
    return FALSE;
  *used = syrinx_column_int (st, "is_used") != 0;
  sqlite3_reset (st->stmt);
  return TRUE;
}

/* Removes the folder, and then its parents as long as they are empty. */
static gboolean
drop_unused (SyrinxConnection *writer, const Left *left, GError **error)
{
  g_autofree gchar *folder = g_strdup (left->path);
  gboolean used = FALSE;

  while (*folder) {
    g_autofree gchar *parent = NULL, *name = NULL;

    if (!is_used (writer, left->root_id, folder, &used, error))
      return FALSE;
    if (used)
      return TRUE;
    if (!run_on_folder (writer, "drop-folder", left->root_id, folder, error))
      return FALSE;
    split_folder (folder, &parent, &name);
    g_free (folder);
    folder = g_steal_pointer (&parent);
  }
  return TRUE;
}

gboolean
syrinx_folders_finish (SyrinxFolders *folders, GError **error)
{
  GHashTableIter iter;
  gpointer left;

  g_hash_table_iter_init (&iter, folders->left);
  while (g_hash_table_iter_next (&iter, NULL, &left))
    if (!drop_unused (folders->writer, left, error))
      return FALSE;
  g_hash_table_remove_all (folders->left);
  g_hash_table_remove_all (folders->entered);
  return TRUE;
}

/* --- Names as text --- */

/* A byte that is not UTF-8 is shown as a private-use character, which is
 * converted back when a path comes in. */
static gchar *
path_to_text (const gchar *path)
{
  GString *text = g_string_new (NULL);

  while (*path) {
    const gchar *end;

    g_utf8_validate (path, -1, &end);
    g_string_append_len (text, path, end - path);
    path = end;
    if (*path)
      g_string_append_unichar (text, INVALID_BASE + (guint8)*path++);
  }
  return g_string_free (text, FALSE);
}

static gchar *
path_from_text (const gchar *text)
{
  GString *path = g_string_new (NULL);

  for (const gchar *p = text; *p; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);

    if (c >= INVALID_BASE + 0x80 && c <= INVALID_BASE + 0xff)
      g_string_append_c (path, (gchar)(c - INVALID_BASE));
    else
      g_string_append_unichar (path, c);
  }
  return g_string_free (path, FALSE);
}

/* Turns "/a//b" into "a/b/". (transfer full) */
static gchar *
normalize (const gchar *text)
{
  g_autofree gchar *path = path_from_text (text);
  g_auto (GStrv) parts = g_strsplit (path, "/", -1);
  GString *folder = g_string_new (NULL);

  for (guint i = 0; parts[i]; i++)
    if (*parts[i])
      g_string_append_printf (folder, "%s/", parts[i]);
  return g_string_free (folder, FALSE);
}

/* --- Listing --- */

static void
folder_clear (gpointer data)
{
  SyrinxFolder *folder = data;

  g_free (folder->name);
  g_free (folder->path);
  g_free (folder);
}

void
syrinx_folder_page_free (SyrinxFolderPage *page)
{
  g_free (page->path);
  g_ptr_array_unref (page->folders);
  g_ptr_array_unref (page->tracks);
  g_free (page->next_cursor);
  g_free (page);
}

static SyrinxFolderPage *
page_new (const gchar *folder)
{
  SyrinxFolderPage *page = g_new0 (SyrinxFolderPage, 1);

  page->path = path_to_text (folder);
  if (*page->path)
    page->path[strlen (page->path) - 1] = '\0';
  page->folders = g_ptr_array_new_with_free_func (folder_clear);
  page->tracks
      = g_ptr_array_new_with_free_func ((GDestroyNotify)syrinx_track_free);
  return page;
}

static void
add_folder (SyrinxFolderPage *page, const gchar *parent, const gchar *name)
{
  SyrinxFolder *folder = g_new0 (SyrinxFolder, 1);
  g_autofree gchar *path = g_strconcat (parent, name, NULL);

  folder->name = g_utf8_make_valid (name, -1);
  folder->path = path_to_text (path);
  g_ptr_array_add (page->folders, folder);
}

/* Folders come first; @phase 1 continues with the tracks. */
static gboolean
list_folders (SyrinxConnection *reader, const gchar *parent, guint limit,
    SyrinxCursor *cursor, SyrinxFolderPage *page, GError **error)
{
  SyrinxStatement *st = syrinx_connection_get (reader, "folders");
  g_autofree gchar *after
      = path_from_text (cursor->texts[0] ? cursor->texts[0] : "");
  GError *local = NULL;

  syrinx_bind_path (st, 1, parent);
  syrinx_bind_path (st, 2, after);
  syrinx_bind_int (st, 3, limit);
  while (syrinx_statement_next (reader, st, &local)) {
    const gchar *name = syrinx_column_peek (st, "name");

    add_folder (page, parent, name);
    g_free (cursor->texts[0]);
    cursor->texts[0] = path_to_text (name);
  }
  if (local) {
    g_propagate_error (error, local);
    return FALSE;
  }
  if (page->folders->len < limit) {
    cursor->phase = 1;
    g_clear_pointer (&cursor->texts[0], g_free);
  }
  return TRUE;
}

static gboolean
list_tracks (SyrinxConnection *reader, const gchar *parent, guint limit,
    SyrinxCursor *cursor, SyrinxFolderPage *page, GError **error)
{
  SyrinxStatement *st = syrinx_connection_get (reader, "folder-tracks");
  g_autofree gchar *after
      = path_from_text (cursor->texts[0] ? cursor->texts[0] : "");
  guint64 number = (guint64)syrinx_path_number (0, parent);
  GError *local = NULL;

  syrinx_bind_int (st, 1, (gint64)(number >> 32));
  syrinx_bind_path (st, 2, parent);
  syrinx_bind_path (st, 3, after);
  syrinx_bind_int (st, 4, cursor->texts[0] ? cursor->numbers[0] : -1);
  syrinx_bind_int (st, 5, limit);
  while (syrinx_statement_next (reader, st, &local)) {
    SyrinxTrack *track = syrinx_track_from_row (st);

    g_ptr_array_add (page->tracks, track);
    g_free (cursor->texts[0]);
    cursor->texts[0] = path_to_text (track->path);
    cursor->numbers[0] = syrinx_column_int (st, "track_number_id");
  }
  if (!local)
    return TRUE;
  g_propagate_error (error, local);
  return FALSE;
}

SyrinxFolderPage *
syrinx_store_list_folder (SyrinxStore *store, const gchar *path, guint limit,
    const gchar *cursor, GError **error)
{
  g_autoptr (SyrinxConnection) reader = NULL;
  g_autoptr (SyrinxFolderPage) page = NULL;
  g_auto (SyrinxCursor) place = { 0 };
  g_autofree gchar *folder = NULL, *asked = NULL;

  if (limit < 1 || limit > MAX_LIMIT || !g_utf8_validate (path, -1, NULL)) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "path: must be UTF-8, and limit 1 to %d", MAX_LIMIT);
    return NULL;
  }
  folder = normalize (path);
  asked = g_strconcat ("folder\n", folder, NULL);
  place.query = (guint64)syrinx_text_number (asked);
  if (cursor && !syrinx_cursor_decode (cursor, place.query, &place, error))
    return NULL;
  reader = syrinx_store_read (store, error);
  if (!reader)
    return NULL;
  page = page_new (folder);
  if (place.phase == 0
      && !list_folders (reader, folder, limit, &place, page, error))
    return NULL;
  if (place.phase == 1 && page->folders->len < limit
      && !list_tracks (
          reader, folder, limit - page->folders->len, &place, page, error))
    return NULL;
  if (page->folders->len + page->tracks->len == limit)
    page->next_cursor = syrinx_cursor_encode (&place);
  return g_steal_pointer (&page);
}
