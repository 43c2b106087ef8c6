/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a connection treats its input. */
#include "wire.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_DEFERRED 4096

typedef struct
{
  Wire *wire;
  HttpExchange
      *deferred[MAX_DEFERRED]; /* by the number in the request's path */
  guint n_left, n_handled, depth, max_depth;
  gchar *file;
} Fixture;

/* --- Handlers --- */

static void
answer_text (HttpExchange *exchange, const gchar *text)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));

  http_exchange_answer (exchange, 200, "text/plain", NULL, bytes);
}

static void
echo (HttpExchange *exchange)
{
  g_autofree gchar *text = g_strdup_printf ("<%s %s %.*s>",
      http_exchange_get_method (exchange), http_exchange_get_path (exchange),
      (int)g_bytes_get_size (http_exchange_get_body (exchange)),
      (const gchar *)g_bytes_get_data (
          http_exchange_get_body (exchange), NULL));

  answer_text (exchange, text);
}

static void
left (HttpExchange *exchange, gpointer data)
{
  Fixture *f = data;

  f->n_left++;
  for (guint i = 0; i < MAX_DEFERRED; i++)
    if (f->deferred[i] == exchange)
      f->deferred[i] = NULL;
}

static guint
get_number (HttpExchange *exchange)
{
  return atoi (strrchr (http_exchange_get_path (exchange), '/') + 1);
}

static void
release (Fixture *f, guint number)
{
  HttpExchange *exchange = g_steal_pointer (&f->deferred[number]);

  if (exchange)
    answer_text (exchange, "later");
}

static void
handle (HttpExchange *exchange, gpointer data)
{
  Fixture *f = data;
  const gchar *path = http_exchange_get_path (exchange);

  f->n_handled++;
  f->depth++;
  f->max_depth = MAX (f->max_depth, f->depth);
  if (g_str_has_prefix (path, "/wait/")) {
    f->deferred[get_number (exchange)] = exchange;
    http_exchange_defer (exchange, left, f);
  } else if (g_str_has_prefix (path, "/release/")) {
    guint number = get_number (exchange);
    echo (exchange);
    release (f, number);
  } else if (g_str_has_prefix (path, "/release-all")) {
    echo (exchange);
    for (guint i = 0; i < MAX_DEFERRED; i++)
      release (f, i);
  } else if (g_str_equal (path, "/file")) {
    int fd = open (f->file, O_RDONLY | O_CLOEXEC);
    http_exchange_answer_file (exchange, fd, lseek (fd, 0, SEEK_END),
        "application/octet-stream", NULL);
  } else {
    echo (exchange);
  }
  f->depth--;
}

static void
set_up (Fixture *f, gconstpointer unused)
{
  f->wire = wire_new (handle, f);
}

static void
tear_down (Fixture *f, gconstpointer unused)
{
  wire_free (f->wire);
  g_free (f->file);
}

/* --- Helpers --- */

#define REQUEST(target) "GET " target " HTTP/1.1\r\nHost: x\r\n\r\n"

/* The answer to @text on a connection of its own. */
static gchar *
ask (Fixture *f, const gchar *text, gssize size_bytes, gboolean *has_ended)
{
  int fd = wire_connect (f->wire);
  gchar *said;

  wire_say (f->wire, fd, text, size_bytes);
  said = wire_hear (f->wire, fd, has_ended);
  close (fd);
  wire_run (f->wire);
  return said;
}

static void
assert_status (const gchar *said, guint status)
{
  g_autofree gchar *line = g_strdup_printf ("HTTP/1.1 %u ", status);

  if (!g_str_has_prefix (said, line))
    g_error ("%s is what %.200s should begin with", line, said);
}

/* --- Requests in sequence --- */

static void
requests_that_come_at_once_are_answered_in_order (
    Fixture *f, gconstpointer unused)
{
  int fd = wire_connect (f->wire);
  g_autofree gchar *first = NULL, *second = NULL;

  wire_say (f->wire, fd,
      REQUEST ("/a") REQUEST ("/wait/1") REQUEST (
          "/b") "POST /c HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody",
      -1);
  first = wire_hear (f->wire, fd, NULL);
  g_assert_nonnull (strstr (first, "<GET /a >"));
  g_assert_null (strstr (first, "/b"));
  release (f, 1);
  second = wire_hear (f->wire, fd, NULL);
  g_assert_nonnull (strstr (second, "later"));
  g_assert_nonnull (strstr (strstr (second, "later"), "<GET /b >"));
  g_assert_nonnull (strstr (strstr (second, "/b"), "<POST /c body>"));
  close (fd);
}

