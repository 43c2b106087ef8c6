/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Endpoints: which connections are accepted, and which complete the
 * handshake. */
#include "net-fixture.h"

#include "core/base/error.h"

#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* Whether @fd was closed by the other end, without any data. */
static gboolean
was_closed (int fd)
{
  gchar byte;
  gssize n = recv (fd, &byte, 1, 0);

  return n == 0 || (n < 0 && errno == ECONNRESET);
}

static gpointer
wait_for_close (gpointer fd)
{
  return GINT_TO_POINTER (was_closed (GPOINTER_TO_INT (fd)));
}

static void
assert_closed (int fd)
{
  g_assert_true (GPOINTER_TO_INT (net_join (
      g_thread_new ("reader", wait_for_close, GINT_TO_POINTER (fd)))));
}

/* --- Without TLS --- */

static void
a_connection_is_handed_over_ready_to_speak (NetFixture *f, gconstpointer unused)
{
  int fd = net_connect (f);
  const struct iovec part = { (void *)"pan", 3 };
  SyrinxTransport *transport;
  gchar text[8] = "";

  net_wait_for_accepted (f, 1);
  transport = f->accepted->pdata[0];
  g_assert_cmpstr (syrinx_transport_get_peer (transport), ==, "127.0.0.1");
  g_assert_false (syrinx_transport_is_tls (transport));
  g_assert_cmpint (
      syrinx_transport_recv (transport, text, sizeof text), ==, -EAGAIN);
  g_assert_cmpint (syrinx_transport_sendv (transport, &part, 1), ==, 3);
  g_assert_cmpint (recv (fd, text, sizeof text, 0), ==, 3);
  g_assert_cmpstr (text, ==, "pan");
  close (fd);
}

static void
one_client_has_so_many_and_gets_a_place_back (
    NetFixture *f, gconstpointer unused)
{
  int fds[3];

  f->max = 2;
  for (guint i = 0; i < 3; i++)
    fds[i] = net_connect (f);
  assert_closed (fds[2]);
  g_assert_cmpuint (f->accepted->len, ==, 2);
  g_ptr_array_set_size (f->accepted, 1);
  close (fds[2]);
  fds[2] = net_connect (f);
  net_wait_for_accepted (f, 2);
  for (guint i = 0; i < 3; i++)
    close (fds[i]);
}

static void
a_bound_of_0_is_none (NetFixture *f, gconstpointer unused)
{
  int fds[100];

  f->max = 0;
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    fds[i] = net_connect (f);
  net_wait_for_accepted (f, G_N_ELEMENTS (fds));
  g_assert_cmpuint (
      syrinx_connections_count (f->connections, "127.0.0.1"), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
}

static guint
get_no_max (const gchar *peer, gpointer user_data)
{
  return 0;
}

static void
a_port_in_use_is_told_with_what_to_do (NetFixture *f, gconstpointer unused)
{
  g_autofree gchar *address = g_strdup_printf ("127.0.0.1:%u", f->port);
  g_autoptr (GError) error = NULL;

  g_assert_null (
      syrinx_endpoint_new (&(SyrinxEndpointSettings){ .address = address,
                               .option = "--test",
                               .reactor = f->reactor,
                               .connections = f->connections,
                               .get_max = get_no_max },
          &error));
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_BUSY);
  g_assert_nonnull (strstr (error->message, "--test"));
}

/* --- Without descriptors --- */

static guint n_warnings;

static GLogWriterOutput
count_warnings (GLogLevelFlags level, const GLogField *fields, gsize n_fields,
    gpointer unused)
{
  n_warnings += (level & G_LOG_LEVEL_WARNING) != 0;
  return G_LOG_WRITER_HANDLED;
}

static gboolean
is_warned (gpointer unused)
{
  return n_warnings > 0;
}

static gboolean
note (gpointer flag)
{
  *(gboolean *)flag = TRUE;
  return G_SOURCE_REMOVE;
}

static gboolean
is_set (gpointer flag)
{
  return *(gboolean *)flag;
}

/* Uses up all free descriptors. */
static GArray *
take_descriptors (void)
{
  GArray *taken = g_array_new (FALSE, FALSE, sizeof (int));
  int fd;

  while ((fd = dup (0)) >= 0)
    g_array_append_val (taken, fd);
  g_assert_cmpint (errno, ==, EMFILE);
  return taken;
}

