/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys that only one client can read: JWE (RFC 7516) in compact form, for the
 * public key (JWK, RFC 7517) that the client sent. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SYRINX_JWK_MAX_BYTES         8192
#define SYRINX_JWE_MAX_PAYLOAD_BYTES (256 * 1024)

/* Encrypts @payload so that only the owner of @public_jwk_json can read it:
 * RSA-OAEP-256 for an RSA key of 2048 to 4096 bits, ECDH-ES+A256KW for an EC
 * key on P-256 or P-384; the content with A256GCM. The JWK is hostile input.
 * Errors: INVALID with the reason (malformed, weak, private, not on its curve,
 * for another purpose), UNSUPPORTED (another key type or curve). (transfer
 * full) Any thread. */
gchar *
syrinx_jwe_wrap (const gchar *public_jwk_json, GBytes *payload, GError **error);

/* Makes the same checks and nothing else: whether a session with this key could
 * be served. */
gboolean syrinx_jwe_check_key (const gchar *public_jwk_json, GError **error);

G_END_DECLS
