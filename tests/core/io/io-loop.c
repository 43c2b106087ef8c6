/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The I/O loop over socket pairs, plain and with TLS: no data is lost, and no
 * client delays another. */
#include "core/base/error.h"
#include "io-choice.h"

#include <fcntl.h>
#include <gio/gunixoutputstream.h>
#include <glib-unix.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* LeakSanitizer crashes on the thread-local storage of the TLS module's
 * threads, so it must leave that alone. */
const char *__asan_default_options (void);

const char *
__asan_default_options (void)
{
  return "intercept_tls_get_addr=0";
}

typedef struct
{
  SyrinxIoLoop *loop;
  SyrinxClient *client;
  GIOStream *peer;

  GMutex lock;
  GCond changed;
  /* protected by lock */
  guint holds, resumes;
  gboolean closed;
  GError *error;
} Fixture;

static void
on_hold (SyrinxClient *client, gpointer user_data)
{
  Fixture *f = user_data;

  g_mutex_lock (&f->lock);
  f->holds++;
  g_cond_broadcast (&f->changed);
  g_mutex_unlock (&f->lock);
}

static void
on_resume (SyrinxClient *client, gpointer user_data)
{
  Fixture *f = user_data;

  g_mutex_lock (&f->lock);
  f->resumes++;
  g_cond_broadcast (&f->changed);
  g_mutex_unlock (&f->lock);
}

static void
on_closed (SyrinxClient *client, const GError *error, gpointer user_data)
{
  Fixture *f = user_data;

  g_mutex_lock (&f->lock);
  g_assert_false (f->closed);
  f->closed = TRUE;
  f->error = error ? g_error_copy (error) : NULL;
  g_cond_broadcast (&f->changed);
  g_mutex_unlock (&f->lock);
}

static const SyrinxClientFuncs funcs = { on_hold, on_resume, on_closed };

static GIOStream *
wrap_fd (int fd)
{
  GSocket *socket = g_socket_new_from_fd (fd, NULL);
  GIOStream *stream
      = G_IO_STREAM (g_socket_connection_factory_create_connection (socket));

  g_object_unref (socket);
  return stream;
}

static GTlsCertificate *
make_certificate (void)
{
  g_autoptr (GError) error = NULL;
  EVP_PKEY *key = EVP_EC_gen ("P-256");
  X509 *x509 = X509_new ();
  BIO *bio = BIO_new (BIO_s_mem ());
  GTlsCertificate *certificate;
  char *pem;
  long size;

  X509_set_version (x509, 2);
  ASN1_INTEGER_set (X509_get_serialNumber (x509), 1);
  X509_gmtime_adj (X509_getm_notBefore (x509), -60);
  X509_gmtime_adj (X509_getm_notAfter (x509), 3600);
  X509_NAME_add_entry_by_txt (X509_get_subject_name (x509), "CN", MBSTRING_ASC,
      (const guchar *)"localhost", -1, -1, 0);
  X509_set_issuer_name (x509, X509_get_subject_name (x509));
  X509_set_pubkey (x509, key);
  X509_sign (x509, key, EVP_sha256 ());
  PEM_write_bio_X509 (bio, x509);
  PEM_write_bio_PrivateKey (bio, key, NULL, NULL, 0, NULL, NULL);
  size = BIO_get_mem_data (bio, &pem);
  certificate = g_tls_certificate_new_from_pem (pem, size, &error);
  g_assert_no_error (error);
  BIO_free (bio);
  X509_free (x509);
  EVP_PKEY_free (key);
  return certificate;
}

static gboolean
accept_any (GTlsConnection *connection, GTlsCertificate *certificate,
    GTlsCertificateFlags flags, gpointer user_data)
{
  return TRUE;
}

static gpointer
handshake (gpointer stream)
{
  g_tls_connection_handshake (G_TLS_CONNECTION (stream), NULL, NULL);
  return NULL;
}