static void
give_back (GArray *taken)
{
  for (guint i = 0; i < taken->len; i++)
    close (g_array_index (taken, int, i));
  g_array_unref (taken);
}

/* Runs in a process of its own, for its limits and its log. */
static void
without_descriptors_newcomers_wait_and_one_warning_says_so (
    NetFixture *f, gconstpointer unused)
{
  struct rlimit limit = { 128, 128 };
  gboolean is_later = FALSE;
  GArray *taken;
  int fds[2];

  if (!g_test_subprocess ()) {
    g_test_trap_subprocess (NULL, 60 * G_USEC_PER_SEC, 0);
    g_test_trap_assert_passed ();
    return;
  }
  g_log_set_always_fatal (G_LOG_FATAL_MASK);
  g_log_set_writer_func (count_warnings, NULL, NULL);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  for (guint i = 0; i < 2; i++)
    fds[i] = net_connect (f);
  taken = take_descriptors ();
  net_wait (is_warned, NULL, "the warning", 10);
  g_timeout_add (450, note, &is_later); /* during four more pauses */
  net_wait (is_set, &is_later, "some pauses", 10);
  g_assert_cmpuint (n_warnings, ==, 1);
  g_assert_cmpuint (f->accepted->len, ==, 0);
  give_back (taken);
  net_wait_for_accepted (f, 2);
  for (guint i = 0; i < 2; i++)
    close (fds[i]);
}

/* --- TLS --- */

#define CLIENT(f, ...)                                                         \
  {                                                                            \
    .fixture = f, .fd = -1, __VA_ARGS__                                        \
  }

