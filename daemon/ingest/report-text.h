/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes a worker's texts safe to keep and to show. Any thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The first @size_bytes of @text as UTF-8 on one line without control
 * characters, of at most @max_bytes. (transfer full) */
gchar *
syrinx_report_clean_text (const gchar *text, gsize size_bytes, gsize max_bytes);

G_END_DECLS
