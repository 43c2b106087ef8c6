/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much memory one connection can make the daemon hold, whatever it sends
 * and does not read: docs/architecture.md states it, this measures it. */
#include "wire.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <malloc.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define N_CONNECTIONS  8
#define MAX_HELD_BYTES (256 * 1024) /* by one connection */
#define SLACK_BYTES    (64 * 1024)  /* kept free by malloc() */
#define SETTLE_MS      100          /* for reads of files in progress */
#define FILE_BYTES     (16 * 1024 * 1024)

typedef struct
{
  Wire *wire;
  int fds[N_CONNECTIONS];
  gchar *file;
} Fixture;

static gboolean
is_sanitized (void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return TRUE;
#else
  return FALSE;
#endif
}

static gsize
get_held_bytes (void)
{
  struct mallinfo2 info = mallinfo2 ();

  return info.uordblks + info.hblkhd;
}

/* --- Handlers --- */

static void
nothing_more (gpointer data)
{
}

static void
left (HttpExchange *exchange, gpointer data)
{
}

/* Writes pieces of @size bytes until one is not accepted. */
static void
stream (HttpExchange *exchange, gsize size)
{
  static const HttpStreamFuncs funcs = { NULL, nothing_more };
  gboolean taken = TRUE;

  http_exchange_begin_stream (exchange, "text/plain", &funcs, NULL);
  for (guint i = 0; taken && i < 100000; i++) {
    g_autofree gchar *text = g_strnfill (size, 'a');
    g_autoptr (GBytes) bytes = g_bytes_new (text, size);
    taken = http_exchange_write (exchange, bytes);
  }
  g_assert_false (taken);
}

static void
handle (HttpExchange *exchange, gpointer data)
{
  Fixture *f = data;
  const gchar *path = http_exchange_get_path (exchange);

  if (g_str_has_prefix (path, "/stream/")) {
    stream (exchange, atoi (path + strlen ("/stream/")));
  } else if (g_str_equal (path, "/file")) {
    int fd = open (f->file, O_RDONLY | O_CLOEXEC);
    http_exchange_answer_file (
        exchange, fd, FILE_BYTES, "application/octet-stream", NULL);
  } else if (g_str_equal (path, "/wait")) {
    http_exchange_get_query (exchange, "a");
    http_exchange_get_query (exchange, "b");
    http_exchange_get_header (exchange, "X");
    http_exchange_get_header (exchange, "X");
    http_exchange_defer (exchange, left, NULL);
  } else {
    http_exchange_answer_problem (exchange, 404, NULL, "%s", path);
  }
}

static void
set_up (Fixture *f, gconstpointer unused)
{
  int fd = g_file_open_tmp ("syrinx-held-XXXXXX", &f->file, NULL);

  g_assert_cmpint (ftruncate (fd, FILE_BYTES), ==, 0);
  close (fd);
  f->wire = wire_new (handle, f);
}

static void
tear_down (Fixture *f, gconstpointer unused)
{
  wire_free (f->wire);
  g_unlink (f->file);
  g_free (f->file);
}

/* --- Requests --- */

static gchar *
repeat (const gchar *head, const gchar *piece, gsize size)
{
  GString *text = g_string_new (head);

  while (text->len + strlen (piece) <= size)
    g_string_append (text, piece);
  return g_string_free (text, FALSE);
}

/* Sends as much of @text as the socket takes; nothing is read. */
static void
say_to_all (Fixture *f, const gchar *text)
{
  for (guint i = 0; i < N_CONNECTIONS; i++) {
    gsize left = strlen (text);
    const gchar *at = text;
    f->fds[i] = wire_connect (f->wire);
    for (guint rounds = 0; left && rounds < 1000; rounds++) {
      gssize n = send (f->fds[i], at, left, MSG_NOSIGNAL);
      at += MAX (n, 0);
      left -= MAX (n, 0);
      wire_run (f->wire);
    }
  }
}

