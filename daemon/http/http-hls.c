/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP: a session as HLS (RFC 8216). The init section is not encrypted and
 * precedes EXT-X-KEY: that is the order that ffmpeg, mpv and hls.js play. */
#include "daemon/sessions/fragment-wait.h"
#include "daemon/sessions/session-keys.h"
#include "handlers.h"
#include "http-answer.h"

#include "core/crypto/ece.h"
#include "core/base/error.h"
#include "core/base/identifier.h"

#include <string.h>

#define PLAYLIST_TYPE   "application/vnd.apple.mpegurl"
#define ECE_RECORD_SIZE 16384

SyrinxSession *
http_check_session (HttpExchange *exchange)
{
  g_autoptr (GError) error = NULL;
  SyrinxSession *session;

  if (!http_check_id (exchange, http_exchange_get_arg (exchange, 0))
      || !http_check_id (exchange, http_exchange_get_arg (exchange, 1)))
    return NULL;
  session = syrinx_sessions_check (
      syrinx_engine_get_sessions (http_exchange_get_engine (exchange)),
      http_exchange_get_arg (exchange, 0), http_exchange_get_arg (exchange, 1),
      &error);
  if (!session)
    http_exchange_answer_error (exchange, error);
  return session;
}

/* The rendition that args[2] names, if it is offered. NULL: answered. */
static SyrinxRendition *
check_rendition (HttpExchange *exchange, SyrinxSession *session)
{
  SyrinxConfig *config
      = syrinx_engine_get_config (http_exchange_get_engine (exchange));
  g_autoptr (GError) error = NULL;
  SyrinxRendition *rendition = NULL;

  if (g_strv_contains ((const gchar *const *)config->renditions,
          http_exchange_get_arg (exchange, 2)))
    rendition = syrinx_session_open (
        session, http_exchange_get_arg (exchange, 2), &error);
  if (rendition)
    return rendition;
  if (error)
    http_exchange_answer_error (exchange, error);
  else
    http_exchange_answer_problem (
        exchange, 404, NULL, "there is no such rendition");
  return NULL;
}

/* Playlists exist for hls-aes128 and for clear fragments, not for ece. FALSE:
 * answered. */
static gboolean
check_playable (HttpExchange *exchange, SyrinxSession *session)
{
  if (syrinx_session_get_encryption (session) != SYRINX_ENCRYPTION_ECE)
    return TRUE;
  http_exchange_answer_problem (exchange, 404, NULL,
      "an ece session has fragments and a stream, and no playlist");
  return FALSE;
}

static void
answer_playlist (HttpExchange *exchange, GString *text)
{
  g_autoptr (GBytes) bytes = g_string_free_to_bytes (text);

  http_exchange_answer (exchange, 200, PLAYLIST_TYPE, "no-store", bytes);
}

void
http_hls_master (HttpExchange *exchange)
{
  SyrinxSession *session = http_check_session (exchange);
  gchar **names = syrinx_engine_get_config (http_exchange_get_engine (exchange))
                      ->renditions;
  GString *text;

  if (!session || !check_playable (exchange, session))
    return;
  text = g_string_new ("#EXTM3U\n#EXT-X-VERSION:7\n"
                       "#EXT-X-INDEPENDENT-SEGMENTS\n");
  for (guint i = 0; names[i]; i++) {
    g_autoptr (GError) error = NULL;
    SyrinxRendition *rendition
        = syrinx_session_open (session, names[i], &error);
    const SyrinxRenditionRow *row;
    if (!rendition) {
      g_info ("rendition %s is not listed: %s", names[i], error->message);
      continue;
    }
    row = syrinx_rendition_get_row (rendition);
    /* The codec's rate plus a quarter for the container and peaks. */
    g_string_append_printf (text,
        "#EXT-X-STREAM-INF:BANDWIDTH=%u,AVERAGE-BANDWIDTH=%u,"
        "CODECS=\"%s\"\n%s/index.m3u8\n",
        row->bitrate_bps + row->bitrate_bps / 4, row->bitrate_bps, row->codecs,
        names[i]);
  }
  answer_playlist (exchange, text);
}

