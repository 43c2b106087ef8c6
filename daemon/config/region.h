/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A region as the operator describes it: a plain value. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SYRINX_MAX_REGIONS       64
#define SYRINX_REGION_MAX_WEIGHT 1000
#define SYRINX_REGION_MAX_RTT_MS 10000

typedef struct
{
  const gchar *name;  /* interned: valid for ever */
  guint weight;       /* 1 to SYRINX_REGION_MAX_WEIGHT */
  guint rtt_ms;       /* of a listener there whose own is unknown */
  gchar **countries;  /* ISO 3166-1 codes, in capitals */
  gchar **continents; /* AF AN AS EU NA OC SA */
} SyrinxRegion;

/* Weight 1, 100 ms, no countries. Errors: INVALID if @name is not 1 to 31
 * letters, digits, - and _. (transfer full) */
SyrinxRegion *syrinx_region_new (const gchar *name, GError **error);
void syrinx_region_free (SyrinxRegion *region);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxRegion, syrinx_region_free)

/* Sets weight, rtt-ms, countries or continents. Errors: INVALID. */
gboolean syrinx_region_set (
    SyrinxRegion *region, const gchar *key, const gchar *value, GError **error);

G_END_DECLS
