/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Good requests gone bad. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @from with a few random changes, by GLib's test seed: bits, parts left out,
 * said again or cut off, @other behind it, and what parsers are known to trip
 * over. (transfer full) */
GString *mutate (const gchar *from, const gchar *other);

G_END_DECLS
