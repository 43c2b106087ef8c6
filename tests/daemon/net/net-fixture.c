/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An endpoint and its clients. */
#include "net-fixture.h"

#include <netinet/in.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_TIMEOUT_S 20

static void
run (const gchar *command)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *noise = NULL;
  gint status;

  g_spawn_command_line_sync (command, NULL, &noise, &status, &error);
  g_assert_no_error (error);
  g_assert_true (g_spawn_check_wait_status (status, NULL));
}

void
net_make_pair (const gchar *dir, const gchar *name, const gchar *options)
{
  g_autofree gchar *command
      = g_strdup_printf ("openssl req -x509 %s -nodes -days 2 -subj /CN=%s "
                         "-keyout %s/%s.key -out %s/%s.crt",
          options, name, dir, name, dir, name);

  run (command);
}

static guint
get_max (const gchar *peer, gpointer user_data)
{
  return ((NetFixture *)user_data)->max;
}

static void
accepted (SyrinxTransport *transport, gpointer user_data)
{
  g_ptr_array_add (((NetFixture *)user_data)->accepted, transport);
}

static void
make_context (NetFixture *f)
{
  g_autoptr (GError) error = NULL;

  f->dir = g_dir_make_tmp ("syrinx-net-XXXXXX", &error);
  g_assert_no_error (error);
  net_make_pair (
      f->dir, "first", "-newkey ec -pkeyopt ec_paramgen_curve:P-256");
  f->certificate = g_build_filename (f->dir, "first.crt", NULL);
  f->key = g_build_filename (f->dir, "first.key", NULL);
  f->tls = syrinx_tls_context_new (f->certificate, f->key, &error);
  g_assert_no_error (error);
}

void
net_set_up (NetFixture *f, gconstpointer is_tls)
{
  g_autoptr (GError) error = NULL;

  if (is_tls)
    make_context (f);
  f->max = 1000;
  f->accepted
      = g_ptr_array_new_with_free_func ((GDestroyNotify)syrinx_transport_unref);
  f->connections = syrinx_connections_new ();
  f->reactor = syrinx_reactor_new (NULL, &error);
  g_assert_no_error (error);
  f->endpoint = syrinx_endpoint_new (
      &(SyrinxEndpointSettings){ .address = "127.0.0.1:0",
          .option = "--test",
          .tls = f->tls,
          .alpn = "http/1.1",
          .plain_answer = "this port speaks TLS only\n",
          .reactor = f->reactor,
          .connections = f->connections,
          .get_max = get_max,
          .accepted = accepted,
          .user_data = f },
      &error);
  g_assert_no_error (error);
  f->port = g_inet_socket_address_get_port (
      G_INET_SOCKET_ADDRESS (syrinx_endpoint_get_address (f->endpoint)));
}

static gboolean
note_timeout (gpointer is_over)
{
  *(gboolean *)is_over = TRUE;
  return G_SOURCE_REMOVE;
}

void
net_wait (gboolean (*is_true) (gpointer data), gpointer data, const gchar *what,
    guint timeout_s)
{
  gboolean is_over = FALSE;
  guint timer = g_timeout_add_seconds (timeout_s, note_timeout, &is_over);

  while (!is_true (data)) {
    if (is_over)
      g_error ("waited %u s for %s in vain", timeout_s, what);
    g_main_context_iteration (NULL, TRUE);
  }
  if (!is_over)
    g_source_remove (timer);
}

/* The I/O loop's thread may drop the last reference. */
static gboolean
is_empty (gpointer connections)
{
  g_usleep (1000);
  g_main_context_wakeup (NULL);
  return syrinx_connections_count (connections, "127.0.0.1") == 0;
}

void
net_tear_down (NetFixture *f, gconstpointer is_tls)
{
  g_ptr_array_unref (f->accepted);
  g_clear_pointer (&f->endpoint, syrinx_endpoint_free);
  syrinx_reactor_free (f->reactor);
  net_wait (is_empty, f->connections, "every place to be given back", 5);
  syrinx_connections_unref (f->connections);
  g_clear_pointer (&f->tls, syrinx_tls_context_unref);
  if (f->dir) {
    g_autofree gchar *command = g_strdup_printf ("rm -r '%s'", f->dir);
    run (command);
  }
  g_free (f->dir);
  g_free (f->certificate);
  g_free (f->key);
}

