/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RTSP: what a URL names, and who may have it.
 *
 * /sessions/ID/CAPABILITY needs nothing else. /tracks/ID needs a token: as
 * ?token=, as Bearer, or a short access code as the password of Basic; it makes
 * a session for the connection, whose own URL everything after DESCRIBE uses.
 */
#include "rtsp-private.h"

#include "core/base/error.h"
#include "core/base/identifier.h"

#include <string.h>

#define MAX_BASIC_BYTES 512

void
rtsp_target_clear (RtspTarget *target)
{
  g_free (target->base);
}

static GstRTSPStatusCode
status_of (const GError *error)
{
  static const GstRTSPStatusCode statuses[] = {
    [SYRINX_ERROR_NOT_FOUND] = GST_RTSP_STS_NOT_FOUND,
    [SYRINX_ERROR_UNAUTHENTICATED] = GST_RTSP_STS_UNAUTHORIZED,
    [SYRINX_ERROR_EXPIRED] = GST_RTSP_STS_GONE,
    [SYRINX_ERROR_DENIED] = GST_RTSP_STS_FORBIDDEN,
    [SYRINX_ERROR_OVERLOADED] = GST_RTSP_STS_NOT_ENOUGH_BANDWIDTH,
    [SYRINX_ERROR_UNSUPPORTED] = GST_RTSP_STS_UNSUPPORTED_MEDIA_TYPE,
  };
  GstRTSPStatusCode status
      = error->domain == SYRINX_ERROR
                && error->code < (gint)G_N_ELEMENTS (statuses)
            ? statuses[error->code]
            : 0;

  if (status)
    return status;
  g_warning ("an RTSP request failed: %s", error->message);
  return GST_RTSP_STS_INTERNAL_SERVER_ERROR;
}

/* --- Tokens --- */

/* "Basic BASE64" of "NAME:CODE" → CODE, whatever the name. (transfer full)
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

/* The token of Authorization or of the query. (transfer full) (nullable) */
static gchar *
find_token (const GstRTSPMessage *request, GUri *uri, gboolean *is_in_url)
{
  const gchar *header = rtsp_header (request, GST_RTSP_HDR_AUTHORIZATION);
  const gchar *query = g_uri_get_query (uri);
  g_autoptr (GHashTable) values = NULL;

  *is_in_url = FALSE;
  if (header && g_ascii_strncasecmp (header, "Bearer ", 7) == 0)
    return g_strdup (header + 7);
  if (header && g_ascii_strncasecmp (header, "Basic ", 6) == 0)
    return read_basic (header + 6);
  values
      = query ? g_uri_parse_params (query, -1, "&", G_URI_PARAMS_WWW_FORM, NULL)
              : NULL;
  *is_in_url = TRUE;
  return values ? g_strdup (g_hash_table_lookup (values, "token")) : NULL;
}

/* NULL: *@status says why not. (transfer full) */
static SyrinxGrant *
check_token (RtspConnection *connection, const GstRTSPMessage *request,
    GUri *uri, GstRTSPStatusCode *status)
{
  gboolean is_in_url;
  g_autofree gchar *token = find_token (request, uri, &is_in_url);
  g_autoptr (GError) error = NULL;
  g_autoptr (SyrinxGrant) grant = NULL;

  *status = GST_RTSP_STS_UNAUTHORIZED;
  if (!token)
    return NULL;
  grant = syrinx_engine_check_token (connection->rtsp->engine, token, &error);
  if (!grant)
    return NULL;
  *status = GST_RTSP_STS_FORBIDDEN;
  if (!syrinx_grant_has_scope (grant, SYRINX_SCOPE_LISTEN)
      || (is_in_url && syrinx_grant_has_scope (grant, SYRINX_SCOPE_ADMIN)))
    return NULL;
  return g_steal_pointer (&grant);
}

/* --- Sessions --- */

