/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP: a session as HLS (RFC 8216). The init section is clear and stands
 * before the key: that is what ffmpeg, mpv and hls.js play. */
#include "http-request.h"

#include "core/error.h"
#include "core/identifier.h"

#include <string.h>

#define PLAYLIST_TYPE       "application/vnd.apple.mpegurl"
#define WAIT_FOR_FRAGMENT_S 20

/* The session, if the capability in the path is its own. NULL: answered. */
static SyrinxListener *
check_session (HttpRequest *request)
{
  g_autoptr (GError) error = NULL;
  SyrinxListener *listener;

  if (!http_check_id (request, request->args[0])
      || !http_check_id (request, request->args[1]))
    return NULL;
  listener
      = syrinx_sessions_check (syrinx_engine_get_sessions (request->engine),
          request->args[0], request->args[1], &error);
  if (!listener)
    http_problem_error (request->message, error);
  return listener;
}

/* The rendition that args[2] names, if it is offered. NULL: answered. */
static SyrinxRendition *
check_rendition (HttpRequest *request, SyrinxListener *listener)
{
  SyrinxConfig *config = syrinx_engine_get_config (request->engine);
  g_autoptr (GError) error = NULL;
  SyrinxRendition *rendition = NULL;

  if (g_strv_contains (
          (const gchar *const *)config->renditions, request->args[2]))
    rendition = syrinx_listener_open (listener, request->args[2], &error);
  if (rendition)
    return rendition;
  if (error)
    http_problem_error (request->message, error);
  else
    http_problem (request->message, 404, NULL, "there is no such rendition");
  return NULL;
}

static void
answer_playlist (HttpRequest *request, GString *text)
{
  g_autoptr (GBytes) bytes = g_string_free_to_bytes (text);

  http_bytes (request->message, PLAYLIST_TYPE, "no-store", bytes);
}

