/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Transports, with and without TLS: all bytes, in order, without blocking. */
#include "net-fixture.h"
#include "daemon/net/transport-stream.h"

#include "core/io/io-loop.h"

#include <errno.h>
#include <malloc.h>
#include <openssl/err.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLIENT(f, ...)                                                         \
  {                                                                            \
    .fixture = f, .fd = -1, __VA_ARGS__                                        \
  }
#define MANY_BYTES (4 * 1024 * 1024)

/* A value that depends on the offset. */
static guint8
byte_at (gsize i)
{
  return (i * 2654435761u) >> 13;
}

static guint8 *
make_bytes (gsize size)
{
  guint8 *bytes = g_malloc (size);

  for (gsize i = 0; i < size; i++)
    bytes[i] = byte_at (i);
  return bytes;
}

/* --- A client that reads everything, or echoes --- */

/* Reads to the end of the connection; returns how much, 0 if a byte was
 * wrong. */
static gpointer
read_all (gpointer data)
{
  NetClient *client = data;
  guint8 scrap[5000];
  gsize at = 0;
  int n;

  while ((n = client->ssl ? SSL_read (client->ssl, scrap, sizeof scrap)
                          : (int)recv (client->fd, scrap, sizeof scrap, 0))
         > 0)
    for (int i = 0; i < n; i++, at++)
      if (scrap[i] != byte_at (at))
        return NULL;
  return GSIZE_TO_POINTER (at);
}

static gpointer
echo_all (gpointer data)
{
  NetClient *client = data;
  guint8 scrap[3000];
  int n;

  while ((n = SSL_read (client->ssl, scrap, sizeof scrap)) > 0)
    if (SSL_write (client->ssl, scrap, n) != n)
      break;
  SSL_shutdown (client->ssl);
  return NULL;
}

static void
arrive (NetFixture *f, NetClient *client)
{
  if (f->tls)
    g_assert_true (net_client_connect_beside (client));
  else
    client->fd = net_connect (f);
  net_wait_for_accepted (f, 1);
}

static void
wait_for (SyrinxTransport *transport, short events)
{
  struct pollfd fd
      = { .fd = syrinx_transport_get_fd (transport), .events = events };

  g_assert_cmpint (poll (&fd, 1, 20000), ==, 1);
}

/* Offers everything that is left each time, in parts of odd sizes. */
static void
send_all (SyrinxTransport *transport, const guint8 *bytes, gsize size)
{
  gsize at = 0;

  while (at < size) {
    struct iovec parts[8];
    gsize end = at;
    gssize n;
    for (guint i = 0; i < G_N_ELEMENTS (parts); i++) {
      gsize part = MIN (size - end, (gsize)(i % 2 ? 40000 : i * 7));
      parts[i] = (struct iovec){ (void *)(bytes + end), part };
      end += part;
    }
    n = syrinx_transport_sendv (transport, parts, G_N_ELEMENTS (parts));
    if (n == -EAGAIN)
      wait_for (transport, POLLOUT);
    else
      g_assert_cmpint (n, >, 0);
    at += MAX (n, 0);
  }
}

static void
all_bytes_arrive_at_who_reads_slowly (NetFixture *f, gconstpointer unused)
{
  g_autofree guint8 *bytes = make_bytes (MANY_BYTES);
  NetClient client = CLIENT (f);
  GThread *reader;

  arrive (f, &client);
  setsockopt (client.fd, SOL_SOCKET, SO_RCVBUF, &(int){ 65536 }, sizeof (int));
  setsockopt (syrinx_transport_get_fd (f->accepted->pdata[0]), SOL_SOCKET,
      SO_SNDBUF, &(int){ 32768 }, sizeof (int));
  reader = g_thread_new ("reader", read_all, &client);
  send_all (f->accepted->pdata[0], bytes, MANY_BYTES);
  syrinx_transport_shutdown (f->accepted->pdata[0]);
  g_assert_cmpuint (GPOINTER_TO_SIZE (g_thread_join (reader)), ==, MANY_BYTES);
  if (client.ssl) /* it got close_notify */
    g_assert_true (SSL_get_shutdown (client.ssl) & SSL_RECEIVED_SHUTDOWN);
  net_client_clear (&client);
}

