/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plan of a rendition: everything that is known about it before a sample is
 * decoded, and the input of a worker that makes a run of it. Any thread. */
#pragma once

#include "core/store/store.h"

G_BEGIN_DECLS

/* @name: "opus-KBPS" (16 to 320) or "aac-KBPS" (48 to 320). Fills in all but
 * wrapped_key and epoch. (transfer full) Errors: UNSUPPORTED, INVALID. */
SyrinxRenditionRow *syrinx_plan_rendition (
    const SyrinxTrack *track, const gchar *name, GError **error);
/* The input of the worker's produce job. (transfer floating) */
GVariant *syrinx_plan_run (const SyrinxTrack *track,
    const SyrinxRenditionRow *row, guint first, guint count);

G_END_DECLS
