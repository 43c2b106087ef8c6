/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The daemon's log: lines on standard error, the journal's own protocol where
 * that is what reads, or JSON lines. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @level, @format (nullable): as the options take them. FALSE: one is none of
 * these, and nothing has changed. Before any thread is started. */
gboolean syrinx_log_init (const gchar *level, const gchar *format);

G_END_DECLS