static gpointer
receive_all (gpointer data)
{
  SyrinxTransport *transport = data;
  guint8 scrap[4096];
  gsize at = 0;
  gssize n;

  while ((n = syrinx_transport_recv (transport, scrap, sizeof scrap)) != 0) {
    if (n == -EAGAIN) {
      wait_for (transport, POLLIN);
      continue;
    }
    g_assert_cmpint (n, >, 0);
    for (gssize i = 0; i < n; i++, at++)
      g_assert_cmpuint (scrap[i], ==, byte_at (at));
    if (at == MANY_BYTES)
      break;
  }
  return GSIZE_TO_POINTER (at);
}

static void
one_thread_reads_while_another_writes (NetFixture *f, gconstpointer unused)
{
  g_autofree guint8 *bytes = make_bytes (MANY_BYTES);
  NetClient client = CLIENT (f);
  GThread *echo, *reader;

  arrive (f, &client);
  echo = g_thread_new ("echo", echo_all, &client);
  reader = g_thread_new ("reader", receive_all, f->accepted->pdata[0]);
  send_all (f->accepted->pdata[0], bytes, MANY_BYTES);
  g_assert_cmpuint (GPOINTER_TO_SIZE (g_thread_join (reader)), ==, MANY_BYTES);
  syrinx_transport_shutdown (f->accepted->pdata[0]);
  g_thread_join (echo);
  net_client_clear (&client);
}

/* --- End of the connection --- */

static void
a_reset_is_no_end (NetFixture *f, gconstpointer unused)
{
  const struct iovec part = { (void *)"x", 1 };
  NetClient client = CLIENT (f);
  gchar byte;

  arrive (f, &client);
  g_assert_cmpint (
      syrinx_transport_sendv (f->accepted->pdata[0], &part, 1), ==, 1);
  syrinx_transport_reset (f->accepted->pdata[0]);
  while (recv (client.fd, &byte, 1, 0) > 0)
    ;
  g_assert_cmpint (errno, ==, ECONNRESET);
  g_assert_cmpint (
      syrinx_transport_sendv (f->accepted->pdata[0], &part, 1), <, 0);
  net_client_clear (&client);
}

static void
the_end_of_input_is_told (NetFixture *f, gconstpointer is_tls)
{
  NetClient client = CLIENT (f);
  gchar byte;

  arrive (f, &client);
  g_assert_cmpint (
      syrinx_transport_recv (f->accepted->pdata[0], &byte, 1), ==, -EAGAIN);
  if (client.ssl)
    SSL_shutdown (client.ssl);
  else
    shutdown (client.fd, SHUT_WR);
  wait_for (f->accepted->pdata[0], POLLIN);
  g_assert_cmpint (
      syrinx_transport_recv (f->accepted->pdata[0], &byte, 1), ==, 0);
  net_client_clear (&client);
}

/* Unread input does not destroy an answer that was sent before. */
static void
unread_input_takes_no_answer_back (NetFixture *f, gconstpointer unused)
{
  const struct iovec part = { (void *)"answer", 6 };
  NetClient client = CLIENT (f);
  gchar text[8] = "";

  arrive (f, &client);
  g_assert_cmpint (send (client.fd, "asked", 5, 0), ==, 5);
  wait_for (f->accepted->pdata[0], POLLIN);
  g_assert_cmpint (
      syrinx_transport_sendv (f->accepted->pdata[0], &part, 1), ==, 6);
  syrinx_transport_shutdown (f->accepted->pdata[0]);
  g_ptr_array_set_size (f->accepted, 0);
  g_assert_cmpint (recv (client.fd, text, sizeof text, 0), ==, 6);
  g_assert_cmpint (recv (client.fd, text, sizeof text, 0), ==, 0);
  net_client_clear (&client);
}

/* --- Records --- */

typedef struct
{
  gsize sizes[1024]; /* of records of data, including TLS overhead */
  guint n;
} Records;

/* See SSL_set_msg_callback(3). */
static void
note_record (int is_written, int version, int type, const void *data,
    size_t size, SSL *ssl, void *argument)
{
  Records *records = argument;
  const guint8 *head = data;

  if (!is_written && type == SSL3_RT_HEADER && head[0] == 23
      && records->n < G_N_ELEMENTS (records->sizes))
    records->sizes[records->n++] = head[3] << 8 | head[4];
}

static gsize
send_and_look (NetFixture *f, NetClient *client, Records *records, gsize size)
{
  g_autofree guint8 *bytes = make_bytes (size);
  const struct iovec part = { bytes, size };
  guint8 scrap[16384];
  gsize got = 0;

  records->n = 0;
  g_assert_cmpint (
      syrinx_transport_sendv (f->accepted->pdata[0], &part, 1), ==, size);
  while (got < size)
    got += SSL_read (client->ssl, scrap, sizeof scrap);
  return records->sizes[0];
}

