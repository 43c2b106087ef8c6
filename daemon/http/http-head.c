/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The head of a request: picohttpparser, and the checks that it leaves to its
 * callers. */
#include "http-head.h"

#include "phr.h"

#include <string.h>

G_STATIC_ASSERT (sizeof (HttpField) == sizeof (struct phr_header));

/* Which of the fields that may occur only once have occurred. */
typedef struct
{
  gboolean host, length, encoding;
} Seen;

static const HttpRefusal malformed
    = { 400, "this is no request that HTTP/1.1 knows (RFC 9112)" };
static const HttpRefusal too_long
    = { 431, "a request's head is at most 16 KiB, in at most 100 fields" };
static const HttpRefusal bad_host
    = { 400, "HTTP/1.1 needs exactly one Host, a name or address and a port" };
static const HttpRefusal unframed = { 400,
  "a body is either chunked or has one Content-Length in digits, not both" };
static const HttpRefusal too_large = { 413, "a body is at most 64 KiB" };
static const HttpRefusal long_target
    = { 414, "an address is at most 4096 bytes long" };
static const HttpRefusal unknown_expectation
    = { 417, "the only expectation that is met here is 100-continue" };

gboolean
http_field_is (const HttpField *field, const gchar *name)
{
  gsize length = strlen (name);

  return field->name_bytes == length
         && g_ascii_strncasecmp (field->name, name, length) == 0;
}

static gboolean
value_is (const HttpField *field, const gchar *text)
{
  gsize length = strlen (text);

  return field->value_bytes == length
         && g_ascii_strncasecmp (field->value, text, length) == 0;
}

/* Parses decimal digits. NULL: they are valid; a number beyond 64 bits is
 * refused. */
static const HttpRefusal *
read_length (const HttpField *field, guint64 *length)
{
  guint64 sum = 0;

  for (gsize i = 0; i < field->value_bytes; i++) {
    guint digit = field->value[i] - '0';
    if (digit > 9 || sum > (G_MAXUINT64 - digit) / 10)
      return &unframed;
    sum = sum * 10 + digit;
  }
  *length = sum;
  return field->value_bytes ? NULL : &unframed;
}

/* A name, an address or "[ADDRESS]", and optionally a port; empty where the
 * target has no authority (RFC 9112, section 3.2). */
static gboolean
is_host (const HttpField *field)
{
  for (gsize i = 0; i < field->value_bytes; i++)
    if (!g_ascii_isalnum (field->value[i])
        && !strchr ("-._~%!$&'()*+,;=:[]", field->value[i]))
      return FALSE;
  return TRUE;
}

/* The tokens of Connection (RFC 9110, section 7.6.1). */
static void
read_connection (HttpHead *head, const HttpField *field)
{
  const gchar *at = field->value, *end = at + field->value_bytes;

  while (at < end) {
    const gchar *comma = memchr (at, ',', end - at);
    const gchar *stop = comma ? comma : end;
    while (at < stop && (*at == ' ' || *at == '\t'))
      at++;
    while (stop > at && (stop[-1] == ' ' || stop[-1] == '\t'))
      stop--;
    if (stop - at == 5 && g_ascii_strncasecmp (at, "close", 5) == 0)
      head->is_last = TRUE;
    at = comma ? comma + 1 : end;
  }
}

/* picohttpparser leaves white space at the end of a value. */
static void
trim (HttpField *field)
{
  const gchar *value = field->value;

  while (field->value_bytes
         && (value[field->value_bytes - 1] == ' '
             || value[field->value_bytes - 1] == '\t'))
    field->value_bytes--;
}

