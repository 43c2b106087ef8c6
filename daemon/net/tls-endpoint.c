/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The front of HTTPS.
 *
 * GIO gives every handshake a thread, for as long as it lasts. So a newcomer
 * gets none before its whole ClientHello is there, so many have one at a time,
 * and an address so many of them; the others wait their turn. All of it must be
 * done within HANDSHAKE_TIMEOUT_S. */
#include "tls-endpoint.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#define BACKLOG                    4096
#define HEAD_TIMEOUT_S             10
#define IDLE_TIMEOUT_S             60
#define HANDSHAKE_TIMEOUT_S        10
#define MAX_HANDSHAKES             64
#define MAX_HANDSHAKES_PER_ADDRESS 16
#define RECORD_HEAD_BYTES          5
#define MAX_RECORD_BYTES           (16384 + 256) /* RFC 8446, section 5.2 */
#define RECORD_HANDSHAKE           22
#define ACCEPT_PAUSE_MS            100
#define DEADLINE_KEY               "syrinx-head-deadline"

struct _SyrinxTlsFront
{
  SyrinxEngine *engine;
  SyrinxConnections *connections;
  SyrinxConnections *shaking; /* those that have a thread */
  SyrinxHandOver hand_over;
  gpointer user_data;
  GSocket *listening;
  GSource *acceptable;
  guint pause;
  guint n_shaking;
  GQueue newcomers; /* Newcomer: all of them */
  GQueue waiting;   /* Newcomer: whose hello is there */
};

typedef struct
{
  SyrinxTlsFront *front; /* NULL: it is gone, and this one is cancelled */
  GSocketConnection *base;
  GTlsConnection *tls; /* (nullable) */
  gchar *host;
  GCancellable *cancellable;
  GSource *readable; /* (nullable) */
  guint deadline;
  gboolean is_shaking;
} Newcomer;

static void shake_next (SyrinxTlsFront *front);

/* --- The end of a newcomer --- */

static void
stop_reading (Newcomer *newcomer)
{
  if (newcomer->readable)
    g_source_destroy (newcomer->readable);
  g_clear_pointer (&newcomer->readable, g_source_unref);
}

static void
newcomer_free (Newcomer *newcomer)
{
  stop_reading (newcomer);
  g_clear_handle_id (&newcomer->deadline, g_source_remove);
  if (newcomer->front) {
    g_queue_remove (&newcomer->front->newcomers, newcomer);
    g_queue_remove (&newcomer->front->waiting, newcomer);
  }
  g_clear_object (&newcomer->tls);
  g_object_unref (newcomer->base);
  g_object_unref (newcomer->cancellable);
  g_free (newcomer->host);
  g_free (newcomer);
}

static void
turn_away (Newcomer *newcomer)
{
  g_socket_close (g_socket_connection_get_socket (newcomer->base), NULL);
  newcomer_free (newcomer);
}

static gboolean
time_is_up (gpointer data)
{
  Newcomer *newcomer = data;

  newcomer->deadline = 0;
  if (newcomer->is_shaking)
    g_cancellable_cancel (newcomer->cancellable); /* see shaken() */
  else
    turn_away (newcomer);
  return G_SOURCE_REMOVE;
}

/* --- A handshake has given way to silence --- */

typedef struct
{
  GWeakRef base; /* GSocketConnection */
  guint source;
} Deadline;

static void
deadline_free (gpointer data)
{
  Deadline *deadline = data;

  g_clear_handle_id (&deadline->source, g_source_remove);
  g_weak_ref_clear (&deadline->base);
  g_free (deadline);
}

static gboolean
no_request_came (gpointer data)
{
  Deadline *deadline = data;
  g_autoptr (GSocketConnection) base = g_weak_ref_get (&deadline->base);

  deadline->source = 0;
  if (base)
    g_socket_shutdown (g_socket_connection_get_socket (base), TRUE, TRUE, NULL);
  return G_SOURCE_REMOVE;
}

