/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Key material: GBytes whose memory is excluded from core files and wiped when
 * the last reference is dropped. */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/* Copies @data, which the caller still has to wipe. (transfer full) Any
 * thread. */
GBytes *syrinx_secret_new (gconstpointer data, gsize size_bytes);

/* @size_bytes from the system's random source. (transfer full) */
GBytes *syrinx_secret_new_random (gsize size_bytes);

/* A boxed type for such a GBytes in a GValue or GstStructure. GStreamer writes
 * the content of a G_TYPE_BYTES to its debug log, but not that of this type. */
#define SYRINX_TYPE_SECRET (syrinx_secret_get_type ())
GType syrinx_secret_get_type (void);

/* Overwrites memory; the compiler can't optimize this away. */
void syrinx_wipe (gpointer data, gsize size_bytes);

G_END_DECLS