typedef struct
{
  NetFixture *fixture;
  guint n;
} Accepted;

static gboolean
are_accepted (gpointer data)
{
  Accepted *wanted = data;

  return wanted->fixture->accepted->len >= wanted->n;
}

void
net_wait_for_accepted (NetFixture *fixture, guint n)
{
  Accepted wanted = { fixture, n };

  net_wait (are_accepted, &wanted, "the transports", 20);
}

static gboolean
is_done (gpointer data)
{
  return g_atomic_int_get ((gint *)data);
}

typedef struct
{
  GThread *thread;
  gpointer result;
  gint done;
} Join;

static gpointer
join (gpointer data)
{
  Join *self = data;

  self->result = g_thread_join (self->thread);
  g_atomic_int_set (&self->done, TRUE);
  g_main_context_wakeup (NULL);
  return NULL;
}

gpointer
net_join (GThread *thread)
{
  Join self = { thread, NULL, FALSE };
  GThread *joiner = g_thread_new ("join", join, &self);

  net_wait (is_done, &self.done, "a client", 60);
  g_thread_join (joiner);
  return self.result;
}

int
net_connect (NetFixture *fixture)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
    .sin_port = htons (fixture->port),
    .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  struct timeval timeout = { .tv_sec = READ_TIMEOUT_S };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (fd, >=, 0);
  setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  g_assert_cmpint (
      connect (fd, (struct sockaddr *)&address, sizeof address), ==, 0);
  return fd;
}

/* --- OpenSSL's client --- */

static void
make_client_context (NetClient *client)
{
  client->context = SSL_CTX_new (TLS_client_method ());
  SSL_CTX_set_session_cache_mode (client->context, SSL_SESS_CACHE_OFF);
  if (client->version) {
    SSL_CTX_set_min_proto_version (client->context, client->version);
    SSL_CTX_set_max_proto_version (client->context, client->version);
  }
  if (client->ciphers)
    SSL_CTX_set_cipher_list (client->context, client->ciphers);
  if (client->alpn)
    SSL_CTX_set_alpn_protos (client->context,
        (const unsigned char *)client->alpn, strlen (client->alpn));
}

gboolean
net_client_connect (NetClient *client)
{
  make_client_context (client);
  if (client->fd < 0)
    client->fd = net_connect (client->fixture);
  client->ssl = SSL_new (client->context);
  SSL_set_fd (client->ssl, client->fd);
  if (client->session)
    SSL_set_session (client->ssl, client->session);
  ERR_clear_error ();
  if (SSL_connect (client->ssl) == 1)
    return TRUE;
  g_test_message (
      "no handshake: %s", ERR_error_string (ERR_peek_error (), NULL));
  ERR_clear_error ();
  g_clear_pointer (&client->ssl, SSL_free);
  return FALSE;
}

static gpointer
connect_in_thread (gpointer client)
{
  return GINT_TO_POINTER (net_client_connect (client));
}

gboolean
net_client_connect_beside (NetClient *client)
{
  return GPOINTER_TO_INT (
      net_join (g_thread_new ("client", connect_in_thread, client)));
}

void
net_client_leave (NetClient *client)
{
  if (client->ssl) {
    g_clear_pointer (&client->session, SSL_SESSION_free);
    client->session = SSL_get1_session (client->ssl);
    /* Without close_notify OpenSSL invalidates the session; a second call would
     * wait for the peer's. */
    if (!(SSL_get_shutdown (client->ssl) & SSL_SENT_SHUTDOWN))
      SSL_shutdown (client->ssl);
  }
  g_clear_pointer (&client->ssl, SSL_free);
  g_clear_pointer (&client->context, SSL_CTX_free);
  if (client->fd >= 0)
    close (client->fd);
  client->fd = -1;
}

void
net_client_clear (NetClient *client)
{
  net_client_leave (client);
  g_clear_pointer (&client->session, SSL_SESSION_free);
}
