/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RTSP: which session a URL names, and whether the client may have it.
 *
 * /sessions/ID/CAPABILITY needs no token. /tracks/ID needs one: as ?token=, as
 * Bearer, or as a short access code in the password of Basic. It begins a
 * session for the connection; requests after DESCRIBE use that session's own
 * URL. */
#include "rtsp-private.h"

#include "core/base/error.h"
#include "core/base/identifier.h"

#include <string.h>

void
rtsp_target_clear (RtspTarget *target)
{
  g_free (target->base);
}

GstRTSPStatusCode
rtsp_status_of (const GError *error)
{
  static const GstRTSPStatusCode statuses[] = {
    [SYRINX_ERROR_NOT_FOUND] = GST_RTSP_STS_NOT_FOUND,
    [SYRINX_ERROR_UNAUTHENTICATED] = GST_RTSP_STS_UNAUTHORIZED,
    [SYRINX_ERROR_EXPIRED] = GST_RTSP_STS_GONE,
    [SYRINX_ERROR_DENIED] = GST_RTSP_STS_FORBIDDEN,
    [SYRINX_ERROR_OVERLOADED] = GST_RTSP_STS_NOT_ENOUGH_BANDWIDTH,
    [SYRINX_ERROR_UNSUPPORTED] = GST_RTSP_STS_UNSUPPORTED_MEDIA_TYPE,
    [SYRINX_ERROR_TOO_MANY] = GST_RTSP_STS_SERVICE_UNAVAILABLE,
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

/* The grant of the request's token. NULL: *@retry_us is set if the rate limit
 * refused it. (transfer full) */
static SyrinxGrant *
check_token (RtspConnection *connection, const GstRTSPMessage *request,
    GUri *uri, gint64 *retry_us, GError **error)
{
  const gchar *query = g_uri_get_query (uri);
  g_autoptr (GHashTable) values
      = query ? g_uri_parse_params (query, -1, "&", G_URI_PARAMS_WWW_FORM, NULL)
              : NULL;
  const SyrinxCredentials credentials
      = { .authorization = rtsp_header (request, GST_RTSP_HDR_AUTHORIZATION),
          .query = values ? g_hash_table_lookup (values, "token") : NULL };

  return syrinx_gateway_authenticate (
      syrinx_engine_get_gateway (connection->rtsp->engine), &credentials,
      retry_us, error);
}

/* --- Sessions --- */

/* The rendition, since only Opus is sent by RTP. (transfer none) (nullable) */
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

/* The desk's answer, which comes at once for RTSP. */
typedef struct
{
  RtspConnection *connection;
  gint64 retry_us;
  GError *error;
} Told;

/* The connection forgets a session that has ended, so that no SETUP finds
 * it. */
static void
own_ended (SyrinxSession *session, RtspConnection *connection)
{
  g_clear_signal_handler (&connection->own_ending, session);
  g_clear_object (&connection->own);
}

static void
session_told (const SyrinxDeskAnswer *answer, gpointer data)
{
  Told *told = data;
  RtspConnection *connection = told->connection;

  told->retry_us = answer->retry_us;
  told->error = answer->error ? g_error_copy (answer->error) : NULL;
  if (!answer->session)
    return;
  connection->own = g_object_ref (answer->session);
  connection->own_ending = g_signal_connect (
      connection->own, "ended", G_CALLBACK (own_ended), connection);
  g_free (connection->own_capability);
  connection->own_capability = g_strdup (answer->capability);
}

/* Begins a session that belongs to the connection. If there is no room the
 * request is refused (453) and does not wait: requests of a connection are
 * answered in order, so a waiting one would delay the keep-alives behind it,
 * and players give up waiting before they would have tried again. */
static gboolean
begin_session (RtspConnection *connection, SyrinxGrant *grant,
    const gchar *track_id, gint64 *retry_us, GError **error)
{
  SyrinxEngine *engine = connection->rtsp->engine;
  const SyrinxDeskRequest request = { .grant = grant,
    .track_id = track_id,
    .rendition = choose_rendition (connection->rtsp, NULL),
    .encryption = SYRINX_ENCRYPTION_NONE,
    .requester = { .address = connection->host },
    .may_wait = FALSE,
    .through = "rtsp" };
  Told told = { .connection = connection };

  if (!request.rendition) {
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_UNSUPPORTED,
        "no Opus rendition is offered");
    return FALSE;
  }
  syrinx_desk_begin (
      syrinx_engine_get_desk (engine), &request, session_told, &told);
  *retry_us = told.retry_us;
  if (told.error)
    g_propagate_error (error, told.error);
  return connection->own != NULL;
}

/* Renews the connection's own session by @grant. FALSE: it is of another track,
 * or @grant does not allow it. */
static gboolean
renew_own (
    RtspConnection *connection, SyrinxGrant *grant, const gchar *track_id)
{
  SyrinxSession *own = connection->own;

  return own && g_str_equal (syrinx_session_get_track_id (own), track_id)
         && syrinx_session_renew (own, grant, NULL);
}

static GstRTSPStatusCode
open_track (RtspConnection *connection, const GstRTSPMessage *request,
    GUri *uri, const gchar *track_id, RtspTarget *target)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SyrinxGrant) grant
      = check_token (connection, request, uri, &target->retry_us, &error);

  if (!grant)
    return rtsp_status_of (error);
  if (!syrinx_id_is_valid (track_id))
    return GST_RTSP_STS_NOT_FOUND;
  if (!renew_own (connection, grant, track_id)) {
    rtsp_connection_forget_own (connection);
    if (!begin_session (connection, grant, track_id, &target->retry_us, &error))
      return rtsp_status_of (error);
  }
  target->session = connection->own;
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
    return rtsp_status_of (error);
  return syrinx_session_get_encryption (*session) == SYRINX_ENCRYPTION_ECE
             ? GST_RTSP_STS_FORBIDDEN
             : GST_RTSP_STS_OK;
}

/* --- URLs --- */

/* The session's URL, by the host and port that the client used. */
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

/* "?srtp=sdes" chooses how the key is sent, for requests to the URL of the
 * whole presentation. */
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
  g_autoptr (GError) error = NULL;
  SyrinxSessionFacts facts;
  const gchar *name;

  syrinx_session_get_facts (target->session, &facts);
  name = choose_rendition (connection->rtsp, facts.rendition);
  if (!name)
    return GST_RTSP_STS_UNSUPPORTED_MEDIA_TYPE;
  target->rendition = syrinx_session_open (target->session, name, &error);
  return target->rendition ? GST_RTSP_STS_OK : rtsp_status_of (error);
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
  if (n > 1 && !*parts[n - 1]) /* "…/": a slash at the end */
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
    status = open_track (connection, request, uri, parts[2], target);
    capability = connection->own_capability;
  }
  if (status != GST_RTSP_STS_OK)
    return status;
  target->base
      = make_base (uri, syrinx_session_get_id (target->session), capability);
  return open_rendition (connection, target);
}