static void
settle (Fixture *f)
{
  gint64 until_us = g_get_monotonic_time () + SETTLE_MS * 1000;

  while (g_get_monotonic_time () < until_us)
    if (!g_main_context_iteration (NULL, FALSE))
      g_usleep (1000);
}

static void
assert_holds_little (Fixture *f, const gchar *name, const gchar *text)
{
  gsize before = get_held_bytes (), after;

  say_to_all (f, text);
  settle (f);
  after = get_held_bytes ();
  g_test_message ("%s: %" G_GINT64_FORMAT " bytes a connection", name,
      ((gint64)after - (gint64)before) / N_CONNECTIONS);
  if (!is_sanitized ())
    g_assert_cmpuint (after, <, before + N_CONNECTIONS * MAX_HELD_BYTES);
  for (guint i = 0; i < N_CONNECTIONS; i++)
    close (f->fds[i]);
  settle (f);
  after = get_held_bytes ();
  if (!is_sanitized ())
    g_assert_cmpuint (after, <, before + SLACK_BYTES);
}

/* Starts threads and makes allocations that are kept for good. */
static void
warm_up (Fixture *f, const gchar *text)
{
  say_to_all (f, text);
  settle (f);
  for (guint i = 0; i < N_CONNECTIONS; i++)
    close (f->fds[i]);
  settle (f);
}

static void
a_connection_holds_what_is_stated (Fixture *f, gconstpointer unused)
{
#define POST "POST /wait HTTP/1.1\r\nHost: x\r\n"
  g_autofree gchar *fields = repeat (POST, "X: y\r\n", 500);
  g_autofree gchar *long_field = repeat ("X: ", "abcdefgh", 15000);
  g_autofree gchar *with_field = g_strconcat (fields, long_field, "\r\n", NULL);
  g_autofree gchar *counted
      = g_strconcat (with_field, "Content-Length: 65536\r\n\r\n", NULL);
  g_autofree gchar *chunked
      = g_strconcat (with_field, "Transfer-Encoding: chunked\r\n\r\n", NULL);
  g_autofree gchar *query = repeat ("GET /wait?", "a=%41%41%41&b=b+b&", 4000);
  g_autofree gchar *asked = g_strconcat (
      query, " HTTP/1.1\r\n", strchr (fields, '\n') + 1, "\r\n", NULL);
#define GET(target) "GET " target " HTTP/1.1\r\nHost: x\r\n\r\n"
  const struct
  {
    const gchar *name, *head, *piece;
    gsize size;
  } cases[] = { { "nothing", "", "", 0 },
    { "half a head", "GET / HTTP/1.1\r\nX: ", "aaaaaaaa", 16000 },
    { "most of a body", counted, "bbbbbbbb", strlen (counted) + 65000 },
    { "chunks of one byte", chunked, "1\r\na\r\n", strlen (chunked) + 120000 },
    { "an endless extension", chunked, "1;aaaaa", strlen (chunked) + 120000 },
    { "many parameters and fields", asked, "", strlen (asked) },
    { "requests behind one that waits", GET ("/wait"), GET ("/"), 2000000 },
    { "answers that are not read", GET ("/"), GET ("/"), 2000000 },
    { "a stream that is not read", GET ("/stream/1000"), GET ("/"), 2000000 },
    { "a stream of single bytes", GET ("/stream/1"), GET ("/"), 2000000 },
    { "a file that is not read", GET ("/file"), GET ("/file"), 2000000 } };

  warm_up (f, GET ("/file"));
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *text = *cases[i].piece ? repeat (
                                 cases[i].head, cases[i].piece, cases[i].size)
                                             : g_strdup (cases[i].head);
    assert_holds_little (f, cases[i].name, text);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/http-held/a_connection_holds_what_is_stated", Fixture, NULL,
      set_up, a_connection_holds_what_is_stated, tear_down);
  return g_test_run ();
}