/* Opus is all that we send as RTP. (transfer none) (nullable) */
static const gchar *
choose_rendition (SyrinxRtsp *rtsp, const gchar *wanted)
{
  gchar **names = syrinx_engine_get_config (rtsp->engine)->renditions;

  if (wanted && g_str_has_prefix (wanted, "opus-"))
    return wanted;
  for (guint i = 0; names[i]; i++)
    if (g_str_has_prefix (names[i], "opus-"))
      return names[i];
  return NULL;
}

/* There is no waiting here: players ask again. */
static gboolean
is_room (SyrinxRtsp *rtsp, const SyrinxPlace *place, const gchar *rendition)
{
  const SyrinxAdmissionRequest asked = { .region = place->region,
    .weight = place->weight,
    .rtt_ms = place->rtt_ms,
    .kbps = syrinx_admission_kbps_of (rendition) };

  return syrinx_admission_try (syrinx_engine_get_admission (rtsp->engine),
      &asked, g_get_monotonic_time ());
}

static SyrinxSession *
begin_session (RtspConnection *connection, SyrinxGrant *grant,
    const gchar *track_id, GError **error)
{
  SyrinxRtsp *rtsp = connection->rtsp;
  const SyrinxClues clues = { .token_region = syrinx_grant_get_region (grant),
    .token_rtt_ms = syrinx_grant_get_rtt_ms (grant),
    .peer = connection->host };
  SyrinxSessionRequest wanted = { .grant = grant,
    .track_id = track_id,
    .rendition = choose_rendition (rtsp, NULL),
    .encryption = SYRINX_ENCRYPTION_NONE };
  SyrinxPlace place;

  if (!wanted.rendition) {
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_UNSUPPORTED,
        "no Opus rendition is offered");
    return NULL;
  }
  syrinx_geography_locate (
      syrinx_engine_get_geography (rtsp->engine), &clues, &place);
  wanted.region = place.region;
  wanted.rtt_ms = place.rtt_ms;
  wanted.client = place.client;
  if (!is_room (rtsp, &place, wanted.rendition)) {
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_OVERLOADED,
        "there is no room for another session");
    return NULL;
  }
  g_clear_pointer (&connection->own_capability, g_free);
  return syrinx_sessions_create (syrinx_engine_get_sessions (rtsp->engine),
      &wanted, &connection->own_capability, error);
}

/* The one that was made for this connection, if it is of this track. */
static GstRTSPStatusCode
open_track (RtspConnection *connection, const GstRTSPMessage *request,
    GUri *uri, const gchar *track_id, SyrinxSession **session)
{
  GstRTSPStatusCode status;
  g_autoptr (SyrinxGrant) grant
      = check_token (connection, request, uri, &status);
  g_autoptr (GError) error = NULL;

  if (!grant)
    return status;
  if (!syrinx_id_is_valid (track_id))
    return GST_RTSP_STS_NOT_FOUND;
  if (!syrinx_grant_allows_track (grant, track_id))
    return GST_RTSP_STS_FORBIDDEN;
  if (connection->own
      && g_str_equal (
          syrinx_session_get_track_id (connection->own), track_id)) {
    *session = connection->own;
    return GST_RTSP_STS_OK;
  }
  rtsp_connection_forget_own (connection);
  *session = begin_session (connection, grant, track_id, &error);
  if (!*session)
    return status_of (error);
  connection->own = g_object_ref (*session);
  return GST_RTSP_STS_OK;
}

static GstRTSPStatusCode
open_session (RtspConnection *connection, const gchar *id,
    const gchar *capability, SyrinxSession **session)
{
  g_autoptr (GError) error = NULL;

  *session = syrinx_sessions_check (
      syrinx_engine_get_sessions (connection->rtsp->engine), id, capability,
      &error);
  if (!*session)
    return status_of (error);
  return syrinx_session_get_encryption (*session) == SYRINX_ENCRYPTION_ECE
             ? GST_RTSP_STS_FORBIDDEN
             : GST_RTSP_STS_OK;
}

/* --- URLs --- */

