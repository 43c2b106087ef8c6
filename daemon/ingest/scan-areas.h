/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The areas of a scan, each of which is walked at once: a library folder
 * without the shares mounted in it, or a share. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  gchar *root;
  gchar *prefix;    /* below the root: "", or ending with a slash */
  gchar **excluded; /* below the root, in the same form */
  gboolean is_share;
} SyrinxScanArea;

void syrinx_scan_area_free (SyrinxScanArea *area);

/* The areas of @roots that are on shares or, if not @shares, those that are
 * not. Reads the kernel's table of mounts; a folder whose path has a symbolic
 * link is resolved in a thread that may hang. (element-type SyrinxScanArea)
 * (transfer full) Any thread. */
GPtrArray *syrinx_scan_areas_list (const gchar *const *roots, gboolean shares);

/* Whether the file @path of the root belongs to the area. */
gboolean syrinx_scan_area_has (const SyrinxScanArea *area, const gchar *path);

G_END_DECLS