static void
records_are_small_after_a_rest_and_large_later (
    NetFixture *f, gconstpointer unused)
{
  NetClient client = CLIENT (f);
  Records records = { .n = 0 };

  arrive (f, &client);
  SSL_set_msg_callback (client.ssl, note_record);
  SSL_set_msg_callback_arg (client.ssl, &records);
  g_assert_cmpuint (
      send_and_look (f, &client, &records, 96 * 1024), <, 1460 - 40);
  g_assert_cmpuint (records.sizes[40], <, 1460 - 40);
  g_assert_cmpuint (records.sizes[records.n - 2], >=, 16384);
  g_assert_cmpuint (send_and_look (f, &client, &records, 20000), >=, 16384);
  g_usleep (1100 * 1000); /* longer than the idle time */
  g_assert_cmpuint (send_and_look (f, &client, &records, 20000), <, 1460 - 40);
  net_client_clear (&client);
}

/* --- As a stream --- */

static gboolean
note (GObject *stream, gpointer flag)
{
  *(gboolean *)flag = TRUE;
  return G_SOURCE_REMOVE;
}

static gboolean
is_set (gpointer flag)
{
  return *(gboolean *)flag;
}

/* The socket has no event for them. */
static void
a_stream_tells_of_bytes_that_openssl_holds (NetFixture *f, gconstpointer unused)
{
  NetClient client = CLIENT (f);
  g_autoptr (GIOStream) stream = NULL;
  GPollableInputStream *input;
  gchar text[4];

  arrive (f, &client);
  stream = syrinx_transport_stream_new (f->accepted->pdata[0]);
  input = G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (stream));
  g_assert_false (g_pollable_input_stream_is_readable (input));
  g_assert_cmpint (SSL_write (client.ssl, "four and more", 13), ==, 13);
  for (guint i = 0; i < 3; i++) {
    g_autoptr (GSource) source
        = g_pollable_input_stream_create_source (input, NULL);
    gboolean is_told = FALSE;
    g_source_set_callback (source, G_SOURCE_FUNC (note), &is_told, NULL);
    g_source_attach (source, NULL);
    net_wait (is_set, &is_told, "the stream's bytes", 10);
    g_assert_true (g_pollable_input_stream_is_readable (input));
    g_assert_cmpint (g_pollable_input_stream_read_nonblocking (
                         input, text, sizeof text, NULL, NULL),
        ==, 4);
  }
  net_client_clear (&client);
}

typedef struct
{
  gint closed; /* atomic */
  gboolean is_failed;
} Ended;

static void
ignore (SyrinxClient *client, gpointer data)
{
}

static void
note_closed (SyrinxClient *client, const GError *error, gpointer data)
{
  Ended *ended = data;

  ended->is_failed = error != NULL;
  g_atomic_int_set (&ended->closed, TRUE);
  g_main_context_wakeup (NULL);
}

static gboolean
is_closed (gpointer data)
{
  return g_atomic_int_get (&((Ended *)data)->closed);
}

/* The I/O loop's thread writes everything, then ends the connection. */
static void
the_io_loop_writes_it_to_its_end (NetFixture *f, gconstpointer unused)
{
  static const SyrinxClientFuncs funcs = { ignore, ignore, note_closed };
  g_autoptr (SyrinxIoLoop) loop = syrinx_io_loop_get ();
  g_autofree guint8 *bytes = make_bytes (MANY_BYTES);
  NetClient client = CLIENT (f);
  Ended ended = { FALSE };
  SyrinxClient *writer;
  GThread *reader;

  arrive (f, &client);
  writer = syrinx_io_loop_add (loop,
      syrinx_transport_stream_new (f->accepted->pdata[0]), NULL, &funcs,
      &ended);
  reader = g_thread_new ("reader", read_all, &client);
  for (gsize at = 0; at < MANY_BYTES; at += MANY_BYTES / 64) {
    g_autoptr (GBytes) part = g_bytes_new (bytes + at, MANY_BYTES / 64);
    syrinx_client_send (writer, part);
  }
  syrinx_client_finish (writer);
  net_wait (is_closed, &ended, "the end", 20);
  g_assert_false (ended.is_failed);
  g_assert_cmpuint (GPOINTER_TO_SIZE (g_thread_join (reader)), ==, MANY_BYTES);
  syrinx_client_remove (writer);
  net_client_clear (&client);
}

