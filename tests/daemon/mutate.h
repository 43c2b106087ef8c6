/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random changes to valid requests. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @from with a few random changes, by GLib's test seed: bits flipped, parts
 * removed, repeated or cut off, @other appended, and sequences that parsers are
 * known to mishandle. (transfer full) */
GString *mutate (const gchar *from, const gchar *other);

G_END_DECLS
