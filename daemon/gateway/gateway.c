/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The gateway. */
#include "gateway.h"

#include "daemon/net/rate-limit.h"

#include "core/access/access-code.h"
#include "core/access/token.h"
#include "core/base/error.h"

#include <json-glib/json-glib.h>
#include <string.h>

#define MAX_ADDRESSES   16384 /* with a rate limit of their own */
#define MAX_SUBJECTS    16384
#define MAX_BASIC_BYTES (2 * SYRINX_TOKEN_MAX_BYTES)

struct _SyrinxGatewayParts
{
  SyrinxVerifier *verifier;
  SyrinxGeography *geography;
};

struct _SyrinxGateway
{
  const SyrinxConfig *config;
  SyrinxJournal *journal;
  SyrinxGatewayParts *parts;
  SyrinxRateLimit *addresses, *subjects;
  SyrinxGrant *operators; /* the operator's */
};

/* --- Origin --- */

void
syrinx_gateway_find_client (
    SyrinxGateway *self, const SyrinxRequester *requester, gchar client[46])
{
  syrinx_geography_find_client (
      self->parts->geography, requester->address, requester->forwarded, client);
}

gboolean
syrinx_gateway_is_proxy (SyrinxGateway *self, const gchar *address)
{
  return syrinx_geography_is_proxy (self->parts->geography, address);
}

guint
syrinx_gateway_get_max_connections (SyrinxGateway *self, const gchar *address)
{
  return syrinx_gateway_is_proxy (self, address)
             ? 0
             : self->config->max_connections_per_address;
}

void
syrinx_gateway_locate (SyrinxGateway *self, SyrinxGrant *grant,
    const SyrinxRequester *requester, SyrinxPlace *place)
{
  const SyrinxClues clues = { .token_region = syrinx_grant_get_region (grant),
    .token_rtt_ms = syrinx_grant_get_rtt_ms (grant),
    .peer = requester->address,
    .proxy_region = requester->region,
    .forwarded = requester->forwarded };

  syrinx_geography_locate (self->parts->geography, &clues, place);
}

/* --- Rate --- */

gint64
syrinx_gateway_take_request (SyrinxGateway *self, const gchar *client)
{
  guint rate = self->config->requests_per_second;

  return *client ? syrinx_rate_limit_take_for_address (self->addresses, client,
             rate, rate * SYRINX_BURST_SECONDS, g_get_monotonic_time ())
                 : 0;
}

/* --- Authentication --- */

void
syrinx_gateway_note_refused (SyrinxGateway *self, const gchar *reason,
    const gchar *client, SyrinxGrant *grant, const gchar *through)
{
  syrinx_journal_note (self->journal,
      &(SyrinxEvent){ .kind = SYRINX_EVENT_REFUSED,
          .reason = reason,
          .client = client && *client ? client : NULL,
          .subject = grant ? syrinx_grant_get_subject (grant) : NULL,
          .through = through });
}

gboolean
syrinx_credentials_are_given (const SyrinxCredentials *credentials)
{
  return credentials->authorization || credentials->query;
}

/* Decodes "Basic BASE64" of "NAME:TOKEN" to TOKEN. (transfer full)
 * (nullable) */
static gchar *
read_basic (const gchar *encoded)
{
  gsize size_bytes = 0;
  g_autofree guchar *text = strlen (encoded) <= MAX_BASIC_BYTES
                                ? g_base64_decode (encoded, &size_bytes)
                                : NULL;
  const guchar *colon = text ? memchr (text, ':', size_bytes) : NULL;

  return colon ? g_strndup (
             (const gchar *)colon + 1, text + size_bytes - colon - 1)
               : NULL;
}

/* The token in the value of Authorization. (transfer full) (nullable) */
static gchar *
read_authorization (const gchar *value)
{
  if (g_ascii_strncasecmp (value, "Bearer ", 7) == 0)
    return g_strdup (value + 7);
  return g_ascii_strncasecmp (value, "Basic ", 6) == 0 ? read_basic (value + 6)
                                                       : NULL;
}

