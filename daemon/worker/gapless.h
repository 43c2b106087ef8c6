/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many samples an MP3 encoder added at both ends, by the LAME tag. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @delay: samples to throw away at the start of what a decoder gives, its own
 * delay included; @excess: how many more samples the decoded stream has than
 * the original, @delay included. Both 0 without a tag. */
void syrinx_gapless_read (gint fd, guint *delay, guint *excess);

G_END_DECLS