static gdouble
duration_of (const SyrinxRenditionRow *row, guint number)
{
  guint64 start = (guint64)number * row->fragment_units;
  guint64 units = MIN (row->fragment_units, row->n_units - start);

  return (gdouble)(number ? units : units - MIN (units, row->pre_skip))
         / row->timescale;
}

void
http_hls_index (HttpExchange *exchange)
{
  SyrinxSession *session = http_check_session (exchange);
  SyrinxRendition *rendition
      = session ? check_rendition (exchange, session) : NULL;
  const SyrinxRenditionRow *row;
  GString *text;

  if (!rendition || !check_playable (exchange, session))
    return;
  row = syrinx_rendition_get_row (rendition);
  text = g_string_sized_new (256 + 32 * row->n_fragments);
  g_string_append_printf (text,
      "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:%u\n"
      "#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n"
      "#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"init.mp4\"\n",
      (row->fragment_units + row->timescale - 1) / row->timescale);
  if (syrinx_session_get_encryption (session) == SYRINX_ENCRYPTION_HLS_AES128)
    g_string_append_printf (
        text, "#EXT-X-KEY:METHOD=AES-128,URI=\"%u/key\"\n", row->epoch);
  for (guint i = 0; i < row->n_fragments; i++) {
    gchar seconds[G_ASCII_DTOSTR_BUF_SIZE];
    g_ascii_formatd (seconds, sizeof seconds, "%.6f", duration_of (row, i));
    g_string_append_printf (text, "#EXTINF:%s,\n%u.m4s\n", seconds, i);
  }
  g_string_append (text, "#EXT-X-ENDLIST\n");
  answer_playlist (exchange, text);
}

/* @rendition (nullable): NULL for the session's own key. */
static void
answer_key (
    HttpExchange *exchange, SyrinxSession *session, SyrinxRendition *rendition)
{
  GBytes *key = rendition ? syrinx_rendition_get_key (rendition)
                          : syrinx_session_get_key (session);

  if (syrinx_session_has_wrapped_keys (session)) {
    http_exchange_answer_problem (exchange, 403, NULL,
        "this session's keys were given wrapped for its public key");
    return;
  }
  if (!http_exchange_is_head (exchange))
    syrinx_session_note_key (session, rendition, "raw",
        http_exchange_get_client (exchange),
        syrinx_engine_get_journal (http_exchange_get_engine (exchange)));
  http_exchange_answer (
      exchange, 200, "application/octet-stream", "no-store", key);
}

void
http_hls_key (HttpExchange *exchange)
{
  SyrinxSession *session = http_check_session (exchange);
  SyrinxRendition *rendition
      = session ? check_rendition (exchange, session) : NULL;
  guint64 epoch = 0;

  if (!rendition)
    return;
  if (!g_ascii_string_to_unsigned (
          http_exchange_get_arg (exchange, 3), 10, 1, G_MAXUINT, &epoch, NULL)
      || epoch != syrinx_rendition_get_row (rendition)->epoch
      || syrinx_session_get_encryption (session)
             != SYRINX_ENCRYPTION_HLS_AES128)
    http_exchange_answer_problem (exchange, 404, NULL, "there is no such key");
  else
    answer_key (exchange, session, rendition);
}

/* The own key of an ece session. */
void
http_session_key (HttpExchange *exchange)
{
  SyrinxSession *session = http_check_session (exchange);

  if (!session)
    return;
  if (syrinx_session_get_encryption (session) == SYRINX_ENCRYPTION_ECE)
    answer_key (exchange, session, NULL);
  else
    http_exchange_answer_problem (
        exchange, 404, NULL, "this session has no key of its own");
}

/* --- Fragments: sent now, or when they are available --- */

typedef struct
{
  SyrinxSession *session;
  SyrinxFragmentWait *wait; /* NULL: the wait has ended */
  HttpExchange *exchange;
} Pending;