static void
the_io_loop_hears_of_who_hangs_up (NetFixture *f, gconstpointer unused)
{
  static const SyrinxClientFuncs funcs = { ignore, ignore, note_closed };
  g_autoptr (SyrinxIoLoop) loop = syrinx_io_loop_get ();
  NetClient client = CLIENT (f);
  Ended ended = { FALSE };
  SyrinxClient *writer;

  arrive (f, &client);
  writer = syrinx_io_loop_add (loop,
      syrinx_transport_stream_new (f->accepted->pdata[0]), NULL, &funcs,
      &ended);
  setsockopt (client.fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 },
      sizeof (struct linger));
  close (client.fd);
  client.fd = -1;
  net_wait (is_closed, &ended, "the end", 10);
  g_assert_true (ended.is_failed);
  syrinx_client_remove (writer);
  net_client_clear (&client);
}

/* --- Memory --- */

#define N_AT_REST 200

/* Connects, and keeps the connections open until @done_fd ends. */
static void
be_clients (NetFixture *f, int done_fd)
{
  NetClient clients[N_AT_REST];
  gchar byte;

  for (guint i = 0; i < N_AT_REST; i++) {
    clients[i] = (NetClient)CLIENT (f);
    if (!net_client_connect (&clients[i])
        || SSL_write (clients[i].ssl, "hello", 5) != 5)
      _exit (1);
  }
  _exit (read (done_fd, &byte, 1) < 0);
}

static gsize
count_memory (void)
{
  malloc_trim (0);
  return mallinfo2 ().uordblks;
}

static void
a_connection_at_rest_holds_little (NetFixture *f, gconstpointer unused)
{
  g_autofree guint8 *bytes = make_bytes (200000);
  const struct iovec part = { bytes, 20000 };
  gsize before_bytes, each_bytes;
  int done[2], status;
  gchar text[16];
  pid_t child;

  g_assert_cmpint (pipe (done), ==, 0);
  before_bytes = count_memory ();
  child = fork ();
  if (child == 0) {
    close (done[1]);
    be_clients (f, done[0]);
  }
  close (done[0]);
  net_wait_for_accepted (f, N_AT_REST);
  for (guint i = 0; i < N_AT_REST; i++) {
    SyrinxTransport *transport = f->accepted->pdata[i];
    if (syrinx_transport_recv (transport, text, sizeof text) == -EAGAIN)
      wait_for (transport, POLLIN);
    g_assert_cmpint (syrinx_transport_sendv (transport, &part, 1), ==, 20000);
  }
  each_bytes = (count_memory () - before_bytes) / N_AT_REST;
  g_test_message ("%" G_GSIZE_FORMAT " bytes a connection", each_bytes);
  g_assert_cmpuint (each_bytes, <, 32 * 1024);
  close (done[1]);
  waitpid (child, &status, 0);
  g_assert_cmpint (status, ==, 0);
}

int
main (int argc, char **argv)
{
#define TEST(name, is_tls)                                                     \
  g_test_add ("/net/transport/" #name "/" #is_tls, NetFixture,                 \
      GINT_TO_POINTER (is_tls), net_set_up, name, net_tear_down)
#define clear 0
#define tls   1
  g_test_init (&argc, &argv, NULL);
  TEST (a_connection_at_rest_holds_little, tls);
  TEST (all_bytes_arrive_at_who_reads_slowly, clear);
  TEST (all_bytes_arrive_at_who_reads_slowly, tls);
  TEST (one_thread_reads_while_another_writes, tls);
  TEST (a_reset_is_no_end, clear);
  TEST (a_reset_is_no_end, tls);
  TEST (the_end_of_input_is_told, clear);
  TEST (the_end_of_input_is_told, tls);
  TEST (unread_input_takes_no_answer_back, clear);
  TEST (records_are_small_after_a_rest_and_large_later, tls);
  TEST (a_stream_tells_of_bytes_that_openssl_holds, tls);
  TEST (the_io_loop_writes_it_to_its_end, clear);
  TEST (the_io_loop_writes_it_to_its_end, tls);
  TEST (the_io_loop_hears_of_who_hangs_up, clear);
  TEST (the_io_loop_hears_of_who_hangs_up, tls);
  return g_test_run ();
}