static void
expect_request (GSocketConnection *base)
{
  g_autoptr (GSocketAddress) remote
      = g_socket_connection_get_remote_address (base, NULL);
  Deadline *deadline;

  if (!remote)
    return;
  deadline = g_new0 (Deadline, 1);
  g_weak_ref_init (&deadline->base, base);
  deadline->source
      = g_timeout_add_seconds (HEAD_TIMEOUT_S, no_request_came, deadline);
  g_object_set_data_full (
      G_OBJECT (remote), DEADLINE_KEY, deadline, deadline_free);
}

void
syrinx_tls_front_note_request (GSocketAddress *remote)
{
  g_object_set_data (G_OBJECT (remote), DEADLINE_KEY, NULL);
}

/* --- Handshakes --- */

static gboolean
is_modern (GTlsConnection *tls)
{
  GTlsProtocolVersion version = g_tls_connection_get_protocol_version (tls);

  return version == G_TLS_PROTOCOL_VERSION_TLS_1_2
         || version == G_TLS_PROTOCOL_VERSION_TLS_1_3;
}

static void
shaken (GObject *source, GAsyncResult *result, gpointer data)
{
  Newcomer *newcomer = data;
  SyrinxTlsFront *front = newcomer->front;
  g_autoptr (GError) error = NULL;
  gboolean done
      = g_tls_connection_handshake_finish (newcomer->tls, result, &error);

  if (front) {
    front->n_shaking--;
    syrinx_connections_give_back (front->shaking, newcomer->host);
  }
  if (!done)
    g_info (
        "a TLS handshake with %s failed: %s", newcomer->host, error->message);
  if (!done || !front || !is_modern (newcomer->tls)) {
    turn_away (newcomer);
  } else {
    g_autoptr (GSocketConnection) base = g_object_ref (newcomer->base);
    g_autoptr (GTlsConnection) tls = g_object_ref (newcomer->tls);
    newcomer_free (newcomer);
    expect_request (base);
    front->hand_over (base, G_IO_STREAM (tls), front->user_data);
  }
  if (front)
    shake_next (front);
}

static void
shake (Newcomer *newcomer)
{
  static const gchar *const protocols[] = { "http/1.1", NULL };
  SyrinxTlsFront *front = newcomer->front;
  g_autoptr (GError) error = NULL;
  g_autoptr (GIOStream) stream
      = g_tls_server_connection_new (G_IO_STREAM (newcomer->base),
          syrinx_engine_get_certificate (front->engine), &error);

  if (!stream) {
    g_warning ("TLS does not begin: %s", error->message);
    syrinx_connections_give_back (front->shaking, newcomer->host);
    turn_away (newcomer);
    return;
  }
  newcomer->tls = G_TLS_CONNECTION (g_steal_pointer (&stream));
  newcomer->is_shaking = TRUE;
  front->n_shaking++;
  g_tls_connection_set_advertised_protocols (newcomer->tls, protocols);
  g_tls_connection_set_require_close_notify (newcomer->tls, FALSE);
  g_tls_connection_handshake_async (newcomer->tls, G_PRIORITY_DEFAULT,
      newcomer->cancellable, shaken, newcomer);
}

/* The longest waiting whose address may have another thread. */
static void
shake_next (SyrinxTlsFront *front)
{
  GList *link = front->waiting.head;

  while (link && front->n_shaking < MAX_HANDSHAKES) {
    Newcomer *newcomer = link->data;
    GList *here = link;
    link = link->next;
    if (!syrinx_connections_take (
            front->shaking, newcomer->host, MAX_HANDSHAKES_PER_ADDRESS))
      continue;
    g_queue_delete_link (&front->waiting, here);
    shake (newcomer);
  }
}

/* --- The ClientHello --- */

