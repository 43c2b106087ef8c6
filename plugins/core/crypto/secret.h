/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Key material: GBytes whose memory stays out of core files and is wiped when
 * the last reference goes. */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/* Copies @data; @data stays the caller's to wipe. (transfer full) Any thread.
 */
GBytes *syrinx_secret_new (gconstpointer data, gsize size_bytes);

/* @size_bytes from the system's random source. (transfer full) */
GBytes *syrinx_secret_new_random (gsize size_bytes);

/* A boxed type for such a GBytes in a GValue or GstStructure. Of a G_TYPE_BYTES
 * GStreamer writes the content into its debug log; of this it can't. */
#define SYRINX_TYPE_SECRET (syrinx_secret_get_type ())
GType syrinx_secret_get_type (void);

/* Overwrites memory so that the compiler can't leave it out. */
void syrinx_wipe (gpointer data, gsize size_bytes);

G_END_DECLS