/* Encrypts @bytes as one message under the session's key, with a random
 * salt. */
static void
answer_encrypted (HttpExchange *exchange, SyrinxSession *session, GBytes *bytes)
{
  gsize size_bytes;
  gconstpointer data = g_bytes_get_data (bytes, &size_bytes);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) encrypted = syrinx_ece_encrypt (
      syrinx_session_get_key (session), NULL, syrinx_session_get_id (session),
      ECE_RECORD_SIZE, data, size_bytes, &error);

  if (!encrypted) {
    http_exchange_answer_error (exchange, error);
    return;
  }
  http_exchange_refuse_ranges (exchange);
  http_exchange_set_header (exchange, "Content-Encoding", "aes128gcm");
  http_exchange_answer (
      exchange, 200, HTTP_FRAGMENT_TYPE, "no-store", encrypted);
}

static void
answer_fragment (HttpExchange *exchange, SyrinxSession *session, GBytes *bytes)
{
  syrinx_session_count (session, g_bytes_get_size (bytes));
  if (syrinx_session_get_encryption (session) == SYRINX_ENCRYPTION_ECE)
    answer_encrypted (exchange, session, bytes);
  else
    http_exchange_answer (
        exchange, 200, HTTP_FRAGMENT_TYPE, HTTP_FRAGMENT_CACHE_CONTROL, bytes);
}

static void
pending_free (Pending *pending)
{
  g_clear_pointer (&pending->wait, syrinx_fragment_wait_cancel);
  g_object_unref (pending->session);
  g_free (pending);
}

static void
fragment_came (GBytes *bytes, const GError *error, gpointer data)
{
  Pending *pending = data;

  pending->wait = NULL;
  if (bytes)
    answer_fragment (pending->exchange, pending->session, bytes);
  else
    http_exchange_answer_error (pending->exchange, error);
  pending_free (pending);
}

static void
client_left (HttpExchange *exchange, gpointer data)
{
  pending_free (data);
}

/* "init.mp4" or "N.m4s" */
static gboolean
parse_segment (const gchar *name, gint *number)
{
  g_autofree gchar *digits = NULL;
  guint64 value;

  *number = SYRINX_FRAGMENT_HEADER;
  if (g_str_equal (name, "init.mp4"))
    return TRUE;
  if (!g_str_has_suffix (name, ".m4s"))
    return FALSE;
  digits = g_strndup (name, strlen (name) - 4);
  if (!g_ascii_string_to_unsigned (digits, 10, 0, G_MAXINT / 2, &value, NULL))
    return FALSE;
  *number = value;
  return TRUE;
}

void
http_hls_segment (HttpExchange *exchange)
{
  SyrinxSession *session = http_check_session (exchange);
  SyrinxRendition *rendition
      = session ? check_rendition (exchange, session) : NULL;
  SyrinxTurns *turns
      = syrinx_engine_get_turns (http_exchange_get_engine (exchange));
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  Pending *pending;
  gint number;

  if (!rendition)
    return;
  if (!parse_segment (http_exchange_get_arg (exchange, 3), &number)) {
    http_exchange_answer_problem (
        exchange, 404, NULL, "there is no such segment");
    return;
  }
  pending = g_new0 (Pending, 1);
  pending->exchange = exchange;
  pending->session = g_object_ref (session);
  pending->wait = syrinx_fragment_get (
      &(SyrinxFragmentRequest){ http_exchange_is_head (exchange) ? NULL : turns,
          session, rendition, number },
      &bytes, fragment_came, pending, &error);
  if (pending->wait) {
    http_exchange_defer (exchange, client_left, pending);
    return;
  }
  if (error)
    http_exchange_answer_error (exchange, error);
  else
    answer_fragment (exchange, session, bytes);
  pending_free (pending);
}

/* --- The list of fragments --- */