/* @token: a token or an access code. */
static SyrinxGrant *
check_token (SyrinxGateway *self, const gchar *token, GError **error)
{
  g_autofree gchar *meant = NULL;

  if (!syrinx_access_code_is_valid (token))
    return syrinx_verifier_check (self->parts->verifier, token, error);
  meant = syrinx_access_code_lookup (self->config->state_dir, token, error);
  return meant ? syrinx_verifier_check (self->parts->verifier, meant, error)
               : NULL;
}

/* Any failure is UNAUTHENTICATED: the client needs another token. */
static SyrinxGrant *
open_token (SyrinxGateway *self, const gchar *token, GError **error)
{
  g_autoptr (GError) cause = NULL;
  SyrinxGrant *grant = check_token (self, token, &cause);

  if (!grant)
    g_set_error_literal (
        error, SYRINX_ERROR, SYRINX_ERROR_UNAUTHENTICATED, cause->message);
  return grant;
}

static gboolean
take_of_subject (
    SyrinxGateway *self, SyrinxGrant *grant, gint64 *retry_us, GError **error)
{
  guint rate = self->config->requests_per_second_per_subject;

  *retry_us = syrinx_rate_limit_take (self->subjects,
      syrinx_grant_get_subject (grant), rate, rate * SYRINX_BURST_SECONDS,
      g_get_monotonic_time ());
  if (*retry_us)
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_TOO_MANY,
        "too many requests with tokens of this subject; wait a little");
  return *retry_us == 0;
}

/* Why @grant is refused although its token is valid. (nullable) */
static const gchar *
find_fault (SyrinxGateway *self, SyrinxGrant *grant, gboolean in_address,
    gint64 *retry_us, GError **error)
{
  if (!take_of_subject (self, grant, retry_us, error))
    return "too-often";
  if (!in_address || !syrinx_grant_has_scope (grant, SYRINX_SCOPE_ADMIN))
    return NULL;
  g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_DENIED,
      "a token with scope admin does not belong in a URL");
  return "admin-in-address";
}

SyrinxGrant *
syrinx_gateway_authenticate (SyrinxGateway *self,
    const SyrinxCredentials *credentials, gint64 *retry_us, GError **error)
{
  g_autofree gchar *sent = credentials->authorization
                               ? read_authorization (credentials->authorization)
                               : NULL;
  const gchar *token = sent ? sent : credentials->query;
  g_autoptr (SyrinxGrant) grant = NULL;
  const gchar *reason;

  *retry_us = 0;
  if (!token)
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_UNAUTHENTICATED,
        "this needs a token: send Authorization: Bearer TOKEN");
  else
    grant = open_token (self, token, error);
  reason = !token   ? "no-token"
           : !grant ? "bad-token"
                    : find_fault (self, grant, token == credentials->query,
                        retry_us, error);
  if (!reason)
    return g_steal_pointer (&grant);
  syrinx_gateway_note_refused (self, reason, NULL, grant, NULL);
  return NULL;
}

SyrinxGrant *
syrinx_gateway_get_operator (SyrinxGateway *self)
{
  return self->operators;
}

/* --- Parts --- */

/* The array "keys" of a JWK Set. (nullable) */
static JsonArray *
get_keys (JsonNode *set)
{
  JsonNode *keys
      = set && JSON_NODE_HOLDS_OBJECT (set)
            ? json_object_get_member (json_node_get_object (set), "keys")
            : NULL;

  return keys && JSON_NODE_HOLDS_ARRAY (keys) ? json_node_get_array (keys)
                                              : NULL;
}