static void
tls_1_2_and_1_3_are_spoken_and_1_1_is_not (NetFixture *f, gconstpointer unused)
{
  static const struct
  {
    int version;
    const gchar *ciphers;
    gboolean is_spoken;
  } cases[] = {
    { TLS1_3_VERSION, NULL, TRUE },
    { TLS1_2_VERSION, NULL, TRUE },
    { TLS1_2_VERSION, "AES128-SHA", FALSE },             /* no CBC, no RSA */
    { TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA", FALSE }, /* no CBC */
    { TLS1_1_VERSION, "ALL:@SECLEVEL=0", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    NetClient client
        = CLIENT (f, .version = cases[i].version, .ciphers = cases[i].ciphers);
    g_assert_true (net_client_connect_beside (&client) == cases[i].is_spoken);
    if (client.ssl)
      g_assert_cmpint (SSL_version (client.ssl), ==, cases[i].version);
    net_client_clear (&client);
  }
}

static void
one_protocol_is_negotiated_and_others_are_turned_away (
    NetFixture *f, gconstpointer unused)
{
  NetClient both = CLIENT (f, .alpn = "\2h2\x08http/1.1");
  NetClient none = CLIENT (f), other = CLIENT (f, .alpn = "\2h2");
  const unsigned char *chosen;
  unsigned int size;

  g_assert_true (net_client_connect_beside (&both));
  SSL_get0_alpn_selected (both.ssl, &chosen, &size);
  g_assert_cmpmem (chosen, size, "http/1.1", 8);
  g_assert_true (net_client_connect_beside (&none));
  g_assert_false (net_client_connect_beside (&other));
  net_client_clear (&both);
  net_client_clear (&none);
  net_client_clear (&other);
}

/* A byte in each direction, so that tickets have been received, too. */
static void
exchange (NetFixture *f, NetClient *client)
{
  const struct iovec part = { (void *)"!", 1 };
  gchar byte;

  net_wait_for_accepted (f, 1);
  g_assert_cmpint (
      syrinx_transport_sendv (f->accepted->pdata[0], &part, 1), ==, 1);
  g_assert_cmpint (SSL_read (client->ssl, &byte, 1), ==, 1);
}

/* Connects, gets a ticket, disconnects. */
static gboolean
come_again (NetFixture *f, NetClient *client)
{
  gboolean is_resumed;

  g_ptr_array_set_size (f->accepted, 0);
  net_client_leave (client);
  g_assert_true (net_client_connect_beside (client));
  is_resumed = SSL_session_reused (client->ssl);
  exchange (f, client);
  return is_resumed;
}

static void
a_ticket_is_good_for_its_key_and_the_next_one (
    NetFixture *f, gconstpointer unused)
{
  static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
  const guint period_s = 6 * 3600;

  for (guint i = 0; i < 2; i++) {
    NetClient client = CLIENT (f, .version = versions[i]);
    g_assert_false (come_again (f, &client));
    g_assert_true (come_again (f, &client));
    syrinx_tls_context_advance (f->tls, period_s);
    g_assert_true (come_again (f, &client)); /* and gets a new ticket */
    syrinx_tls_context_advance (f->tls, period_s);
    g_assert_true (come_again (f, &client));
    syrinx_tls_context_advance (f->tls, 2 * period_s);
    g_assert_false (come_again (f, &client));
    net_client_clear (&client);
  }
}

static void
another_certificate_takes_no_ticket_of_the_one_before (
    NetFixture *f, gconstpointer unused)
{
  NetClient client = CLIENT (f);
  g_autofree gchar *certificate = g_build_filename (f->dir, "second.crt", NULL);
  g_autofree gchar *key = g_build_filename (f->dir, "second.key", NULL);
  g_autoptr (GError) error = NULL;
  SyrinxTlsContext *second;
  gchar name[64];

  g_assert_false (come_again (f, &client));
  net_make_pair (f->dir, "second", "-newkey rsa:2048");
  second = syrinx_tls_context_new (certificate, key, &error);
  g_assert_no_error (error);
  syrinx_tls_context_replace (f->tls, second);
  g_assert_false (come_again (f, &client));
  X509_NAME_get_text_by_NID (
      X509_get_subject_name (SSL_get0_peer_certificate (client.ssl)),
      NID_commonName, name, sizeof name);
  g_assert_cmpstr (name, ==, "second");
  net_client_clear (&client);
}

static void
a_pair_that_is_none_is_told_with_its_file (NetFixture *f, gconstpointer unused)
{
  g_autofree gchar *other = g_build_filename (f->dir, "weak.key", NULL);
  g_autofree gchar *weak = g_build_filename (f->dir, "weak.crt", NULL);
  const struct
  {
    const gchar *certificate, *key, *said;
    gint code;
  } cases[] = {
    { "/no/such.crt", f->key, "/no/such.crt", SYRINX_ERROR_NOT_FOUND },
    { f->certificate, "/no/such.key", "/no/such.key", SYRINX_ERROR_NOT_FOUND },
    { f->key, f->key, "holds no certificate", SYRINX_ERROR_INVALID },
    { f->certificate, f->certificate, "no private key", SYRINX_ERROR_INVALID },
    { f->certificate, other, "not the key of", SYRINX_ERROR_INVALID },
    { weak, other, "too weak", SYRINX_ERROR_INVALID },
  };

  net_make_pair (f->dir, "weak", "-newkey rsa:1024");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_null (
        syrinx_tls_context_new (cases[i].certificate, cases[i].key, &error));
    g_assert_error (error, SYRINX_ERROR, cases[i].code);
    g_assert_nonnull (strstr (error->message, cases[i].said));
  }
}

static void
who_speaks_in_the_clear_is_told (NetFixture *f, gconstpointer unused)
{
  int fd = net_connect (f);
  gchar text[64] = "";

  g_assert_cmpint (send (fd, "GET / HTTP/1.1\r\n\r\n", 18, 0), ==, 18);
  while (recv (fd, text, sizeof text - 1, MSG_DONTWAIT) <= 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (text, ==, "this port speaks TLS only\n");
  assert_closed (fd);
  close (fd);
}

/* --- Slow handshakes --- */

/* A valid ClientHello of TLS 1.2. */
static const guint8 hello[] = { 22, 3, 1, 0, 84, /* record */
  1, 0, 0, 80, 3, 3,                             /* client hello */
  'o', 'n', 'e', ' ', 'f', 'l', 'u', 't', 'e', ' ', 'i', 's', ' ', 'n', 'o',
  't', ' ', 'm', 'u', 'c', 'h', ' ', 'm', 'o', 'r', 'e', ' ', 't', 'h', 'a',
  'n', '.',                               /* random */
  0, 0, 4, 0xc0, 0x2b, 0xc0, 0x2c, 1, 0,  /* ECDHE-ECDSA, GCM */
  0, 35, 0, 10, 0, 6, 0, 4, 0, 23, 0, 24, /* P-256, P-384 */
  0, 11, 0, 2, 1, 0,                      /* uncompressed points */
  0, 13, 0, 6, 0, 4, 4, 3, 5, 3,          /* ECDSA */
  0xff, 1, 0, 1, 0, 0, 23, 0, 0 };

static void
say_hello (NetFixture *f, int *fds, guint n, gsize size)
{
  for (guint i = 0; i < n; i++) {
    fds[i] = net_connect (f);
    g_assert_cmpint (send (fds[i], hello, size, 0), ==, (gssize)size);
  }
}

static gdouble
come_through (NetFixture *f)
{
  NetClient client = CLIENT (f);
  gint64 begun_us = g_get_monotonic_time ();

  g_assert_true (net_client_connect_beside (&client));
  net_client_clear (&client);
  return (g_get_monotonic_time () - begun_us) / (gdouble)G_USEC_PER_SEC;
}

static void
forty_hellos_that_never_end_keep_nobody_out (
    NetFixture *f, gconstpointer unused)
{
  static const gsize sizes[] = { sizeof hello, sizeof hello / 2, 1 };
  int fds[40];

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    say_hello (f, fds, G_N_ELEMENTS (fds), sizes[i]);
    g_assert_cmpfloat (come_through (f), <, 6);
    for (guint j = 0; j < G_N_ELEMENTS (fds); j++)
      close (fds[j]);
  }
}

static gpointer
come_in_thread (gpointer fixture)
{
  NetClient client = CLIENT (fixture);
  gboolean is_through = net_client_connect (&client);

  net_client_clear (&client);
  return GINT_TO_POINTER (is_through);
}

/* 16 of one client have a place at a time; the others wait. */
static void
a_crowd_of_one_address_comes_through_whole (NetFixture *f, gconstpointer unused)
{
  GThread *threads[48];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("client", come_in_thread, f);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_assert_true (GPOINTER_TO_INT (net_join (threads[i])));
  g_assert_cmpuint (f->accepted->len, ==, G_N_ELEMENTS (threads));
}

static void
who_never_finishes_is_cut_off_after_ten_seconds (
    NetFixture *f, gconstpointer unused)
{
  gint64 begun_us = g_get_monotonic_time ();
  gdouble waited_s;
  int fds[2];

  say_hello (f, fds, 2, sizeof hello / 2);
  assert_closed (fds[0]);
  assert_closed (fds[1]);
  waited_s = (g_get_monotonic_time () - begun_us) / (gdouble)G_USEC_PER_SEC;
  g_assert_cmpfloat (waited_s, >, 9);
  g_assert_cmpfloat (waited_s, <, 19);
  close (fds[0]);
  close (fds[1]);
}

static void
an_endpoint_that_goes_ends_what_it_has_not_handed_over (
    NetFixture *f, gconstpointer unused)
{
  int fds[20];

  say_hello (f, fds, G_N_ELEMENTS (fds), sizeof hello);
  come_through (f);
  g_ptr_array_set_size (f->accepted, 0);
  g_clear_pointer (&f->endpoint, syrinx_endpoint_free);
  g_assert_cmpuint (
      syrinx_connections_count (f->connections, "127.0.0.1"), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
}

int
main (int argc, char **argv)
{
#define TEST(name, is_tls)                                                     \
  g_test_add ("/net/endpoint/" #name, NetFixture, GINT_TO_POINTER (is_tls),    \
      net_set_up, name, net_tear_down)
  g_test_init (&argc, &argv, NULL);
  TEST (a_connection_is_handed_over_ready_to_speak, FALSE);
  TEST (one_client_has_so_many_and_gets_a_place_back, FALSE);
  TEST (a_bound_of_0_is_none, FALSE);
  TEST (a_port_in_use_is_told_with_what_to_do, FALSE);
  TEST (without_descriptors_newcomers_wait_and_one_warning_says_so, FALSE);
  TEST (tls_1_2_and_1_3_are_spoken_and_1_1_is_not, TRUE);
  TEST (one_protocol_is_negotiated_and_others_are_turned_away, TRUE);
  TEST (a_ticket_is_good_for_its_key_and_the_next_one, TRUE);
  TEST (another_certificate_takes_no_ticket_of_the_one_before, TRUE);
  TEST (a_pair_that_is_none_is_told_with_its_file, TRUE);
  TEST (who_speaks_in_the_clear_is_told, TRUE);
  TEST (forty_hellos_that_never_end_keep_nobody_out, TRUE);
  TEST (a_crowd_of_one_address_comes_through_whole, TRUE);
  TEST (who_never_finishes_is_cut_off_after_ten_seconds, TRUE);
  TEST (an_endpoint_that_goes_ends_what_it_has_not_handed_over, TRUE);
  return g_test_run ();
}
