/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parses and serialises RTSP. Header lines have the syntax of HTTP, so the same
 * parser (libh2o's) reads them. */
#include "rtsp-parse.h"

#include <string.h>

#define MAX_HEADERS   48
#define FRAMING_BYTES 4
#define HEAD_BYTES    1024 /* typical size of an answer */

/* libh2o's picohttpparser; Debian does not ship its header. */
struct phr_header
{
  const char *name;
  size_t name_len;
  const char *value;
  size_t value_len;
};
int phr_parse_headers (const char *buffer, size_t length,
    struct phr_header *headers, size_t *n_headers, size_t last_length);

const gchar *
rtsp_header (const GstRTSPMessage *message, GstRTSPHeaderField field)
{
  gchar *value = NULL;

  gst_rtsp_message_get_header (message, field, &value, 0);
  return value;
}

/* --- From bytes --- */

/* "METHOD URI RTSP/1.0" */
static RtspRead
parse_line (const gchar *line, gsize n_bytes, GstRTSPMessage **request)
{
  g_autofree gchar *text = g_strndup (line, n_bytes);
  g_auto (GStrv) words = g_strsplit (text, " ", 4);

  if (strlen (text) != n_bytes || g_strv_length (words) != 3 || !*words[0]
      || !*words[1] || !g_str_is_ascii (text)
      || !g_str_has_prefix (words[2], "RTSP/"))
    return RTSP_READ_GARBAGE;
  for (gsize i = 0; i < n_bytes; i++)
    if (g_ascii_iscntrl (text[i]))
      return RTSP_READ_GARBAGE;
  gst_rtsp_message_new_request (
      request, gst_rtsp_find_method (words[0]), words[1]);
  return g_str_equal (words[2], "RTSP/1.0") ? RTSP_READ_REQUEST
                                            : RTSP_READ_VERSION;
}

/* FALSE: a name that is not a token, or a continuation line. */
static gboolean
add_headers (GstRTSPMessage *request, const struct phr_header *headers, gsize n)
{
  for (gsize i = 0; i < n; i++) {
    g_autofree gchar *name = NULL, *value = NULL;
    if (!headers[i].name)
      return FALSE;
    name = g_strndup (headers[i].name, headers[i].name_len);
    value = g_strndup (headers[i].value, headers[i].value_len);
    gst_rtsp_message_add_header_by_name (request, name, value);
  }
  return TRUE;
}

/* Takes the body of the length in Content-Length. */
static RtspRead
parse_body (
    GstRTSPMessage *request, const gchar *bytes, gsize n_bytes, gsize *taken)
{
  const gchar *length = rtsp_header (request, GST_RTSP_HDR_CONTENT_LENGTH);
  guint64 body_bytes = 0;

  if (length
      && !g_ascii_string_to_unsigned (
          length, 10, 0, G_MAXUINT32, &body_bytes, NULL))
    return RTSP_READ_GARBAGE;
  if (body_bytes > RTSP_MAX_BODY_BYTES)
    return RTSP_READ_TOO_BIG;
  if (body_bytes > n_bytes)
    return RTSP_READ_MORE;
  gst_rtsp_message_set_body (request, (const guint8 *)bytes, body_bytes);
  *taken += body_bytes;
  return RTSP_READ_REQUEST;
}

static RtspRead
parse_request (
    const gchar *bytes, gsize n_bytes, gsize *taken, GstRTSPMessage **request)
{
  struct phr_header headers[MAX_HEADERS];
  gsize n_headers = MAX_HEADERS, line_bytes;
  const gchar *end = memchr (bytes, '\n', n_bytes);
  RtspRead read = RTSP_READ_MORE;
  int head_bytes = -2;

  if (end) {
    line_bytes = end - bytes;
    read = parse_line (bytes,
        line_bytes && end[-1] == '\r' ? line_bytes - 1 : line_bytes, request);
    if (read == RTSP_READ_GARBAGE)
      return read;
    head_bytes = phr_parse_headers (
        end + 1, n_bytes - line_bytes - 1, headers, &n_headers, 0);
  }
  if (head_bytes == -2)
    return n_bytes > RTSP_MAX_HEAD_BYTES ? RTSP_READ_TOO_BIG : RTSP_READ_MORE;
  if (head_bytes < 0 || !add_headers (*request, headers, n_headers))
    return RTSP_READ_GARBAGE;
  *taken = line_bytes + 1 + head_bytes;
  if (read == RTSP_READ_VERSION)
    return read;
  return parse_body (*request, bytes + *taken, n_bytes - *taken, taken);
}

/* Big-endian, at any alignment. */
static guint16
get_uint16 (const gchar *bytes)
{
  return (guint8)bytes[0] << 8 | (guint8)bytes[1];
}

RtspRead
rtsp_parse (
    const gchar *bytes, gsize n_bytes, gsize *taken, GstRTSPMessage **request)
{
  RtspRead read;
  gsize skip = 0;

  *taken = 0;
  *request = NULL;
  while (skip < n_bytes && (bytes[skip] == '\r' || bytes[skip] == '\n'))
    skip++;
  if (skip == n_bytes)
    return *taken = n_bytes, RTSP_READ_MORE;
  if (bytes[skip] == '$') {
    if (n_bytes - skip < FRAMING_BYTES)
      return RTSP_READ_MORE;
    *taken = skip + FRAMING_BYTES + get_uint16 (bytes + skip + 2);
    return RTSP_READ_DATA;
  }
  read = parse_request (bytes + skip, n_bytes - skip, taken, request);
  *taken += skip;
  if (read != RTSP_READ_REQUEST && read != RTSP_READ_VERSION)
    g_clear_pointer (request, gst_rtsp_message_free);
  if (read == RTSP_READ_MORE)
    *taken = 0;
  return read;
}

/* --- To bytes --- */

/* The bytes may contain a key. */
static void
wipe (gpointer data)
{
  GBytes *bytes = data;

  explicit_bzero (
      (gpointer)g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  g_bytes_unref (bytes);
}

/* A copy of exactly the needed size, since many may wait to be sent; wiped when
 * it is freed. */
static GBytes *
make_secret (const GString *text)
{
  GBytes *bytes = g_bytes_new (text->str, text->len);

  return g_bytes_new_with_free_func (
      g_bytes_get_data (bytes, NULL), text->len, wipe, bytes);
}

GBytes *
rtsp_to_bytes (GstRTSPMessage *response)
{
  GString *text;
  GBytes *bytes;
  GstRTSPStatusCode status;
  const gchar *reason;
  guint8 *body;
  guint body_bytes;

  gst_rtsp_message_parse_response (response, &status, &reason, NULL);
  gst_rtsp_message_get_body (response, &body, &body_bytes);
  text = g_string_sized_new (HEAD_BYTES + body_bytes);
  g_string_append_printf (text, "RTSP/1.0 %d %s\r\n", status, reason);
  gst_rtsp_message_append_headers (response, text);
  if (body_bytes)
    g_string_append_printf (text, "Content-Length: %u\r\n", body_bytes);
  g_string_append (text, "\r\n");
  if (body_bytes)
    g_string_append_len (text, (const gchar *)body, body_bytes);
  bytes = make_secret (text);
  explicit_bzero (text->str, text->len);
  g_string_free (text, TRUE);
  return bytes;
}
