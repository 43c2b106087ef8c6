/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index: library folders that come and go, and what is forgotten. */
#include "store-private.h"

#define CHUNK_FILES 1000 /* hidden in one transaction */

static void
add_path (const gchar *path, gint64 size_bytes, gint64 mtime_ns,
    gint64 ctime_ns, const gchar *reason, gpointer user_data)
{
  g_ptr_array_add (user_data, g_strdup (path));
}

/* Hides every file of @root. */
static gboolean
hide_root (
    SyrinxStore *store, const gchar *root, guint *n_hidden, GError **error)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);

  if (!syrinx_store_foreach_file (store, root, add_path, paths, error))
    return FALSE;
  *n_hidden += paths->len;
  for (guint i = 0; i < paths->len; i += CHUNK_FILES) {
    g_autoptr (GPtrArray) chunk = g_ptr_array_new ();

    for (guint k = i; k < MIN (i + CHUNK_FILES, paths->len); k++)
      g_ptr_array_add (chunk, paths->pdata[k]);
    if (!syrinx_store_remove_paths (store, root, chunk, error))
      return FALSE;
  }
  return TRUE;
}

/* (transfer full) NULL on error. */
static GPtrArray *
list_roots (SyrinxStore *store, GError **error)
{
  g_autoptr (SyrinxConnection) reader = syrinx_store_read (store, error);
  g_autoptr (GPtrArray) roots = g_ptr_array_new_with_free_func (g_free);
  SyrinxStatement *st;
  GError *local = NULL;

  if (!reader)
    return NULL;
  st = syrinx_connection_get (reader, "roots");
  while (syrinx_statement_next (reader, st, &local))
    g_ptr_array_add (roots, syrinx_column_text (st, "path"));
  if (!local)
    return g_steal_pointer (&roots);
  g_propagate_error (error, local);
  return NULL;
}

gboolean
syrinx_store_hide_other_roots (SyrinxStore *store, const gchar *const *roots,
    guint *n_hidden, GError **error)
{
  g_autoptr (GPtrArray) known = list_roots (store, error);

  *n_hidden = 0;
  for (guint i = 0; known && i < known->len; i++)
    if (!g_strv_contains (roots, known->pdata[i])
        && !hide_root (store, known->pdata[i], n_hidden, error))
      return FALSE;
  return known != NULL;
}

gboolean
syrinx_store_forget_missing (SyrinxStore *store, gint64 age_s, GError **error)
{
  static const gchar *const statements[]
      = { "forget-details", "forget-missing" };
  g_autoptr (SyrinxConnection) writer = syrinx_store_write (store, error);

  if (!writer)
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (statements); i++) {
    SyrinxStatement *st = syrinx_connection_get (writer, statements[i]);

    syrinx_bind_int (st, 1, g_get_real_time () / G_USEC_PER_SEC - age_s);
    if (!syrinx_statement_run (writer, st, error))
      return FALSE;
  }
  return syrinx_connection_commit (writer, error);
}
