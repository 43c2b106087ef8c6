/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The daemon's certificate and its key, from PEM files. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Has GIO's TLS speak 1.2 and later only; before the first of it, and before
 * there are threads. */
void syrinx_tls_init (void);

/* @certificate_file holds the daemon's own certificate first, then those that
 * vouch for it. (transfer full) Errors: NOT_FOUND, INVALID (the key is another
 * certificate's, too: a pair that is half renewed is none), UNSUPPORTED. */
GTlsCertificate *syrinx_tls_certificate_load (
    const gchar *certificate_file, const gchar *key_file, GError **error);

G_END_DECLS