/* Has the socket count as readable from so many bytes on. */
static void
wake_at (Newcomer *newcomer, int n_bytes)
{
  setsockopt (g_socket_get_fd (g_socket_connection_get_socket (newcomer->base)),
      SOL_SOCKET, SO_RCVLOWAT, &n_bytes, sizeof n_bytes);
}

static void
explain_port (int fd)
{
  static const gchar answer[]
      = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: "
        "text/plain\r\nContent-Length: 28\r\n\r\nThis port speaks HTTPS only\n";

  send (fd, answer, sizeof answer - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* The hello's length, 0 if more must come to tell, -1 if it is none. */
static int
measure_hello (const guint8 *head, gssize n_bytes)
{
  gint length;

  if (n_bytes < 1)
    return -1;
  if (head[0] != RECORD_HANDSHAKE)
    return -1;
  if (n_bytes < RECORD_HEAD_BYTES)
    return 0;
  length = RECORD_HEAD_BYTES + (head[3] << 8 | head[4]);
  return head[1] == 3 && length <= MAX_RECORD_BYTES ? length : -1;
}

static gboolean
hello_came (GSocket *socket, GIOCondition condition, gpointer data)
{
  Newcomer *newcomer = data;
  SyrinxTlsFront *front = newcomer->front;
  guint8 head[MAX_RECORD_BYTES];
  int fd = g_socket_get_fd (socket);
  gssize n_bytes = recv (fd, head, sizeof head, MSG_PEEK | MSG_DONTWAIT);
  int length;

  if (n_bytes < 0 && (errno == EAGAIN || errno == EINTR))
    return G_SOURCE_CONTINUE;
  length = measure_hello (head, n_bytes);
  if (length < 0 || condition & (G_IO_HUP | G_IO_ERR)) {
    if (n_bytes > 0 && g_ascii_isupper (head[0]))
      explain_port (fd);
    turn_away (newcomer);
    return G_SOURCE_REMOVE;
  }
  if (n_bytes < length || length == 0) {
    wake_at (newcomer, length ? length : RECORD_HEAD_BYTES);
    return G_SOURCE_CONTINUE;
  }
  wake_at (newcomer, 1);
  stop_reading (newcomer);
  g_queue_push_tail (&front->waiting, newcomer);
  shake_next (front);
  return G_SOURCE_REMOVE;
}

/* --- Accepting --- */

static void
add_newcomer (SyrinxTlsFront *front, GSocket *socket, const gchar *host)
{
  Newcomer *newcomer = g_new0 (Newcomer, 1);

  newcomer->front = front;
  newcomer->host = g_strdup (host);
  newcomer->base = g_socket_connection_factory_create_connection (socket);
  newcomer->cancellable = g_cancellable_new ();
  syrinx_connections_tie (front->connections, host, G_OBJECT (newcomer->base));
  g_queue_push_tail (&front->newcomers, newcomer);
  g_socket_set_option (socket, IPPROTO_TCP, TCP_NODELAY, 1, NULL);
  newcomer->deadline
      = g_timeout_add_seconds (HANDSHAKE_TIMEOUT_S, time_is_up, newcomer);
  newcomer->readable = g_socket_create_source (socket, G_IO_IN, NULL);
  g_source_set_callback (
      newcomer->readable, G_SOURCE_FUNC (hello_came), newcomer, NULL);
  g_source_attach (newcomer->readable, NULL);
  g_socket_set_timeout (socket, IDLE_TIMEOUT_S);
}

static gchar *
describe_host (GSocket *socket)
{
  g_autoptr (GSocketAddress) address
      = g_socket_get_remote_address (socket, NULL);

  return G_IS_INET_SOCKET_ADDRESS (address)
             ? g_inet_address_to_string (g_inet_socket_address_get_address (
                 G_INET_SOCKET_ADDRESS (address)))
             : g_strdup ("local");
}

static gboolean
on_acceptable (GSocket *listening, GIOCondition condition, gpointer data);

static gboolean
watch_listening (gpointer data)
{
  SyrinxTlsFront *front = data;

  front->pause = 0;
  front->acceptable = g_socket_create_source (front->listening, G_IO_IN, NULL);
  g_source_set_callback (
      front->acceptable, G_SOURCE_FUNC (on_acceptable), front, NULL);
  g_source_attach (front->acceptable, NULL);
  return G_SOURCE_REMOVE;
}

static void
stop_accepting (SyrinxTlsFront *front)
{
  if (front->acceptable)
    g_source_destroy (front->acceptable);
  g_clear_pointer (&front->acceptable, g_source_unref);
}

static guint
get_max_connections (SyrinxEngine *engine, const gchar *host)
{
  return syrinx_gateway_is_proxy (syrinx_engine_get_gateway (engine), host)
             ? G_MAXUINT
             : syrinx_engine_get_config (engine)->max_connections_per_address;
}

/* FALSE: out of descriptors or memory; those who wait stay in the backlog. */
static gboolean
accept_one (SyrinxTlsFront *front, GError **error)
{
  g_autoptr (GSocket) socket = g_socket_accept (front->listening, NULL, error);
  g_autofree gchar *host = NULL;

  if (!socket)
    return FALSE;
  host = describe_host (socket);
  if (syrinx_connections_take (
          front->connections, host, get_max_connections (front->engine, host)))
    add_newcomer (front, socket, host);
  return TRUE;
}

static gboolean
on_acceptable (GSocket *listening, GIOCondition condition, gpointer data)
{
  SyrinxTlsFront *front = data;
  g_autoptr (GError) error = NULL;

  while (accept_one (front, &error))
    continue;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)
      || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED))
    return G_SOURCE_CONTINUE;
  g_warning ("can't take connections for a moment: %s", error->message);
  stop_accepting (front);
  front->pause = g_timeout_add (ACCEPT_PAUSE_MS, watch_listening, front);
  return G_SOURCE_REMOVE;
}

