/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The gateway: the one way in, whatever protocol a request comes by. It knows
 * who asks (a token or access code becomes a grant), from where (the listener's
 * own address, its region and round trip), and whether that is too often (token
 * buckets by address and by subject, which all faces share). What a grant may
 * do is not its business: see core/access/right.h.
 *
 * Life: the engine makes it with its configuration. A reload prepares the parts
 * that are made from files (keys, proxies, database) beside those in use, and
 * puts them in their place only when everything else of the reload has gone
 * well. Limits are read from the configuration at every use. Main thread only.
 */
#pragma once

#include "geography.h"
#include "daemon/config/config.h"
#include "daemon/journal.h"

#include "core/access/grant.h"

G_BEGIN_DECLS

#define SYRINX_BURST_SECONDS 10 /* of requests may come at once */

typedef struct _SyrinxGateway SyrinxGateway;
typedef struct _SyrinxGatewayParts SyrinxGatewayParts;

/* @config outlives it, and may change by syrinx_config_adopt(); so does
 * @journal, where refusals are noted. @own_jwks: the JWK Set of this node, to
 * which that of the file jwks is added. Errors: INVALID, FAILED, or those of
 * reading a file. (transfer full) */
SyrinxGateway *syrinx_gateway_new (const SyrinxConfig *config,
    SyrinxJournal *journal, const gchar *own_jwks, GError **error);
void syrinx_gateway_free (SyrinxGateway *gateway);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxGateway, syrinx_gateway_free)

/* What a reload changes, as @config (which need not outlive this call) has it.
 * Errors: as syrinx_gateway_new(). (transfer full) */
SyrinxGatewayParts *syrinx_gateway_prepare (
    const SyrinxConfig *config, const gchar *own_jwks, GError **error);
/* @parts: (transfer full) */
void syrinx_gateway_adopt (SyrinxGateway *gateway, SyrinxGatewayParts *parts);
void syrinx_gateway_parts_free (SyrinxGatewayParts *parts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxGatewayParts, syrinx_gateway_parts_free)

/* --- From where --- */

/* What a face knows of a request's origin. Headers count only if @address is a
 * trusted proxy. */
typedef struct
{
  const gchar *address;   /* (nullable): of the connection's other end */
  const gchar *forwarded; /* (nullable): X-Forwarded-For */
  const gchar *region;    /* (nullable): X-Syrinx-Region */
} SyrinxRequester;

/* The listener's own address: that of the peer, or what a trusted proxy says.
 * "" if it is unknown. */
void syrinx_gateway_find_client (
    SyrinxGateway *gateway, const SyrinxRequester *requester, gchar client[46]);
gboolean syrinx_gateway_is_proxy (SyrinxGateway *gateway, const gchar *address);
/* How many connections to one face the client with @address may have. 0: any
 * number, since it is a trusted proxy, who speaks for many. */
guint syrinx_gateway_get_max_connections (
    SyrinxGateway *gateway, const gchar *address);
void syrinx_gateway_locate (SyrinxGateway *gateway, SyrinxGrant *grant,
    const SyrinxRequester *requester, SyrinxPlace *place);

/* --- How often --- */

/* Counts a request of @client (its own address, as of
 * syrinx_gateway_find_client(); "": unknown, and not counted) before anything
 * is done for it. 0: it may go on; else the microseconds after which the next
 * one may. Hot. */
gint64
syrinx_gateway_take_request (SyrinxGateway *gateway, const gchar *client);

/* --- Who --- */

/* Where a request may carry its token, or an access code that stands for one.
 * The first that is there counts. */
typedef struct
{
  /* (nullable): the value of Authorization: "Bearer TOKEN", or "Basic BASE64"
   * of NAME:TOKEN, whatever the name */
  const gchar *authorization;
  /* (nullable): the parameter "token" of the address. A face gives it only
   * where players can send nothing else. Tokens with scope admin are refused
   * here: addresses get into logs and histories. */
  const gchar *query;
} SyrinxCredentials;

/* Notes that a request was turned away, for a reason of docs/journal.md.
 * @client, @grant: (nullable). @through: the face.
 * syrinx_gateway_authenticate() does so itself. */
void syrinx_gateway_note_refused (SyrinxGateway *gateway, const gchar *reason,
    const gchar *client, SyrinxGrant *grant, const gchar *through);

/* Whether there is any, good or bad. */
gboolean syrinx_credentials_are_given (const SyrinxCredentials *credentials);

/* Of whoever can call the daemon on D-Bus, where there are no tokens: the
 * socket lets root and its own user in, and the policy of a bus that is shared
 * lets nobody else call what needs scope admin. It never ends. (transfer none)
 */
SyrinxGrant *syrinx_gateway_get_operator (SyrinxGateway *gateway);

/* The grant, after one request more of its subject has been counted. (transfer
 * full) Errors: UNAUTHENTICATED (none, forged, expired or revoked), DENIED
 * (scope admin in an address), TOO_MANY (*@retry_us is set). */
SyrinxGrant *syrinx_gateway_authenticate (SyrinxGateway *gateway,
    const SyrinxCredentials *credentials, gint64 *retry_us, GError **error);

G_END_DECLS
