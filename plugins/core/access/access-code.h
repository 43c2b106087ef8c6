/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Short access codes, for clients that can't send a whole token: 128 random
 * bits that stand for one. STATE_DIR/access-codes has a file (0600) for each,
 * named by the code's SHA-256. It holds the token, encrypted with a key that is
 * derived from the code, so the files alone are of no use. Expiry, claims and
 * revocation are those of the token. Any thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SYRINX_ACCESS_CODE_MAX_BYTES 64

/* Stores @token under a new code until @expires_at_s (Unix time), and removes
 * expired codes. (transfer full): the code. Errors: FAILED. */
gchar *syrinx_access_code_new (const gchar *state_dir, const gchar *token,
    gint64 expires_at_s, GError **error);

/* Whether @text has the form of a code. A JWT never has. */
gboolean syrinx_access_code_is_valid (const gchar *text);

/* (transfer full): the token, not yet verified. Errors: UNAUTHENTICATED if
 * there is no such code. */
gchar *syrinx_access_code_lookup (
    const gchar *state_dir, const gchar *code, GError **error);

G_END_DECLS