static void
describe_fragments (JsonBuilder *json, const SyrinxRenditionRow *row)
{
  g_autofree gchar *init = g_strdup_printf ("%s/init.mp4", row->name);

  json_builder_begin_object (json);
  json_builder_set_member_name (json, "rendition");
  json_builder_add_string_value (json, row->name);
  json_builder_set_member_name (json, "mime_type");
  json_builder_add_string_value (json, "audio/mp4");
  json_builder_set_member_name (json, "codecs");
  json_builder_add_string_value (json, row->codecs);
  json_builder_set_member_name (json, "bitrate_bps");
  json_builder_add_int_value (json, row->bitrate_bps);
  json_builder_set_member_name (json, "init_url");
  json_builder_add_string_value (json, init);
  json_builder_set_member_name (json, "fragments");
  json_builder_begin_array (json);
  for (guint i = 0; i < row->n_fragments; i++) {
    g_autofree gchar *name = g_strdup_printf ("%s/%u.m4s", row->name, i);
    json_builder_begin_object (json);
    json_builder_set_member_name (json, "url");
    json_builder_add_string_value (json, name);
    json_builder_set_member_name (json, "duration_s");
    json_builder_add_double_value (json, duration_of (row, i));
    json_builder_end_object (json);
  }
  json_builder_end_array (json);
  json_builder_end_object (json);
}

/* For clients that fetch fragments without a playlist. URLs are relative to the
 * URL of this list. */
void
http_fragments (HttpExchange *exchange)
{
  SyrinxSession *session = http_check_session (exchange);
  gchar **names = syrinx_engine_get_config (http_exchange_get_engine (exchange))
                      ->renditions;
  g_autoptr (JsonBuilder) json = NULL;

  if (!session)
    return;
  json = json_builder_new ();
  json_builder_begin_object (json);
  json_builder_set_member_name (json, "encryption");
  json_builder_add_string_value (json,
      syrinx_encryption_to_string (syrinx_session_get_encryption (session)));
  json_builder_set_member_name (json, "renditions");
  json_builder_begin_array (json);
  for (guint i = 0; names[i]; i++) {
    SyrinxRendition *rendition = syrinx_session_open (session, names[i], NULL);
    if (rendition)
      describe_fragments (json, syrinx_rendition_get_row (rendition));
  }
  json_builder_end_array (json);
  json_builder_end_object (json);
  http_exchange_answer_json (exchange, 200, json);
}

/* --- Fragments without an exchange --- */

/* Splits the part of @path behind "/v1/sessions/" into its segments. */
static gboolean
split_path (gchar *path, gchar *parts[HTTP_MAX_ARGS])
{
  static const gchar prefix[] = "/v1/sessions/";

  if (!g_str_has_prefix (path, prefix))
    return FALSE;
  path += strlen (prefix);
  for (guint i = 0; i < HTTP_MAX_ARGS; i++) {
    parts[i] = path;
    path = strchr (path, '/');
    if (path)
      *path++ = 0;
    if (!path != (i == HTTP_MAX_ARGS - 1))
      return FALSE;
  }
  return TRUE;
}

SyrinxSession *
http_hls_find (SyrinxEngine *engine, gchar *path, SyrinxRendition **rendition,
    gint *number)
{
  SyrinxConfig *config = syrinx_engine_get_config (engine);
  gchar *parts[HTTP_MAX_ARGS];
  SyrinxSession *session;

  if (!split_path (path, parts) || !parse_segment (parts[3], number)
      || !g_strv_contains ((const gchar *const *)config->renditions, parts[2])
      || !syrinx_id_is_valid (parts[0]) || !syrinx_id_is_valid (parts[1]))
    return NULL;
  session = syrinx_sessions_check (
      syrinx_engine_get_sessions (engine), parts[0], parts[1], NULL);
  if (!session
      || syrinx_session_get_encryption (session) == SYRINX_ENCRYPTION_ECE)
    return NULL;
  *rendition = syrinx_session_open (session, parts[2], NULL);
  return *rendition ? session : NULL;
}