/* Checks one field; most names are not looked at here. */
static const HttpRefusal *
read_field (HttpHead *head, const HttpField *field, Seen *seen)
{
  switch (field->name_bytes) {
  case 4:
    if (!http_field_is (field, "host"))
      return NULL;
    if (seen->host || !is_host (field))
      return &bad_host;
    seen->host = TRUE;
    return NULL;
  case 5:
    if (http_field_is (field, "range"))
      head->is_plain = FALSE;
    return NULL;
  case 6:
    if (!http_field_is (field, "expect"))
      return NULL;
    head->is_plain = FALSE;
    head->expects_continue = TRUE;
    return value_is (field, "100-continue") ? NULL : &unknown_expectation;
  case 8:
  case 13:
  case 19:
    if (g_ascii_strncasecmp (field->name, "if-", 3) == 0)
      head->is_plain = FALSE;
    return NULL;
  case 10:
    if (http_field_is (field, "connection"))
      read_connection (head, field);
    return NULL;
  case 14:
    if (!http_field_is (field, "content-length"))
      return NULL;
    if (seen->length)
      return &unframed;
    seen->length = TRUE;
    head->is_plain = FALSE;
    return read_length (field, &head->content_length);
  case 17:
    if (http_field_is (field, "if-modified-since"))
      head->is_plain = FALSE;
    if (!http_field_is (field, "transfer-encoding"))
      return NULL;
    if (seen->encoding || !value_is (field, "chunked"))
      return &unframed;
    seen->encoding = TRUE;
    head->is_plain = FALSE;
    head->is_chunked = TRUE;
    return NULL;
  }
  return NULL;
}

static const HttpRefusal *
read_fields (HttpHead *head)
{
  Seen seen = { 0 };

  for (gsize i = 0; i < head->n_fields; i++) {
    const HttpRefusal *wrong;
    if (!head->fields[i].name)
      return &malformed; /* a folded line */
    trim (&head->fields[i]);
    wrong = read_field (head, &head->fields[i], &seen);
    if (wrong)
      return wrong;
  }
  if (!seen.host && head->minor_version >= 1)
    return &bad_host;
  if (seen.encoding && (seen.length || head->minor_version == 0))
    return &unframed;
  return NULL;
}

static gboolean
target_begins (const HttpHead *head, const gchar *text)
{
  gsize length = strlen (text);

  return head->target_bytes >= length
         && g_ascii_strncasecmp (head->target, text, length) == 0;
}

/* Whether the target is "/PATH", "http://HOST/PATH", or "*" (RFC 9112, section
 * 3.2). */
static gboolean
is_target (const HttpHead *head)
{
  return target_begins (head, "/") || target_begins (head, "http://")
         || target_begins (head, "https://")
         || (head->target_bytes == 1 && head->target[0] == '*');
}

static const HttpRefusal *
check (HttpHead *head)
{
  const HttpRefusal *wrong;

  head->is_last = head->minor_version == 0;
  head->content_length = 0;
  head->is_chunked = head->expects_continue = FALSE;
  head->is_plain = head->minor_version == 1 && head->method_bytes == 3
                   && memcmp (head->method, "GET", 3) == 0;
  wrong = read_fields (head);
  if (wrong)
    return wrong;
  if (head->target_bytes > HTTP_MAX_TARGET_BYTES)
    return &long_target;
  if (!is_target (head))
    return &malformed;
  head->is_plain = head->is_plain && !head->is_last;
  return head->content_length > HTTP_MAX_BODY_BYTES ? &too_large : NULL;
}

HttpHeadResult
http_head_parse (HttpHead *head, const gchar *data, gsize n_bytes,
    gsize n_known_bytes, HttpRefusal *refusal)
{
  const HttpRefusal *wrong;
  int minor, result;

  head->n_fields = HTTP_MAX_FIELDS;
  result = phr_parse_request (data, n_bytes, &head->method, &head->method_bytes,
      &head->target, &head->target_bytes, &minor,
      (struct phr_header *)head->fields, &head->n_fields, n_known_bytes);
  if (result == -2 && n_bytes < HTTP_MAX_HEAD_BYTES)
    return HTTP_HEAD_PARTIAL;
  if (result < 0) {
    *refusal = result == -2 || head->n_fields == HTTP_MAX_FIELDS ? too_long
                                                                 : malformed;
    return HTTP_HEAD_REFUSED;
  }
  head->n_bytes = result;
  head->minor_version = MIN (minor, 1);
  wrong = check (head);
  if (!wrong)
    return HTTP_HEAD_WHOLE;
  *refusal = *wrong;
  return HTTP_HEAD_REFUSED;
}
