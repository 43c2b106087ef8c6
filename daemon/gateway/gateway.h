/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The gateway: authenticates and limits requests of every protocol. It
 * determines who sends a request (a token or access code becomes a grant), from
 * where (the listener's own address, its region and round trip), and whether
 * that is too often (token buckets by address and by subject, shared by all
 * faces). What a grant may do is checked elsewhere: see core/access/right.h.
 *
 * Life: the engine makes it with its configuration. A reload prepares the parts
 * that are made from files (keys, proxies, database) beside those in use, and
 * replaces them only when everything else of the reload has succeeded. Limits
 * are read from the configuration at every use. Main thread only. */
#pragma once

#include "geography.h"
#include "daemon/config/config.h"
#include "daemon/journal.h"

#include "core/access/grant.h"

G_BEGIN_DECLS

#define SYRINX_BURST_SECONDS 10 /* of requests may come at once */

typedef struct _SyrinxGateway SyrinxGateway;
typedef struct _SyrinxGatewayParts SyrinxGatewayParts;

/* @config, which may change by syrinx_config_adopt(), and @journal, where
 * refusals are noted, must outlive it. @own_jwks: the JWK Set of this node, to
 * which that of the file jwks is added. Errors: INVALID, FAILED, or those of
 * reading a file. (transfer full) */
SyrinxGateway *syrinx_gateway_new (const SyrinxConfig *config,
    SyrinxJournal *journal, const gchar *own_jwks, GError **error);
void syrinx_gateway_free (SyrinxGateway *gateway);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxGateway, syrinx_gateway_free)

/* The parts that a reload replaces, made by @config (which need not outlive
 * this call). Errors: as syrinx_gateway_new(). (transfer full) */
SyrinxGatewayParts *syrinx_gateway_prepare (
    const SyrinxConfig *config, const gchar *own_jwks, GError **error);
/* Replaces the parts in use. @parts: (transfer full) */
void syrinx_gateway_adopt (SyrinxGateway *gateway, SyrinxGatewayParts *parts);
void syrinx_gateway_parts_free (SyrinxGatewayParts *parts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxGatewayParts, syrinx_gateway_parts_free)

/* --- Origin --- */

/* What a face knows about the origin of a request. Headers count only if
 * @address is a trusted proxy. */
typedef struct
{
  const gchar *address;   /* (nullable): of the connection's other end */
  const gchar *forwarded; /* (nullable): X-Forwarded-For */
  const gchar *region;    /* (nullable): X-Syrinx-Region */
} SyrinxRequester;

/* Writes the listener's own address: the peer's, or the one that a trusted
 * proxy forwards. "" if it is unknown. */
void syrinx_gateway_find_client (
    SyrinxGateway *gateway, const SyrinxRequester *requester, gchar client[46]);
gboolean syrinx_gateway_is_proxy (SyrinxGateway *gateway, const gchar *address);
/* How many connections to one face the client with @address may have. 0: any
 * number, since a trusted proxy serves many clients. */
guint syrinx_gateway_get_max_connections (
    SyrinxGateway *gateway, const gchar *address);
void syrinx_gateway_locate (SyrinxGateway *gateway, SyrinxGrant *grant,
    const SyrinxRequester *requester, SyrinxPlace *place);

/* --- Rate --- */

/* Counts a request of @client (its own address from
 * syrinx_gateway_find_client(); "": unknown, and not counted); to be called
 * before any work is done for it. 0: it is allowed; else the microseconds until
 * the next one is. Hot. */
gint64
syrinx_gateway_take_request (SyrinxGateway *gateway, const gchar *client);

/* --- Authentication --- */

/* Where a request may carry its token, or an access code for one. The first
 * that is present is used. */
typedef struct
{
  /* (nullable): the value of Authorization: "Bearer TOKEN", or "Basic BASE64"
   * of NAME:TOKEN, whatever the name */
  const gchar *authorization;
  /* (nullable): the query parameter "token". A face passes it only where
   * players can send nothing else. Tokens with scope admin are refused here,
   * since URLs end up in logs and histories. */
  const gchar *query;
} SyrinxCredentials;

/* Notes that a request was refused; docs/journal.md lists the reasons. @client,
 * @grant: (nullable). @through: the face. syrinx_gateway_authenticate() notes
 * its own refusals. */
void syrinx_gateway_note_refused (SyrinxGateway *gateway, const gchar *reason,
    const gchar *client, SyrinxGrant *grant, const gchar *through);

/* Whether any are present, valid or not. */
gboolean syrinx_credentials_are_given (const SyrinxCredentials *credentials);

/* The grant of all D-Bus callers, since D-Bus has no tokens: the private socket
 * admits only root and the daemon's own user, and on a shared bus the bus
 * policy lets nobody else call methods that need scope admin. It never expires.
 * (transfer none) */
SyrinxGrant *syrinx_gateway_get_operator (SyrinxGateway *gateway);

/* Counts a request of the grant's subject and returns the grant. (transfer
 * full) Errors: UNAUTHENTICATED (none, forged, expired or revoked), DENIED
 * (scope admin in a URL), TOO_MANY (*@retry_us is set). */
SyrinxGrant *syrinx_gateway_authenticate (SyrinxGateway *gateway,
    const SyrinxCredentials *credentials, gint64 *retry_us, GError **error);

G_END_DECLS