void
http_hls_master (HttpRequest *request)
{
  SyrinxListener *listener = check_session (request);
  gchar **names = syrinx_engine_get_config (request->engine)->renditions;
  GString *text;

  if (!listener)
    return;
  text = g_string_new ("#EXTM3U\n#EXT-X-VERSION:7\n"
                       "#EXT-X-INDEPENDENT-SEGMENTS\n");
  for (guint i = 0; names[i]; i++) {
    g_autoptr (GError) error = NULL;
    SyrinxRendition *rendition
        = syrinx_listener_open (listener, names[i], &error);
    const SyrinxRenditionRow *row;
    if (!rendition) {
      g_info ("rendition %s is left out: %s", names[i], error->message);
      continue;
    }
    row = syrinx_rendition_get_row (rendition);
    /* Container and peaks on top of the codec's rate. */
    g_string_append_printf (text,
        "#EXT-X-STREAM-INF:BANDWIDTH=%u,AVERAGE-BANDWIDTH=%u,"
        "CODECS=\"%s\"\n%s/index.m3u8\n",
        row->bitrate_bps + row->bitrate_bps / 4, row->bitrate_bps, row->codecs,
        names[i]);
  }
  answer_playlist (request, text);
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
http_hls_index (HttpRequest *request)
{
  SyrinxListener *listener = check_session (request);
  SyrinxRendition *rendition
      = listener ? check_rendition (request, listener) : NULL;
  const SyrinxRenditionRow *row;
  GString *text;

  if (!rendition)
    return;
  row = syrinx_rendition_get_row (rendition);
  text = g_string_sized_new (256 + 32 * row->n_fragments);
  g_string_append_printf (text,
      "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:%u\n"
      "#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n"
      "#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"init.mp4\"\n",
      (row->fragment_units + row->timescale - 1) / row->timescale);
  if (syrinx_listener_get_encryption (listener) == SYRINX_ENCRYPTION_HLS_AES128)
    g_string_append_printf (
        text, "#EXT-X-KEY:METHOD=AES-128,URI=\"%u/key\"\n", row->epoch);
  for (guint i = 0; i < row->n_fragments; i++) {
    gchar seconds[G_ASCII_DTOSTR_BUF_SIZE];
    g_ascii_formatd (seconds, sizeof seconds, "%.6f", duration_of (row, i));
    g_string_append_printf (text, "#EXTINF:%s,\n%u.m4s\n", seconds, i);
  }
  g_string_append (text, "#EXT-X-ENDLIST\n");
  answer_playlist (request, text);
}

void
http_hls_key (HttpRequest *request)
{
  SyrinxListener *listener = check_session (request);
  SyrinxRendition *rendition
      = listener ? check_rendition (request, listener) : NULL;
  guint64 epoch = 0;

  if (!rendition)
    return;
  if (!g_ascii_string_to_unsigned (
          request->args[3], 10, 1, G_MAXUINT, &epoch, NULL)
      || epoch != syrinx_rendition_get_row (rendition)->epoch
      || syrinx_listener_get_encryption (listener)
             != SYRINX_ENCRYPTION_HLS_AES128) {
    http_problem (request->message, 404, NULL, "there is no such key");
    return;
  }
  http_bytes (request->message, "application/octet-stream", "no-store",
      syrinx_rendition_get_key (rendition));
}

/* --- Fragments: here now, or answered when they have come --- */

typedef struct
{
  SyrinxListener *listener;
  SyrinxRendition *rendition;
  SoupServerMessage *message; /* until it is finished */
  gint number;
  guint timeout;
} Pending;

static gboolean answer_pending (Pending *pending);

static void
pending_clear (gpointer data)
{
  Pending *pending = data;

  g_object_unref (pending->listener);
  syrinx_rendition_unref (pending->rendition);
}

static void
pending_unref (gpointer data)
{
  g_rc_box_release_full (data, pending_clear);
}

static void
answer_fragment (Pending *pending, GBytes *bytes)
{
  http_bytes (pending->message, "audio/mp4",
      "private, max-age=31536000, immutable", bytes);
  syrinx_listener_count (pending->listener, g_bytes_get_size (bytes));
}

static gboolean
retry (gpointer data)
{
  Pending *pending = data;

  if (pending->message && answer_pending (pending))
    soup_server_message_unpause (pending->message);
  return G_SOURCE_REMOVE;
}

/* In any thread: only hands over to the main one. */
static void
fragment_came (SyrinxRendition *rendition, gint number, gpointer data)
{
  g_idle_add_full (G_PRIORITY_DEFAULT, retry, data, NULL);
}

static gboolean
give_up (gpointer data)
{
  Pending *pending = data;

  pending->timeout = 0;
  http_problem (pending->message, 503, NULL,
      "the fragment is still being made; ask again");
  soup_server_message_unpause (pending->message);
  return G_SOURCE_REMOVE;
}

static void
message_finished (SoupServerMessage *message, Pending *pending)
{
  syrinx_rendition_cancel (pending->rendition, pending);
  while (g_source_remove_by_user_data (pending))
    ;
  g_signal_handlers_disconnect_by_data (message, pending);
  pending->message = NULL;
  pending_unref (pending);
}

/* TRUE: the message has its answer. FALSE: fragment_came() will be called. */
static gboolean
answer_pending (Pending *pending)
{
  SyrinxForm form = syrinx_listener_get_encryption (pending->listener)
                            == SYRINX_ENCRYPTION_NONE
                        ? SYRINX_FORM_CLEAR
                        : SYRINX_FORM_CHUNK;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;

  if (!syrinx_rendition_fetch (pending->rendition, pending->number, form,
          &bytes, fragment_came, pending, &error))
    http_problem_error (pending->message, error);
  else if (bytes)
    answer_fragment (pending, bytes);
  else
    return FALSE;
  return TRUE;
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
http_hls_segment (HttpRequest *request)
{
  SyrinxListener *listener = check_session (request);
  SyrinxRendition *rendition
      = listener ? check_rendition (request, listener) : NULL;
  Pending *pending;
  gint number;

  if (!rendition)
    return;
  if (!parse_segment (request->args[3], &number)) {
    http_problem (request->message, 404, NULL, "there is no such segment");
    return;
  }
  pending = g_rc_box_new0 (Pending);
  pending->listener = g_object_ref (listener);
  pending->rendition = syrinx_rendition_ref (rendition);
  pending->message = request->message;
  pending->number = number;
  if (answer_pending (pending)) {
    pending_unref (pending);
    return;
  }
  soup_server_message_pause (request->message);
  pending->timeout
      = g_timeout_add_seconds (WAIT_FOR_FRAGMENT_S, give_up, pending);
  g_signal_connect (
      request->message, "finished", G_CALLBACK (message_finished), pending);
}
