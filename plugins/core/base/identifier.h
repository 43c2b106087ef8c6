/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Identifiers, capabilities and digests, and their base64url form (RFC 4648,
 * section 5). */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SYRINX_ID_LENGTH    22 /* characters of a 128-bit identifier */
#define SYRINX_ID_BYTES     16
#define SYRINX_SHA256_BYTES 32

/* Fills @data from the system's random source; aborts if that fails. Any
 * thread. */
void syrinx_random_fill (gpointer data, gsize size_bytes);

/* The same for @n_ids identifiers of SYRINX_ID_BYTES each; the text of none
 * will begin with '-'. */
void syrinx_id_fill (guint8 *bytes, guint n_ids);

/* A new random 128-bit identifier or capability, 22 characters of base64url.
 * (transfer full) */
gchar *syrinx_id_new (void);

/* Whether @id is 22 characters of base64url. To be checked before an identifier
 * is used in a path or a query. */
gboolean syrinx_id_is_valid (const gchar *id);

/* Without padding. (transfer full) */
gchar *syrinx_base64url_encode (gconstpointer data, gsize size_bytes);

/* Strict: no padding, no white space, no foreign characters.
 * Returns: (transfer full) (nullable): NULL if @text is not base64url or holds
 * more than @max_bytes */
GBytes *syrinx_base64url_decode (const gchar *text, gsize max_bytes);

void syrinx_sha256 (
    gconstpointer data, gsize size_bytes, guint8 digest[SYRINX_SHA256_BYTES]);

/* Compares in constant time. */
gboolean
syrinx_equal_secret (gconstpointer a, gconstpointer b, gsize size_bytes);

G_END_DECLS
