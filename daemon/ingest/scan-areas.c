/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Divides the library folders into areas. */
#include "scan-areas.h"

#include "deadline.h"
#include "shares.h"

#include <stdlib.h>

#define RESOLVE_MS 5000

typedef struct
{
  gchar *path, *real;
} Resolving;

void
syrinx_scan_area_free (SyrinxScanArea *area)
{
  g_free (area->root);
  g_free (area->prefix);
  g_strfreev (area->excluded);
  g_free (area);
}

gboolean
syrinx_scan_area_has (const SyrinxScanArea *area, const gchar *path)
{
  if (!g_str_has_prefix (path, area->prefix))
    return FALSE;
  for (guint i = 0; area->excluded[i]; i++)
    if (g_str_has_prefix (path, area->excluded[i]))
      return FALSE;
  return TRUE;
}

static void
resolve (gpointer data, gint *progress)
{
  Resolving *resolving = data;

  resolving->real = realpath (resolving->path, NULL);
}

static void
resolving_free (gpointer data)
{
  Resolving *resolving = data;

  g_free (resolving->path);
  free (resolving->real);
  g_free (resolving);
}

/* The resolved path of @root; @root itself if it does not exist; NULL if the
 * call hangs. */
static gchar *
get_real (const gchar *root)
{
  Resolving *resolving = g_new0 (Resolving, 1);
  gchar *real;

  resolving->path = g_strdup (root);
  if (!syrinx_deadline_run (
          root, resolve, resolving, resolving_free, RESOLVE_MS))
    return NULL;
  real = g_strdup (resolving->real ? resolving->real : root);
  resolving_free (resolving);
  return real;
}

/* @excluded: (transfer full) */
static void
add_area (GPtrArray *areas, const gchar *root, const gchar *prefix,
    gchar **excluded, gboolean is_share)
{
  SyrinxScanArea *area = g_new0 (SyrinxScanArea, 1);

  area->root = g_strdup (root);
  area->prefix = g_strdup (prefix);
  area->excluded = excluded;
  area->is_share = is_share;
  g_ptr_array_add (areas, area);
}

static void
divide_root (
    GPtrArray *areas, SyrinxMounts *mounts, const gchar *root, gboolean shares)
{
  gboolean is_share = syrinx_mounts_is_share (mounts, root);
  g_autofree gchar *real = is_share ? g_strdup (root) : get_real (root);
  g_auto (GStrv) below = NULL;

  is_share |= !real || syrinx_mounts_is_share (mounts, real);
  if (is_share) {
    if (shares)
      add_area (areas, root, "", g_new0 (gchar *, 1), TRUE);
    return;
  }
  below = syrinx_mounts_list_shares (mounts, real);
  if (!shares)
    add_area (areas, root, "", g_steal_pointer (&below), FALSE);
  else
    for (guint i = 0; below[i]; i++)
      add_area (areas, root, below[i], g_new0 (gchar *, 1), TRUE);
}

GPtrArray *
syrinx_scan_areas_list (const gchar *const *roots, gboolean shares)
{
  g_autoptr (SyrinxMounts) mounts = syrinx_mounts_new ();
  GPtrArray *areas
      = g_ptr_array_new_with_free_func ((GDestroyNotify)syrinx_scan_area_free);

  for (guint i = 0; roots[i]; i++)
    divide_root (areas, mounts, roots[i], shares);
  return areas;
}