/* Joins @own with the JWK Set in the file @path (nullable). (transfer full) */
static gchar *
join_jwks (const gchar *own, const gchar *path, GError **error)
{
  g_autofree gchar *foreign = NULL;
  g_autoptr (JsonNode) root = NULL, other = NULL;
  JsonArray *keys, *more;

  if (!path)
    return g_strdup (own);
  if (!g_file_get_contents (path, &foreign, NULL, error)) {
    g_prefix_error (error, "jwks: ");
    return NULL;
  }
  root = json_from_string (own, NULL);
  other = json_from_string (foreign, NULL);
  keys = get_keys (root);
  more = get_keys (other);
  if (!more) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "jwks: %s is no JWK Set", path);
    return NULL;
  }
  for (guint i = 0; i < json_array_get_length (more); i++)
    json_array_add_element (
        keys, json_node_copy (json_array_get_element (more, i)));
  return json_to_string (root, FALSE);
}

static SyrinxVerifier *
make_verifier (
    const SyrinxConfig *config, const gchar *own_jwks, GError **error)
{
  g_autofree gchar *jwks = join_jwks (own_jwks, config->jwks, error);
  const SyrinxTokenPolicy policy = { .audience = config->audience,
    .issuer = config->issuer,
    .leeway_s = config->clock_leeway_s };

  return jwks ? syrinx_verifier_new (jwks, &policy, error) : NULL;
}

static SyrinxGeography *
make_geography (const SyrinxConfig *config, GError **error)
{
  const SyrinxGeographySettings settings = { .regions = config->regions,
    .default_region = config->region,
    .proxies = (const gchar *const *)config->trusted_proxies,
    .database = config->geo_database };

  return syrinx_geography_new (&settings, error);
}

SyrinxGatewayParts *
syrinx_gateway_prepare (
    const SyrinxConfig *config, const gchar *own_jwks, GError **error)
{
  g_autoptr (SyrinxGatewayParts) parts = g_new0 (SyrinxGatewayParts, 1);

  parts->verifier = make_verifier (config, own_jwks, error);
  if (!parts->verifier)
    return NULL;
  parts->geography = make_geography (config, error);
  return parts->geography ? g_steal_pointer (&parts) : NULL;
}

void
syrinx_gateway_parts_free (SyrinxGatewayParts *parts)
{
  g_clear_pointer (&parts->verifier, syrinx_verifier_unref);
  g_clear_pointer (&parts->geography, syrinx_geography_free);
  g_free (parts);
}

void
syrinx_gateway_adopt (SyrinxGateway *self, SyrinxGatewayParts *parts)
{
  g_clear_pointer (&self->parts, syrinx_gateway_parts_free);
  self->parts = parts;
}

/* --- Life --- */

SyrinxGateway *
syrinx_gateway_new (const SyrinxConfig *config, SyrinxJournal *journal,
    const gchar *own_jwks, GError **error)
{
  SyrinxGatewayParts *parts = syrinx_gateway_prepare (config, own_jwks, error);
  SyrinxGateway *self;

  if (!parts)
    return NULL;
  self = g_new0 (SyrinxGateway, 1);
  self->config = config;
  self->journal = journal;
  self->parts = parts;
  self->addresses = syrinx_rate_limit_new (MAX_ADDRESSES);
  self->subjects = syrinx_rate_limit_new (MAX_SUBJECTS);
  /* Valid times such that no revocation of a subject of that name applies to
   * it. */
  self->operators = syrinx_grant_new ("operator", NULL,
      SYRINX_SCOPE_LISTEN | SYRINX_SCOPE_ORIGINAL | SYRINX_SCOPE_ADMIN, NULL,
      NULL, G_MAXINT64, G_MAXINT64);
  return self;
}

void
syrinx_gateway_free (SyrinxGateway *self)
{
  syrinx_gateway_parts_free (self->parts);
  syrinx_rate_limit_free (self->addresses);
  syrinx_rate_limit_free (self->subjects);
  syrinx_grant_unref (self->operators);
  g_free (self);
}