static void
bytes_may_come_one_by_one (Fixture *f, gconstpointer unused)
{
  static const gchar text[]
      = "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        "2;x=y\r\nab\r\n3\r\ncde\r\n0\r\nT: u\r\n\r\n" REQUEST ("/d");
  int fd = wire_connect (f->wire);
  g_autofree gchar *said = NULL;

  for (guint i = 0; i < sizeof text - 1; i++)
    g_assert_true (wire_say (f->wire, fd, text + i, 1));
  said = wire_hear (f->wire, fd, NULL);
  g_assert_nonnull (strstr (said, "<POST /c abcde>"));
  g_assert_nonnull (strstr (said, "<GET /d >"));
  close (fd);
}

static void
a_client_that_may_go_on_is_told (Fixture *f, gconstpointer unused)
{
  int fd = wire_connect (f->wire);
  g_autofree gchar *first = NULL, *second = NULL;

  wire_say (f->wire, fd,
      "POST /c HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
      "Content-Length: 2\r\n\r\n",
      -1);
  first = wire_hear (f->wire, fd, NULL);
  g_assert_cmpstr (first, ==, "HTTP/1.1 100 Continue\r\n\r\n");
  wire_say (f->wire, fd, "ab", -1);
  second = wire_hear (f->wire, fd, NULL);
  assert_status (second, 200);
  close (fd);
}

static void
head_has_the_length_and_no_body (Fixture *f, gconstpointer unused)
{
  g_autofree gchar *said = ask (f,
      "HEAD /abc HTTP/1.1\r\nHost: x\r\nRange: bytes=0-1\r\n\r\n"
      "GET /abc HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
      -1, NULL);

  assert_status (said, 200);
  g_assert_nonnull (strstr (said, "\r\nContent-Length: 12\r\n"));
  g_assert_true (
      g_str_has_prefix (strstr (said, "\r\n\r\n") + 4, "HTTP/1.1 200 "));
  g_assert_true (g_str_has_suffix (said, "\r\n\r\n<GET /abc >"));
}

static void
http_1_0_gets_one_answer (Fixture *f, gconstpointer unused)
{
  gboolean has_ended;
  g_autofree gchar *said = ask (f,
      "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" REQUEST ("/b"), -1,
      &has_ended);

  g_assert_true (g_str_has_prefix (said, "HTTP/1.0 200 "));
  g_assert_null (strstr (said, "/b"));
  g_assert_true (has_ended);
}

/* --- Refused requests --- */

static gchar *
repeat (const gchar *head, const gchar *piece, guint n)
{
  GString *text = g_string_new (head);

  while (n--)
    g_string_append (text, piece);
  return g_string_free (text, FALSE);
}

