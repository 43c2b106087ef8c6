/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which heads of requests are accepted, which are incomplete, and how others
 * are refused. */
#include "daemon/http/http-head.h"

#include <string.h>

#define PARTIAL 1
#define GET     "GET / HTTP/1.1\r\n"
#define HOST    "Host: x\r\n"
#define END     "\r\n"

static const struct
{
  const gchar *name, *text;
  guint status; /* 0: accepted; or PARTIAL */
} cases[] = {
  { "nothing", "", PARTIAL },
  { "half a line", "GET / HT", PARTIAL },
  { "no empty line", GET HOST, PARTIAL },
  { "plain", GET HOST END, 0 },
  { "an empty line before it", "\r\n" GET HOST END, 0 },
  { "HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", 0 },
  { "absolute target", "GET http://x/y HTTP/1.1\r\n" HOST END, 0 },
  { "OPTIONS *", "OPTIONS * HTTP/1.1\r\n" HOST END, 0 },
  { "empty Host", GET "Host:\r\n\r\n", 0 },
  { "Host with a port", GET "Host: [::1]:8080\r\n\r\n", 0 },
  { "white space around a value", GET "Host: \t x \t \r\n\r\n", 0 },
  { "a length", GET HOST "Content-Length: 5\r\n\r\n", 0 },
  { "the longest body", GET HOST "Content-Length: 65536\r\n\r\n", 0 },
  { "chunks", GET HOST "Transfer-Encoding: CHUNKED\r\n\r\n", 0 },
  { "100-continue", GET HOST "Expect: 100-Continue\r\n\r\n", 0 },

  { "no version", "GET /\r\n\r\n", 400 },
  { "HTTP/2", "GET / HTTP/2.0\r\n" HOST END, 400 },
  { "more behind the version", "GET / HTTP/1.1 x\r\n" HOST END, 400 },
  { "a NUL", "GET /\1 HTTP/1.1\r\n" HOST END, 400 },
  { "a target without a slash", "GET x HTTP/1.1\r\n" HOST END, 400 },
  { "a target without an authority", "GET http:x HTTP/1.1\r\n" HOST END, 400 },
  { "no Host", GET END, 400 },
  { "two Hosts", GET HOST HOST END, 400 },
  { "a blank in Host", GET "Host: a b\r\n\r\n", 400 },
  { "a path in Host", GET "Host: a/b\r\n\r\n", 400 },
  { "a user in Host", GET "Host: a@b\r\n\r\n", 400 },
  { "a folded line", GET HOST "X: a\r\n b\r\n\r\n", 400 },
  { "a bare CR", GET HOST "X: a\rb\r\n\r\n", 400 },
  { "a blank before the colon", GET HOST "X : a\r\n\r\n", 400 },
  { "a field without a name", GET HOST ": a\r\n\r\n", 400 },
  { "a length in words", GET HOST "Content-Length: five\r\n\r\n", 400 },
  { "a length with a sign", GET HOST "Content-Length: +5\r\n\r\n", 400 },
  { "an empty length", GET HOST "Content-Length: \r\n\r\n", 400 },
  { "a list of lengths", GET HOST "Content-Length: 5, 5\r\n\r\n", 400 },
  { "two lengths", GET HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
      400 },
  { "a length of more than 64 bits",
      GET HOST "Content-Length: 99999999999999999999\r\n\r\n", 400 },
  { "another coding", GET HOST "Transfer-Encoding: gzip\r\n\r\n", 400 },
  { "two codings", GET HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", 400 },
  { "chunked twice",
      GET HOST "Transfer-Encoding: chunked\r\n"
               "Transfer-Encoding: chunked\r\n\r\n",
      400 },
  { "length and chunks",
      GET HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
  { "chunks and length",
      GET HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400 },
  { "chunks in HTTP/1.0",
      "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },

  { "a body of a byte too much", GET HOST "Content-Length: 65537\r\n\r\n",
      413 },
  { "a body of 10^18 bytes",
      GET HOST "Content-Length: 1000000000000000000\r\n\r\n", 413 },
  { "another expectation", GET HOST "Expect: cookies\r\n\r\n", 417 },
};

static HttpHeadResult
parse (HttpHead *head, const gchar *text, gsize length, HttpRefusal *refusal)
{
  return http_head_parse (head, text, length, 0, refusal);
}

static void
every_head_is_taken_or_told_why_not (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    HttpRefusal refusal = { 0 };
    HttpHead head;
    HttpHeadResult result
        = parse (&head, cases[i].text, strlen (cases[i].text), &refusal);
    g_test_message ("%s: %s", cases[i].name, refusal.detail);
    if (cases[i].status == 0)
      g_assert_cmpint (result, ==, HTTP_HEAD_WHOLE);
    else if (cases[i].status == PARTIAL)
      g_assert_cmpint (result, ==, HTTP_HEAD_PARTIAL);
    else
      g_assert_cmpuint (refusal.status, ==, cases[i].status);
  }
}

/* The result does not depend on how the bytes are split. */
static void
pieces_are_understood_as_the_whole (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    HttpRefusal refusal = { 0 };
    HttpHeadResult result = HTTP_HEAD_PARTIAL;
    HttpHead head;
    g_test_message ("%s", cases[i].name);
    for (gsize n = 1;
         n <= strlen (cases[i].text) && result == HTTP_HEAD_PARTIAL; n++)
      result = http_head_parse (&head, cases[i].text, n, n - 1, &refusal);
    g_assert_true ((result == HTTP_HEAD_WHOLE) == (cases[i].status == 0));
    g_assert_true (
        (result == HTTP_HEAD_PARTIAL) == (cases[i].status == PARTIAL));
  }
}

static void
bounds_are_told_by_their_own_status (void)
{
  g_autofree gchar *letters = g_strnfill (HTTP_MAX_HEAD_BYTES, 'a');
  g_autofree gchar *endless = g_strconcat (GET "X: ", letters, NULL);
  g_autofree gchar *longest
      = g_strdup_printf ("GET /%.*s HTTP/1.1\r\nHost: x\r\n\r\n",
          HTTP_MAX_TARGET_BYTES - 1, letters);
  g_autofree gchar *too_long = g_strdup_printf (
      "GET /%.*s HTTP/1.1\r\nHost: x\r\n\r\n", HTTP_MAX_TARGET_BYTES, letters);
  GString *fields = g_string_new (GET HOST);
  g_autofree gchar *most = NULL, *too_many = NULL;
  HttpRefusal refusal;
  HttpHead head;

  for (guint i = 1; i < HTTP_MAX_FIELDS; i++)
    g_string_append (fields, "X: y\r\n");
  most = g_strconcat (fields->str, END, NULL);
  too_many = g_strconcat (fields->str, "X: y\r\n" END, NULL);
  g_string_free (fields, TRUE);

  g_assert_cmpint (parse (&head, endless, HTTP_MAX_HEAD_BYTES - 1, &refusal),
      ==, HTTP_HEAD_PARTIAL);
  g_assert_cmpint (parse (&head, endless, HTTP_MAX_HEAD_BYTES, &refusal), ==,
      HTTP_HEAD_REFUSED);
  g_assert_cmpuint (refusal.status, ==, 431);
  g_assert_cmpint (
      parse (&head, most, strlen (most), &refusal), ==, HTTP_HEAD_WHOLE);
  g_assert_cmpint (parse (&head, too_many, strlen (too_many), &refusal), ==,
      HTTP_HEAD_REFUSED);
  g_assert_cmpuint (refusal.status, ==, 431);
  g_assert_cmpint (
      parse (&head, longest, strlen (longest), &refusal), ==, HTTP_HEAD_WHOLE);
  g_assert_cmpint (parse (&head, too_long, strlen (too_long), &refusal), ==,
      HTTP_HEAD_REFUSED);
  g_assert_cmpuint (refusal.status, ==, 414);
}

static void
only_what_says_nothing_else_is_plain (void)
{
  static const struct
  {
    const gchar *text;
    gboolean is_plain, is_last;
  } plain[] = { { GET HOST END, TRUE, FALSE },
    { GET HOST "Connection: keep-alive\r\n\r\n", TRUE, FALSE },
    { GET HOST "Accept: */*\r\nUser-Agent: x\r\n\r\n", TRUE, FALSE },
    { GET HOST "Connection: close\r\n\r\n", FALSE, TRUE },
    { GET HOST "Connection: x , Close\r\n\r\n", FALSE, TRUE },
    { GET HOST "Connection: closed\r\n\r\n", TRUE, FALSE },
    { GET HOST "range: bytes=0-1\r\n\r\n", FALSE, FALSE },
    { GET HOST "If-Range: x\r\n\r\n", FALSE, FALSE },
    { GET HOST "If-Match: x\r\n\r\n", FALSE, FALSE },
    { GET HOST "If-None-Match: x\r\n\r\n", FALSE, FALSE },
    { GET HOST "If-Modified-Since: x\r\n\r\n", FALSE, FALSE },
    { GET HOST "If-Unmodified-Since: x\r\n\r\n", FALSE, FALSE },
    { GET HOST "Content-Length: 0\r\n\r\n", FALSE, FALSE },
    { "HEAD / HTTP/1.1\r\n" HOST END, FALSE, FALSE },
    { "GET / HTTP/1.0\r\n" HOST END, FALSE, TRUE } };

  for (guint i = 0; i < G_N_ELEMENTS (plain); i++) {
    HttpRefusal refusal;
    HttpHead head;
    g_test_message ("%s", plain[i].text);
    g_assert_cmpint (
        parse (&head, plain[i].text, strlen (plain[i].text), &refusal), ==,
        HTTP_HEAD_WHOLE);
    g_assert_cmpint (head.is_plain, ==, plain[i].is_plain);
    g_assert_cmpint (head.is_last, ==, plain[i].is_last);
  }
}

#define ADD(name) g_test_add_func ("/http-head/" #name, name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (every_head_is_taken_or_told_why_not);
  ADD (pieces_are_understood_as_the_whole);
  ADD (bounds_are_told_by_their_own_status);
  ADD (only_what_says_nothing_else_is_plain);
  return g_test_run ();
}