static void
add_tls (GIOStream **ours, GIOStream **theirs)
{
  g_autoptr (GTlsCertificate) certificate = make_certificate ();
  g_autoptr (GIOStream) our_base = *ours, their_base = *theirs;
  g_autoptr (GError) error = NULL;
  GThread *thread;

  *ours = g_tls_server_connection_new (our_base, certificate, &error);
  g_assert_no_error (error);
  *theirs = g_tls_client_connection_new (their_base, NULL, &error);
  g_assert_no_error (error);
  g_signal_connect (
      *theirs, "accept-certificate", G_CALLBACK (accept_any), NULL);
  thread = g_thread_new ("handshake", handshake, *ours);
  g_tls_connection_handshake (G_TLS_CONNECTION (*theirs), NULL, &error);
  g_assert_no_error (error);
  g_thread_join (thread);
}

static void
set_up (Fixture *f, gboolean tls, const SyrinxClientLimits *limits)
{
  int fds[2];
  GIOStream *ours;

  memset (f, 0, sizeof *f);
  g_mutex_init (&f->lock);
  g_cond_init (&f->changed);
  g_assert_cmpint (
      socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  ours = wrap_fd (fds[0]);
  f->peer = wrap_fd (fds[1]);
  if (tls)
    add_tls (&ours, &f->peer);
  f->loop = syrinx_io_loop_get ();
  f->client = syrinx_io_loop_add (f->loop, ours, limits, &funcs, f);
}

static void
tear_down (Fixture *f)
{
  if (f->client)
    syrinx_client_remove (f->client);
  g_clear_object (&f->peer);
  g_clear_pointer (&f->loop, syrinx_io_loop_unref);
  g_clear_error (&f->error);
  g_mutex_clear (&f->lock);
  g_cond_clear (&f->changed);
}

#define WAIT_FOR(f, condition)                                                 \
  do {                                                                         \
    gint64 until = g_get_monotonic_time () + 8 * G_TIME_SPAN_SECOND;           \
    g_mutex_lock (&(f)->lock);                                                 \
    while (!(condition))                                                       \
      if (!g_cond_wait_until (&(f)->changed, &(f)->lock, until))               \
        g_error ("waited in vain for " #condition);                            \
    g_mutex_unlock (&(f)->lock);                                               \
  } while (0)

/* Sends pieces of 700 bytes whose content depends on their position in the
 * stream. */
static void
send_pattern (Fixture *f, gsize total)
{
  for (gsize sent = 0; sent < total;) {
    gsize size = MIN (700, total - sent);
    guint8 *data = g_malloc (size);
    g_autoptr (GBytes) bytes = g_bytes_new_take (data, size);
    for (gsize i = 0; i < size; i++)
      data[i] = (sent + i) * 31 >> 3;
    if (!syrinx_client_send (f->client, bytes))
      return; /* it has timed out meanwhile, which the reading side checks */
    sent += size;
  }
}

/* Returns: the bytes read until the end, which may also be a cut TLS
 * connection */
static gsize
read_pattern (Fixture *f)
{
  GInputStream *input = g_io_stream_get_input_stream (f->peer);
  guint8 data[8192];
  gssize size;
  gsize got = 0;

  while (
      (size = g_input_stream_read (input, data, sizeof data, NULL, NULL)) > 0) {
    for (gssize i = 0; i < size; i++)
      g_assert_cmpuint (data[i], ==, (guint8)((got + i) * 31 >> 3));
    got += size;
  }
  return got;
}

static void
a_slow_reader_gets_hold_and_resume_and_loses_nothing (gconstpointer tls)
{
  const SyrinxClientLimits limits = { 100000, 20000, 0 };
  const gsize total = 3000000;
  Fixture f;

  set_up (&f, GPOINTER_TO_INT (tls), &limits);
  send_pattern (&f, total);
  /* While data is sent, the queue may also become empty and fill again. */
  WAIT_FOR (&f, f.holds == f.resumes + 1);
  syrinx_client_finish (f.client);
  g_assert_cmpuint (read_pattern (&f), ==, total);
  WAIT_FOR (&f, f.closed);
  g_assert_no_error (f.error);
  g_assert_cmpuint (f.holds, >=, 1);
  g_assert_cmpuint (f.resumes, ==, f.holds);
  g_assert_cmpuint (syrinx_client_get_sent_bytes (f.client), ==, total);
  tear_down (&f);
}

static void
a_reader_that_stops_is_timed_out (gconstpointer tls)
{
  const SyrinxClientLimits limits = { 0, 0, 150 };
  Fixture f;

  set_up (&f, GPOINTER_TO_INT (tls), &limits);
  send_pattern (&f, 3000000);
  WAIT_FOR (&f, f.closed);
  g_assert_error (f.error, SYRINX_ERROR, SYRINX_ERROR_TIMED_OUT);
  g_assert_cmpuint (read_pattern (&f), <, 3000000);
  tear_down (&f);
}

static void
an_idle_client_is_not_timed_out (gconstpointer tls)
{
  const SyrinxClientLimits limits = { 0, 0, 50 };
  Fixture f, other;

  set_up (&f, GPOINTER_TO_INT (tls), &limits);
  set_up (&other, FALSE, &limits);
  send_pattern (&other, 3000000);
  WAIT_FOR (&other, other.closed);
  g_assert_false (f.closed);
  tear_down (&other);
  tear_down (&f);
}

static void
a_vanished_peer_is_noticed_with_nothing_to_send (gconstpointer tls)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("late", 4);
  Fixture f;

  set_up (&f, GPOINTER_TO_INT (tls), NULL);
  g_clear_object (&f.peer);
  WAIT_FOR (&f, f.closed);
  g_assert_error (f.error, SYRINX_ERROR, SYRINX_ERROR_CANCELLED);
  g_assert_false (syrinx_client_send (f.client, bytes));
  tear_down (&f);
}

static void
what_is_dropped_never_leaves (gconstpointer tls)
{
  Fixture f;
  guint64 sent;

  set_up (&f, GPOINTER_TO_INT (tls), NULL);
  send_pattern (&f, 3000000);
  WAIT_FOR (&f, f.holds == f.resumes + 1);
  syrinx_client_drop (f.client);
  sent = syrinx_client_get_sent_bytes (f.client);
  g_assert_cmpuint (syrinx_client_get_queued_bytes (f.client), ==, 0);
  syrinx_client_remove (g_steal_pointer (&f.client));
  g_assert_cmpuint (read_pattern (&f), <=, sent);
  tear_down (&f);
}

static void
a_pipe_is_written_too (void)
{
  g_autoptr (GInputStream) input = g_memory_input_stream_new ();
  g_autoptr (GOutputStream) output = NULL;
  g_autoptr (GError) error = NULL;
  Fixture f;
  int fds[2];
  guint8 data[65536];

  set_up (&f, FALSE, NULL);
  syrinx_client_remove (f.client);
  g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, &error));
  output = g_unix_output_stream_new (fds[1], TRUE);
  f.client = syrinx_io_loop_add (
      f.loop, g_simple_io_stream_new (input, output), NULL, &funcs, &f);
  send_pattern (&f, 1000);
  syrinx_client_finish (f.client);
  WAIT_FOR (&f, f.closed);
  g_assert_cmpint (read (fds[0], data, sizeof data), ==, 1000);
  g_assert_cmpint (read (fds[0], data, sizeof data), ==, 0);
  close (fds[0]);
  tear_down (&f);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const gchar *name;
    GTestDataFunc run;
  } cases[] = {
#define CASE(name) { #name, name }
    CASE (a_slow_reader_gets_hold_and_resume_and_loses_nothing),
    CASE (a_reader_that_stops_is_timed_out),
    CASE (an_idle_client_is_not_timed_out),
    CASE (a_vanished_peer_is_noticed_with_nothing_to_send),
    CASE (what_is_dropped_never_leaves),
  };

  skip_where_refused ();
  g_test_init (&argc, &argv, NULL);
  for (guint tls = 0; tls < 2; tls++)
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
      g_autofree gchar *path = g_strdup_printf (
          "/io-loop/%s/%s", tls ? "tls" : "plain", cases[i].name);
      if (!tls || g_tls_backend_supports_tls (g_tls_backend_get_default ()))
        g_test_add_data_func (path, GUINT_TO_POINTER (tls), cases[i].run);
    }
  g_test_add_func ("/io-loop/a_pipe_is_written_too", a_pipe_is_written_too);
  return g_test_run ();
}