/* --- Life --- */

static GSocket *
listen_on (GSocketAddress *address, GError **error)
{
  g_autoptr (GSocket) socket
      = g_socket_new (g_socket_address_get_family (address),
          G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, error);

  if (!socket)
    return NULL;
  g_socket_set_blocking (socket, FALSE);
  g_socket_set_listen_backlog (socket, BACKLOG);
  if (!g_socket_bind (socket, address, TRUE, error)
      || !g_socket_listen (socket, error))
    return NULL;
  return g_steal_pointer (&socket);
}

SyrinxTlsFront *
syrinx_tls_front_new (SyrinxEngine *engine, GSocketAddress *address,
    SyrinxConnections *connections, SyrinxHandOver hand_over,
    gpointer user_data, GError **error)
{
  GSocket *listening = listen_on (address, error);
  SyrinxTlsFront *front;

  if (!listening)
    return NULL;
  front = g_new0 (SyrinxTlsFront, 1);
  front->engine = engine;
  front->connections = syrinx_connections_ref (connections);
  front->shaking = syrinx_connections_new ();
  front->hand_over = hand_over;
  front->user_data = user_data;
  front->listening = listening;
  watch_listening (front);
  return front;
}

void
syrinx_tls_front_free (SyrinxTlsFront *front)
{
  Newcomer *newcomer;

  while ((newcomer = g_queue_pop_head (&front->newcomers))) {
    newcomer->front = NULL;
    if (newcomer->is_shaking)
      g_cancellable_cancel (newcomer->cancellable); /* see shaken() */
    else
      turn_away (newcomer);
  }
  g_queue_clear (&front->waiting);
  stop_accepting (front);
  g_clear_handle_id (&front->pause, g_source_remove);
  g_object_unref (front->listening);
  syrinx_connections_unref (front->connections);
  syrinx_connections_unref (front->shaking);
  g_free (front);
}

GSocketAddress *
syrinx_tls_front_get_address (SyrinxTlsFront *front)
{
  return g_socket_get_local_address (front->listening, NULL);
}
