/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ADDRESS:PORT of the configuration, and what is said when it can't be had. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A numeric address or localhost; port 0 is any. (transfer full) Errors:
 * INVALID. */
GSocketAddress *syrinx_address_parse (const gchar *text, GError **error);
/* Turns @cause (transfer full) of a failure to listen on @text into @error;
 * @options name what else could be given. Always FALSE. Errors: BUSY, FAILED.
 */
gboolean syrinx_address_explain (
    const gchar *text, const gchar *options, GError *cause, GError **error);
gboolean syrinx_address_is_loopback (GSocketAddress *address);

G_END_DECLS
