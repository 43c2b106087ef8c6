/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is looked through at once: a library folder without the shares that are
 * mounted in it, or a share. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  gchar *root;
  gchar *prefix;    /* below it: "", or ended by a slash */
  gchar **excluded; /* below the root, likewise */
  gboolean is_share;
} SyrinxScanArea;

void syrinx_scan_area_free (SyrinxScanArea *area);

/* Those of @roots that are on shares, or those that aren't. Asks the kernel's
 * table of mounts; where a folder's name leads through a link, a thread that
 * may hang. (element-type SyrinxScanArea) (transfer full) Any thread. */
GPtrArray *syrinx_scan_areas_list (const gchar *const *roots, gboolean shares);

/* Whether a file of the root belongs to the area. */
gboolean syrinx_scan_area_has (const SyrinxScanArea *area, const gchar *path);

G_END_DECLS
