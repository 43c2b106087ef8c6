/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plan of a rendition: everything about it that is known before a sample is
 * decoded, and what a worker needs to make a run of it. Any thread. */
#pragma once

#include "core/store/store.h"

G_BEGIN_DECLS

/* @name: "opus-KBPS" (16 to 320) or "aac-KBPS" (48 to 320). A row with all but
 * wrapped_key and epoch. (transfer full) Errors: UNSUPPORTED, INVALID. */
SyrinxRenditionRow *syrinx_plan_rendition (
    const SyrinxTrack *track, const gchar *name, GError **error);
/* What the worker's produce job takes. (transfer floating) */
GVariant *syrinx_plan_run (const SyrinxTrack *track,
    const SyrinxRenditionRow *row, guint first, guint count);

G_END_DECLS
