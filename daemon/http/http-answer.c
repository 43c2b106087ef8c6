/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The heads of answers. */
#include "http-answer.h"

#include <string.h>
#include <time.h>

#define COMMON                                                                 \
  "Server: Syrinx\r\n"                                                         \
  "Referrer-Policy: no-referrer\r\n"                                           \
  "X-Content-Type-Options: nosniff\r\n"                                        \
  "Access-Control-Allow-Origin: *\r\n"                                         \
  "Access-Control-Expose-Headers: Content-Range, ETag\r\n"
#define FRAGMENT                                                               \
  "Content-Type: " HTTP_FRAGMENT_TYPE "\r\n"                                   \
  "Cache-Control: " HTTP_FRAGMENT_CACHE_CONTROL "\r\n"                         \
  "Accept-Ranges: bytes\r\n"                                                   \
  "Content-Length: "
#define DATE_BYTES 29

const gchar *
http_phrase_of (guint status)
{
  static const struct
  {
    guint status;
    const gchar *phrase;
  } phrases[] = { { 200, "OK" }, { 201, "Created" }, { 202, "Accepted" },
    { 204, "No Content" }, { 206, "Partial Content" }, { 302, "Found" },
    { 304, "Not Modified" }, { 307, "Temporary Redirect" },
    { 400, "Bad Request" }, { 401, "Unauthorized" }, { 403, "Forbidden" },
    { 404, "Not Found" }, { 405, "Method Not Allowed" },
    { 408, "Request Timeout" }, { 409, "Conflict" }, { 410, "Gone" },
    { 412, "Precondition Failed" }, { 413, "Content Too Large" },
    { 414, "URI Too Long" }, { 415, "Unsupported Media Type" },
    { 416, "Range Not Satisfiable" }, { 417, "Expectation Failed" },
    { 421, "Misdirected Request" }, { 422, "Unprocessable Entity" },
    { 429, "Too Many Requests" }, { 431, "Request Header Fields Too Large" },
    { 500, "Internal Server Error" }, { 501, "Not Implemented" },
    { 502, "Bad Gateway" }, { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" }, { 505, "HTTP Version Not Supported" } };

  for (guint i = 0; i < G_N_ELEMENTS (phrases); i++)
    if (phrases[i].status == status)
      return phrases[i].phrase;
  return "Unknown";
}

const gchar *
http_date_now (void)
{
  static const gchar days[][4]
      = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
  static const gchar months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
  static gchar text[DATE_BYTES + 1];
  static time_t of = -1;
  time_t now = g_get_real_time () / G_USEC_PER_SEC;
  struct tm utc;

  if (now == of)
    return text;
  gmtime_r (&now, &utc);
  g_snprintf (text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT",
      days[utc.tm_wday], utc.tm_mday, months[utc.tm_mon],
      (utc.tm_year + 1900) % 10000, utc.tm_hour, utc.tm_min, utc.tm_sec);
  of = now;
  return text;
}

GString *
http_head_begin (guint status, guint minor_version)
{
  GString *head = g_string_sized_new (768);

  g_string_append_printf (head, "HTTP/1.%u %u %s\r\nDate: %s\r\n" COMMON,
      MIN (minor_version, 1), status, http_phrase_of (status),
      http_date_now ());
  return head;
}

void
http_head_add (GString *head, const gchar *name, const gchar *value)
{
  g_string_append (head, name);
  g_string_append (head, ": ");
  g_string_append (head, value);
  g_string_append (head, "\r\n");
}

gsize
http_head_of_fragment (gchar head[HTTP_FRAGMENT_HEAD_BYTES], gsize size)
{
  static const gchar begin[] = "HTTP/1.1 200 OK\r\nDate: ";
  static const gchar rest[] = "\r\n" COMMON FRAGMENT;
  G_STATIC_ASSERT (
      sizeof begin + DATE_BYTES + sizeof rest + 24 < HTTP_FRAGMENT_HEAD_BYTES);
  gchar digits[20], *at = head;
  guint n = 0;

  memcpy (at, begin, sizeof begin - 1);
  at += sizeof begin - 1;
  memcpy (at, http_date_now (), DATE_BYTES);
  at += DATE_BYTES;
  memcpy (at, rest, sizeof rest - 1);
  at += sizeof rest - 1;
  do
    digits[n++] = '0' + size % 10;
  while (size /= 10);
  while (n)
    *at++ = digits[--n];
  memcpy (at, "\r\n\r\n", 4);
  return at + 4 - head;
}