/* As the client reached us. */
static gchar *
make_base (GUri *uri, const gchar *id, const gchar *capability)
{
  const gchar *host = g_uri_get_host (uri);
  gint port = g_uri_get_port (uri);
  gboolean is_v6 = strchr (host, ':') != NULL;
  g_autofree gchar *with_port
      = port > 0 ? g_strdup_printf (":%d", port) : g_strdup ("");

  return g_strdup_printf ("%s://%s%s%s%s/sessions/%s/%s",
      g_uri_get_scheme (uri), is_v6 ? "[" : "", host, is_v6 ? "]" : "",
      with_port, id, capability);
}

static GUri *
parse_url (const GstRTSPMessage *request)
{
  const gchar *text = request->type_data.request.uri;
  g_autoptr (GUri) uri = g_uri_parse (
      text, G_URI_FLAGS_ENCODED | G_URI_FLAGS_PARSE_RELAXED, NULL);

  return uri && g_uri_get_host (uri) && *g_uri_get_host (uri)
                 && (g_str_equal (g_uri_get_scheme (uri), "rtsp")
                     || g_str_equal (g_uri_get_scheme (uri), "rtsps"))
             ? g_steal_pointer (&uri)
             : NULL;
}

/* "?srtp=sdes": how the key is to be told, for who asks by the whole's URL. */
static gboolean
read_keys (const RtspConnection *connection, GUri *uri, RtspKeys *keys)
{
  const gchar *query = g_uri_get_query (uri);
  g_auto (GStrv) parts = query ? g_strsplit (query, "&", 16) : NULL;

  *keys = connection->rtsp->is_savp_only ? RTSP_KEYS_ANY : RTSP_KEYS_NONE;
  for (guint i = 0; parts && parts[i]; i++)
    if (g_str_has_prefix (parts[i], "srtp"))
      return rtsp_keys_parse (parts[i], keys);
  return TRUE;
}

static GstRTSPStatusCode
open_rendition (RtspConnection *connection, RtspTarget *target)
{
  g_autofree gchar *own = NULL;
  g_autoptr (GError) error = NULL;
  const gchar *name;

  g_object_get (target->session, "rendition", &own, NULL);
  name = choose_rendition (connection->rtsp, own);
  if (!name)
    return GST_RTSP_STS_UNSUPPORTED_MEDIA_TYPE;
  target->rendition = syrinx_session_open (target->session, name, &error);
  return target->rendition ? GST_RTSP_STS_OK : status_of (error);
}

GstRTSPStatusCode
rtsp_access (RtspConnection *connection, const GstRTSPMessage *request,
    RtspTarget *target)
{
  g_autoptr (GUri) uri = parse_url (request);
  g_auto (GStrv) parts = uri ? g_strsplit (g_uri_get_path (uri), "/", 6) : NULL;
  guint n = parts ? g_strv_length (parts) : 0;
  GstRTSPStatusCode status = GST_RTSP_STS_NOT_FOUND;
  const gchar *capability = NULL;

  if (!uri)
    return GST_RTSP_STS_BAD_REQUEST;
  if (n > 1 && !*parts[n - 1]) /* "…/" */
    n--;
  if (!read_keys (connection, uri, &target->keys))
    return GST_RTSP_STS_BAD_REQUEST;
  if (n > 1 && rtsp_keys_parse (parts[n - 1], &target->keys)) {
    target->is_stream = TRUE;
    n--;
  }
  if (n == 4 && g_str_equal (parts[1], "sessions")) {
    capability = parts[3];
    status = open_session (connection, parts[2], capability, &target->session);
  } else if (n == 3 && g_str_equal (parts[1], "tracks")) {
    status = open_track (connection, request, uri, parts[2], &target->session);
    capability = connection->own_capability;
  }
  if (status != GST_RTSP_STS_OK)
    return status;
  target->base
      = make_base (uri, syrinx_session_get_id (target->session), capability);
  return open_rendition (connection, target);
}
