/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parsing of ADDRESS:PORT in the configuration, and the error when the address
 * can't be bound. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* @text: a numeric address, or localhost; port 0 means any free port. (transfer
 * full) Errors: INVALID. */
GSocketAddress *syrinx_address_parse (const gchar *text, GError **error);
/* Turns @cause (transfer full), the failure to listen on @text, into @error;
 * @options names the options that would choose another address. Always returns
 * FALSE. Errors: BUSY, FAILED. */
gboolean syrinx_address_explain (
    const gchar *text, const gchar *options, GError *cause, GError **error);
gboolean syrinx_address_is_loopback (GSocketAddress *address);

G_END_DECLS
