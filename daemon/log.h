/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The daemon's log: lines of text on standard error, journald's own protocol if
 * standard error is connected to journald, or JSON lines. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @level, @format (nullable): values of the options --log-level and
 * --log-format. FALSE: one of them is invalid, and nothing has changed. To be
 * called before any thread is started. */
gboolean syrinx_log_init (const gchar *level, const gchar *format);

G_END_DECLS
