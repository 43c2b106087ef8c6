/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Short access codes, for clients that can't send a whole token: 128 random
 * bits that stand for one. STATE_DIR/access-codes has a file (0600) named by
 * the code's SHA-256, which holds the token, encrypted under a key that only
 * the code gives; so expiry, claims and revocation are the token's, and the
 * files alone are of no use. Any thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SYRINX_ACCESS_CODE_MAX_BYTES 64

/* Keeps @token until @expires_at_s (Unix time), and forgets codes whose time is
 * over. (transfer full): the code. Errors: FAILED. */
gchar *syrinx_access_code_new (const gchar *state_dir, const gchar *token,
    gint64 expires_at_s, GError **error);

/* Whether @text has a code's form; a JWT never has. */
gboolean syrinx_access_code_is_valid (const gchar *text);

/* (transfer full): the token, which is still to be checked. Errors:
 * UNAUTHENTICATED if there is no such code. */
gchar *syrinx_access_code_lookup (
    const gchar *state_dir, const gchar *code, GError **error);

G_END_DECLS
