/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Access tokens: JWTs (RFC 7519) that are checked once into a grant, and issued
 * by the node's ES256 key. */
#pragma once

#include "grant.h"

#include <glib.h>

G_BEGIN_DECLS

#define SYRINX_TOKEN_MAX_BYTES    8192
#define SYRINX_TOKEN_LEEWAY_S     5 /* by which clocks may differ: the default */
#define SYRINX_TOKEN_MAX_RTT_MS   10000
#define SYRINX_TOKEN_MAX_SESSIONS 1000000

typedef struct _SyrinxVerifier SyrinxVerifier;

typedef struct
{
  const gchar *audience; /* (nullable): any */
  const gchar *issuer;   /* (nullable): any */
  /* By how much the issuer's clock may be ahead of ours or behind it: exp is
   * taken that much later, nbf and iat may lie that much in the future. */
  guint leeway_s;
} SyrinxTokenPolicy;

/* @jwks: a JWK Set as JSON (at most 64 KiB) of public ES256, RS256 and Ed25519
 * keys; oct keys, private members and duplicate kids are refused. @policy is
 * copied. Immutable, so any thread may use it. Errors: INVALID. (transfer full)
 */
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

/* Its public half as a JWK Set. (transfer full) */
gchar *syrinx_issuer_get_jwks (SyrinxIssuer *issuer);

typedef struct
{
  const gchar *subject; /* required, at most 256 bytes, no control characters */
  const gchar
      *scope; /* "listen original admin", space or comma separated; required */
  const gchar *audience; /* (nullable): default "syrinx" */
  const gchar *issuer;   /* (nullable): left out */
  const gchar *tracks;   /* (nullable): glob over track ids; left out = all */
  const gchar *region;   /* (nullable) */
  guint rtt_ms;          /* round trip to the listener; 0: left out */
  guint max_sessions;    /* at a time, of its subject; 0: left out; at most a
                            million */
  gint64 ttl_s;          /* 1 s to 10 years */
} SyrinxTokenRequest;

/* A signed compact JWT with sub, scope, aud, iat, nbf, exp, jti. If tokens of
 * the subject have been revoked a moment ago (syrinx_revoke_subject()), its iat
 * is the first that is not; then it may be that this is good only in a second.
 * (transfer full) Errors: INVALID. */
gchar *syrinx_issuer_issue (
    SyrinxIssuer *issuer, const SyrinxTokenRequest *request, GError **error);

G_END_DECLS
