/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Access tokens: JWTs (RFC 7519) that are verified once and become a grant, and
 * tokens that the node's ES256 key signs. */
#pragma once

#include "grant.h"

#include <glib.h>

G_BEGIN_DECLS

#define SYRINX_TOKEN_MAX_BYTES    8192
#define SYRINX_TOKEN_LEEWAY_S     5 /* default of SyrinxTokenPolicy */
#define SYRINX_TOKEN_MAX_RTT_MS   10000
#define SYRINX_TOKEN_MAX_SESSIONS 1000000

typedef struct _SyrinxVerifier SyrinxVerifier;

typedef struct
{
  const gchar *audience; /* (nullable): NULL accepts any */
  const gchar *issuer;   /* (nullable): NULL accepts any */
  /* By how much the issuer's clock may differ from ours: exp counts as so much
   * later, and nbf and iat may be so far in the future. */
  guint leeway_s;
} SyrinxTokenPolicy;

/* @jwks: a JWK Set as JSON (at most 64 KiB) of public ES256, RS256 and Ed25519
 * keys; oct keys, private members and duplicate kids are refused. @policy is
 * copied. The verifier is immutable, so any thread may use it. Errors: INVALID.
 * (transfer full) */
SyrinxVerifier *syrinx_verifier_new (
    const gchar *jwks, const SyrinxTokenPolicy *policy, GError **error);
void syrinx_verifier_unref (SyrinxVerifier *verifier);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxVerifier, syrinx_verifier_unref)

/* Checks signature, alg against the key's kty/crv/alg, crit, exp, nbf, iat,
 * aud, iss and revocation. Errors: UNAUTHENTICATED (forged, malformed, unknown
 * key, wrong aud or iss, not yet valid, dated ahead), EXPIRED, DENIED
 * (revoked). (transfer full)
 */
SyrinxGrant *syrinx_verifier_check (
    SyrinxVerifier *verifier, const gchar *token, GError **error);

/* The node's own signing key: STATE_DIR/node-key.jwk (0600, created if missing
 * and @create), ES256. */
typedef struct _SyrinxIssuer SyrinxIssuer;

SyrinxIssuer *
syrinx_issuer_open (const gchar *state_dir, gboolean create, GError **error);
void syrinx_issuer_free (SyrinxIssuer *issuer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxIssuer, syrinx_issuer_free)

/* The public key as a JWK Set. (transfer full) */
gchar *syrinx_issuer_get_jwks (SyrinxIssuer *issuer);

typedef struct
{
  const gchar *subject; /* required, at most 256 bytes, no control characters */
  const gchar *scope;   /* required: "listen original admin", or with commas */
  const gchar *audience; /* (nullable): default "syrinx" */
  const gchar *issuer;   /* (nullable): omitted if NULL */
  const gchar *tracks;   /* (nullable): glob over track ids; omitted if NULL,
                            which allows all */
  const gchar *region;   /* (nullable) */
  guint rtt_ms;          /* round trip to the client; 0: omitted */
  guint max_sessions; /* concurrent sessions of the subject, at most a million;
                         0: omitted */
  gint64 ttl_s;       /* 1 s to 10 years */
} SyrinxTokenRequest;

/* A signed compact JWT with sub, scope, aud, iat, nbf, exp, jti. If the
 * subject's tokens were revoked just now (syrinx_revoke_subject()), iat is the
 * first second that is not covered, and the token may become valid only then.
 * (transfer full) Errors: INVALID. */
gchar *syrinx_issuer_issue (
    SyrinxIssuer *issuer, const SyrinxTokenRequest *request, GError **error);

G_END_DECLS