static void
what_is_refused_is_told_so_and_ends (Fixture *f, gconstpointer unused)
{
  g_autofree gchar *letters = g_strnfill (4096, 'a');
  g_autofree gchar *chunk = g_strdup_printf ("1000\r\n%s\r\n", letters);
  g_autofree gchar *extension = g_strdup_printf ("1;%s\r\na\r\n", letters);
  g_autofree gchar *field = g_strdup_printf ("X: %s\r\n", letters);
#define POST    "POST /c HTTP/1.1\r\nHost: x\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
  const struct
  {
    const gchar *head, *piece;
    guint n, status;
  } cases[] = { { "nonsense\r\n\r\n", "", 0, 400 },
    { POST "Content-Length: 1000000000000000000\r\n\r\n", "", 0, 413 },
    { POST "Content-Length: 2000000\r\n\r\n", letters, 488, 413 },
    { CHUNKED, chunk, 500, 413 }, { CHUNKED, extension, 500, 413 },
    { CHUNKED "zz\r\n", "", 0, 400 },
    { CHUNKED "fffffffffffffffffff\r\n", "", 0, 400 },
    { CHUNKED "1\r\nab\r\n", "", 0, 400 },
    { "GET / HTTP/1.1\r\n", field, 100, 431 },
    { "GET / HTTP/1.1\r\n", "X: y\r\n", 20000, 431 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *text = repeat (cases[i].head, cases[i].piece, cases[i].n);
    gboolean has_ended;
    g_autofree gchar *said = ask (f, text, -1, &has_ended);
    g_test_message ("case %u", i);
    assert_status (said, cases[i].status);
    g_assert_nonnull (strstr (said, "\r\nConnection: close\r\n"));
    g_assert_nonnull (
        strstr (said, "\r\nContent-Type: application/problem+json\r\n"));
    g_assert_true (has_ended);
    g_assert_cmpuint (
        http_server_get_n_connections (wire_get_server (f->wire)), ==, 0);
  }
  g_assert_cmpuint (f->n_handled, ==, 0);
}

/* --- Clients that leave --- */

static void
half_closed_clients_are_answered (Fixture *f, gconstpointer unused)
{
  int fd = wire_connect (f->wire);
  g_autofree gchar *said = NULL;
  gboolean has_ended;

  wire_say (f->wire, fd, REQUEST ("/wait/1") REQUEST ("/b"), -1);
  shutdown (fd, SHUT_WR);
  wire_run (f->wire);
  g_assert_cmpuint (f->n_left, ==, 0);
  release (f, 1);
  said = wire_hear (f->wire, fd, &has_ended);
  /* the probe, which clients ignore */
  g_assert_true (g_str_has_prefix (
      said, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"));
  g_assert_nonnull (strstr (said, "<GET /b >"));
  g_assert_true (has_ended);
  close (fd);
}

static void
a_client_that_has_gone_is_noticed_while_it_waits (
    Fixture *f, gconstpointer unused)
{
  int fd = wire_connect (f->wire);

  wire_say (f->wire, fd, REQUEST ("/wait/1"), -1);
  close (fd);
  wire_run (f->wire);
  g_assert_cmpuint (f->n_left, ==, 1);
  g_assert_cmpuint (
      http_server_get_n_connections (wire_get_server (f->wire)), ==, 0);
}

/* All events are in one batch; the first handler answers the other
 * exchanges. */
static void
events_of_connections_that_a_handler_has_ended_find_nobody (
    Fixture *f, gconstpointer unused)
{
  int fds[100], first = wire_connect (f->wire);

  for (guint i = 0; i < G_N_ELEMENTS (fds); i++) {
    g_autofree gchar *text
        = g_strdup_printf ("GET /wait/%u HTTP/1.1\r\nHost: x\r\n"
                           "Connection: close\r\n\r\n",
            i);
    fds[i] = wire_connect (f->wire);
    wire_say (f->wire, fds[i], text, -1);
  }
  g_assert_cmpint (send (first, REQUEST ("/release-all"),
                       strlen (REQUEST ("/release-all")), MSG_NOSIGNAL),
      >, 0);
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++) {
    g_assert_cmpint (send (fds[i], "GET /x", 6, MSG_NOSIGNAL), ==, 6);
    close (fds[i]);
  }
  wire_run (f->wire);
  close (first);
  wire_run (f->wire);
  g_assert_cmpuint (
      http_server_get_n_connections (wire_get_server (f->wire)), ==, 0);
}

/* Each exchange waits, and then ends the next one's wait by input that it has
 * sent already. */
static void
a_chain_of_waiting_connections_is_no_deep_stack (
    Fixture *f, gconstpointer unused)
{
  int *fds = g_new (int, MAX_DEFERRED);
  g_autofree gchar *last = NULL;

  for (guint i = 0; i < 400; i++) {
    g_autofree gchar *text = g_strdup_printf (
        REQUEST ("/wait/%u") REQUEST ("/release/%u"), i, i + 1);
    fds[i] = wire_connect (f->wire);
    wire_say (f->wire, fds[i], text, -1);
  }
  release (f, 0);
  for (guint i = 0; i < 400; i++)
    wire_run (f->wire);
  last = wire_hear (f->wire, fds[399], NULL);
  g_assert_nonnull (strstr (last, "/release/400"));
  g_assert_cmpuint (f->max_depth, ==, 1);
  for (guint i = 0; i < 400; i++)
    close (fds[i]);
  g_free (fds);
}

/* --- Time --- */

/* Brings a client into the state that is timed. */
static int
begin (Fixture *f, const gchar *text)
{
  int fd = wire_connect (f->wire);
  gsize left = strlen (text);

  while (left) {
    gssize n = send (fd, text, left, MSG_NOSIGNAL);
    if (n < 0)
      break; /* nothing is read while the handler waits */
    text += n;
    left -= n;
    wire_run (f->wire);
  }
  wire_run (f->wire);
  return fd;
}

static void
every_state_has_its_time (Fixture *f, gconstpointer unused)
{
  g_autofree gchar *letters = g_strnfill (60000, 'a');
#define BODY "POST /c HTTP/1.1\r\nHost: x\r\nContent-Length: 65536\r\n\r\n"
  g_autofree gchar *most = g_strconcat (BODY, letters, NULL);
  g_autofree gchar *flood = repeat ("", REQUEST ("/a"), 20000);
  const struct
  {
    const gchar *name, *text;
    guint good_s, over_s; /* over_s: 0: no limit */
  } cases[] = { { "nothing was said", "", 9, 11 },
    { "half a head", "GET / HT", 9, 11 },
    { "half a second head", REQUEST ("/a") "GET / HT", 9, 11 },
    { "between requests", REQUEST ("/a"), 59, 61 },
    { "a body that does not come", BODY, 5, 7 },
    { "the end of a body does not come", most, 29, 31 },
    { "a second body that does not come", REQUEST ("/a") BODY, 5, 7 },
    { "answers are not read", flood, 29, 31 },
    { "after the last answer",
        "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 4, 6 },
    { "a handler takes its time", REQUEST ("/wait/1"), 100000, 0 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    int fd = begin (f, cases[i].text);
    HttpServer *server = wire_get_server (f->wire);
    gint64 now_us = g_get_monotonic_time ();
    g_test_message ("%s", cases[i].name);
    http_server_step (server, now_us + cases[i].good_s * G_TIME_SPAN_SECOND);
    g_assert_cmpuint (http_server_get_n_connections (server), ==, 1);
    if (cases[i].over_s) {
      http_server_step (server, now_us + cases[i].over_s * G_TIME_SPAN_SECOND);
      g_assert_cmpuint (http_server_get_n_connections (server), ==, 0);
    }
    close (fd);
    wire_run (f->wire);
  }
}

/* --- Files --- */

static void
make_file (Fixture *f, gsize size)
{
  g_autofree gchar *data = g_malloc (size);
  int fd = g_file_open_tmp ("syrinx-http-XXXXXX", &f->file, NULL);

  for (gsize i = 0; i < size; i++)
    data[i] = i * 7 + i / 251;
  g_assert_cmpint (write (fd, data, size), ==, size);
  close (fd);
}

typedef struct
{
  int fd;
  GByteArray *heard;
  gsize wanted;
} Hearing;

static gboolean
has_heard (gpointer data)
{
  Hearing *hearing = data;
  guint8 piece[65536];
  gssize n = recv (hearing->fd, piece, sizeof piece, 0);

  if (n > 0)
    g_byte_array_append (hearing->heard, piece, n);
  return n == 0 || hearing->heard->len >= hearing->wanted;
}

static void
a_file_comes_whole_and_in_part (Fixture *f, gconstpointer unused)
{
  g_autofree gchar *data = NULL;
  gsize size;
  static const struct
  {
    const gchar *field, *expected;
    gsize first, n_bytes;
  } cases[] = { { "X: y", "HTTP/1.1 200 ", 0, 1000000 },
    { "Range: bytes=0-999999999", "HTTP/1.1 206 ", 0, 1000000 },
    { "Range: bytes=70000-699999", "HTTP/1.1 206 ", 70000, 630000 },
    { "Range: bytes=-1", "HTTP/1.1 206 ", 999999, 1 } };

  make_file (f, 1000000);
  g_assert_true (g_file_get_contents (f->file, &data, &size, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *text = g_strdup_printf (
        "GET /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n\r\n",
        cases[i].field);
    g_autoptr (GByteArray) heard = g_byte_array_new ();
    Hearing hearing = { wire_connect (f->wire), heard, G_MAXSIZE };
    const guint8 *body;
    wire_say (f->wire, hearing.fd, text, -1);
    wire_run_until (f->wire, has_heard, &hearing);
    body = memmem (heard->data, heard->len, "\r\n\r\n", 4);
    g_assert_true (
        memcmp (heard->data, cases[i].expected, strlen (cases[i].expected))
        == 0);
    g_assert_cmpuint (
        heard->data + heard->len - body - 4, ==, cases[i].n_bytes);
    g_assert_true (
        memcmp (body + 4, data + cases[i].first, cases[i].n_bytes) == 0);
    close (hearing.fd);
  }
  g_unlink (f->file);
}

/* The client sees that the body is incomplete. */
static void
a_file_that_shrinks_breaks_off (Fixture *f, gconstpointer unused)
{
  int fd = wire_connect (f->wire);
  g_autoptr (GByteArray) heard = g_byte_array_new ();
  Hearing hearing = { fd, heard, G_MAXSIZE };

  make_file (f, 4000000);
  wire_say (f->wire, fd, REQUEST ("/file"), -1);
  g_assert_cmpint (truncate (f->file, 100000), ==, 0);
  wire_run_until (f->wire, has_heard, &hearing);
  g_assert_cmpuint (heard->len, <, 4000000);
  close (fd);
  g_unlink (f->file);
}

int
main (int argc, char **argv)
{
#define TEST(name)                                                             \
  g_test_add ("/http-connection/" #name, Fixture, NULL, set_up, name, tear_down)
  g_test_init (&argc, &argv, NULL);
  TEST (requests_that_come_at_once_are_answered_in_order);
  TEST (bytes_may_come_one_by_one);
  TEST (a_client_that_may_go_on_is_told);
  TEST (head_has_the_length_and_no_body);
  TEST (http_1_0_gets_one_answer);
  TEST (what_is_refused_is_told_so_and_ends);
  TEST (half_closed_clients_are_answered);
  TEST (a_client_that_has_gone_is_noticed_while_it_waits);
  TEST (events_of_connections_that_a_handler_has_ended_find_nobody);
  TEST (a_chain_of_waiting_connections_is_no_deep_stack);
  TEST (every_state_has_its_time);
  TEST (a_file_comes_whole_and_in_part);
  TEST (a_file_that_shrinks_breaks_off);
  return g_test_run ();
}
