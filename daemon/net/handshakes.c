/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* TLS handshakes, on non-blocking sockets and without a thread.
 *
 * Life of a newcomer (a connection before its handshake is done): NEW until its
 * ClientHello has arrived, WAITING for a place, then SHAKING; then it is handed
 * over, or cut off. */
#include "handshakes.h"

#include "peer.h"

#include <errno.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECORD_HEAD_BYTES 5
#define MAX_RECORD_BYTES  (16384 + 256) /* RFC 8446, section 5.2 */
#define RECORD_HANDSHAKE  22
#define MAX_STARTS_A_TURN 8 /* each signs, which takes up to a millisecond */
#define RETRY_MS          100
#define TICK_MS           1000
#define MAX_DRAINED_BYTES 65536

typedef enum
{
  NEW,
  WAITING,
  SHAKING,
} Phase;

/* An IPv4 address or IPv6 network that has newcomers. */
typedef struct
{
  gchar *name;
  guint n_newcomers, n_shaking;
  GQueue waiting; /* of Newcomer */
  GList turn;     /* linked in turns while one waits; data is this */
} Client;

typedef struct
{
  SyrinxHandshakes *handshakes;
  Phase phase;
  Client *client;
  gchar *peer;
  SyrinxConnections *connections; /* (nullable) */
  int fd;
  guint64 watch;
  SSL *ssl; /* (nullable) until SHAKING */
  gint64 since_us, shaking_us;
  GList in_all,
      in_phase; /* linked in all; in waiting or shaking. data is this */
} Newcomer;

struct _SyrinxHandshakes
{
  SyrinxHandshakesSettings settings;
  GHashTable *clients; /* name → Client */
  GQueue all;          /* of Newcomer, oldest first */
  GQueue shaking;      /* of Newcomer, in the order in which they started */
  GQueue turns;        /* of Client with a waiting newcomer; the head is next */
  GSource *starter;    /* (nullable): set while one waits */
  gboolean is_soon;    /* starter is due at once */
  GSource *tick;       /* (nullable): set while there are newcomers */
};

static void schedule_start (SyrinxHandshakes *self, guint delay_ms);

/* --- Timers --- */

static void
drop_source (GSource **source)
{
  if (*source)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static GSource *
add_timer (SyrinxHandshakes *self, guint delay_ms, GSourceFunc func)
{
  GSource *source = g_timeout_source_new (delay_ms);

  g_source_set_callback (source, func, self, NULL);
  g_source_attach (source, syrinx_reactor_get_context (self->settings.reactor));
  return source;
}

/* --- Clients --- */

static Client *
join_client (SyrinxHandshakes *self, const gchar *peer)
{
  g_autofree gchar *name = syrinx_peer_get_client (peer);
  Client *client = g_hash_table_lookup (self->clients, name);

  if (!client) {
    client = g_new0 (Client, 1);
    client->name = g_steal_pointer (&name);
    client->turn.data = client;
    g_hash_table_insert (self->clients, client->name, client);
  }
  client->n_newcomers++;
  return client;
}

static void
leave_client (SyrinxHandshakes *self, Client *client)
{
  if (--client->n_newcomers == 0)
    g_hash_table_remove (self->clients, client->name);
}

static void
client_free (gpointer data)
{
  Client *client = data;

  g_free (client->name);
  g_free (client);
}

static void
leave_phase (Newcomer *newcomer)
{
  SyrinxHandshakes *self = newcomer->handshakes;
  Client *client = newcomer->client;

  if (newcomer->phase == SHAKING) {
    g_queue_unlink (&self->shaking, &newcomer->in_phase);
    client->n_shaking--;
  }
  if (newcomer->phase == WAITING) {
    g_queue_unlink (&client->waiting, &newcomer->in_phase);
    if (client->waiting.length == 0)
      g_queue_unlink (&self->turns, &client->turn);
  }
  newcomer->phase = NEW;
}

static void
enter_phase (Newcomer *newcomer, Phase phase)
{
  SyrinxHandshakes *self = newcomer->handshakes;
  Client *client = newcomer->client;

  leave_phase (newcomer);
  newcomer->phase = phase;
  if (phase == SHAKING) {
    g_queue_push_tail_link (&self->shaking, &newcomer->in_phase);
    client->n_shaking++;
  }
  if (phase == WAITING) {
    if (client->waiting.length == 0)
      g_queue_push_tail_link (&self->turns, &client->turn);
    g_queue_push_tail_link (&client->waiting, &newcomer->in_phase);
  }
}

/* --- The end of a newcomer --- */

/* Frees everything but the socket, the SSL and the count of the connection. */
static void
detach (Newcomer *newcomer)
{
  SyrinxHandshakes *self = newcomer->handshakes;

  syrinx_reactor_remove (self->settings.reactor, newcomer->watch);
  leave_phase (newcomer);
  g_queue_unlink (&self->all, &newcomer->in_all);
  leave_client (self, newcomer->client);
  if (self->all.length == 0)
    drop_source (&self->tick);
  if (self->turns.length > 0)
    schedule_start (self, 0);
}

static void
newcomer_free (Newcomer *newcomer)
{
  g_clear_pointer (&newcomer->connections, syrinx_connections_unref);
  g_free (newcomer->peer);
  g_free (newcomer);
}

/* Unread input is dropped first: close() would send a reset for it, and the
 * peer would lose the alert. */
static void
cut_off (Newcomer *newcomer)
{
  detach (newcomer);
  g_clear_pointer (&newcomer->ssl, SSL_free);
  shutdown (newcomer->fd, SHUT_WR);
  (void)!recv (newcomer->fd, NULL, MAX_DRAINED_BYTES, MSG_TRUNC | MSG_DONTWAIT);
  close (newcomer->fd);
  if (newcomer->connections)
    syrinx_connections_give_back (newcomer->connections, newcomer->peer);
  newcomer_free (newcomer);
}

/* The callback may free the handshakes. */
static void
hand_over (Newcomer *newcomer)
{
  const SyrinxHandshakesSettings settings = newcomer->handshakes->settings;
  SyrinxTransport *transport;

  detach (newcomer);
  transport
      = syrinx_transport_new (&(SyrinxTransportSettings){ .fd = newcomer->fd,
          .ssl = newcomer->ssl,
          .peer = newcomer->peer,
          .connections = newcomer->connections });
  newcomer_free (newcomer);
  settings.done (transport, settings.user_data);
}

static gboolean
tick (gpointer user_data)
{
  SyrinxHandshakes *self = user_data;
  gint64 since_us = g_get_monotonic_time ()
                    - SYRINX_HANDSHAKE_TIMEOUT_S * (gint64)G_USEC_PER_SEC;

  while (self->all.head
         && ((Newcomer *)self->all.head->data)->since_us <= since_us)
    cut_off (self->all.head->data);
  return self->tick ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

/* --- Shaking --- */

static void
explain (Newcomer *newcomer)
{
  gchar text[256] = "the connection ended";
  gulong code = ERR_peek_error ();

  if (code)
    ERR_error_string_n (code, text, sizeof text);
  ERR_clear_error ();
  g_info ("a TLS handshake with %s failed: %s", newcomer->peer, text);
}

static void
shake (Newcomer *newcomer)
{
  SyrinxReactor *reactor = newcomer->handshakes->settings.reactor;
  int result, why;

  ERR_clear_error ();
  result = SSL_do_handshake (newcomer->ssl);
  if (result == 1) {
    hand_over (newcomer);
    return;
  }
  why = SSL_get_error (newcomer->ssl, result);
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
    syrinx_reactor_set_events (reactor, newcomer->watch,
        why == SSL_ERROR_WANT_READ ? EPOLLIN : EPOLLOUT);
    return;
  }
  explain (newcomer);
  cut_off (newcomer);
}

/* One step never completes a handshake: the client's Finished follows ours. */
static void
start (Newcomer *newcomer)
{
  const SyrinxHandshakesSettings *settings = &newcomer->handshakes->settings;

  newcomer->ssl = syrinx_tls_context_accept (settings->tls, settings->alpn);
  if (!newcomer->ssl || SSL_set_fd (newcomer->ssl, newcomer->fd) != 1) {
    explain (newcomer);
    cut_off (newcomer);
    return;
  }
  enter_phase (newcomer, SHAKING);
  newcomer->shaking_us = g_get_monotonic_time ();
  shake (newcomer);
}

/* --- Places --- */

/* The next client that waits and may have one more place. (nullable) */
static Client *
find_turn (SyrinxHandshakes *self)
{
  for (GList *l = self->turns.head; l; l = l->next) {
    Client *client = l->data;
    if (client->n_shaking < SYRINX_MAX_HANDSHAKES_PER_CLIENT)
      return client;
  }
  return NULL;
}

/* The newcomer to be cut off for @waiting or, if that is NULL, for a client
 * that has all places that one client may have. (nullable): none has had its
 * place for long enough. */
static Newcomer *
find_slowest (SyrinxHandshakes *self, const Client *waiting)
{
  gint64 since_us
      = g_get_monotonic_time () - SYRINX_HANDSHAKE_GRACE_MS * (gint64)1000;
  Newcomer *slowest = NULL;

  for (GList *l = self->shaking.head; l; l = l->next) {
    Newcomer *newcomer = l->data;
    if (newcomer->shaking_us > since_us)
      break;
    if (!waiting && newcomer->client->waiting.length == 0)
      continue;
    if (!slowest || newcomer->client->n_shaking > slowest->client->n_shaking)
      slowest = newcomer;
  }
  return slowest;
}

/* FALSE: no place can be given now. */
static gboolean
give_place (SyrinxHandshakes *self)
{
  Client *client = find_turn (self);
  Newcomer *slowest;

  if (self->turns.length == 0)
    return FALSE;
  if (client && self->shaking.length < SYRINX_MAX_HANDSHAKES) {
    g_queue_unlink (&self->turns, &client->turn);
    g_queue_push_tail_link (&self->turns, &client->turn);
    start (client->waiting.head->data);
    return TRUE;
  }
  slowest = find_slowest (self, client);
  if (!slowest)
    return FALSE;
  g_info ("%s takes too long for its TLS handshake, and others wait",
      slowest->peer);
  cut_off (slowest);
  return TRUE;
}

static gboolean
start_some (gpointer user_data)
{
  SyrinxHandshakes *self = user_data;
  gboolean is_given = TRUE;

  drop_source (&self->starter);
  if (self->turns.length > 0)
    schedule_start (self, RETRY_MS);
  for (guint i = 0; is_given && i < MAX_STARTS_A_TURN; i++)
    is_given = give_place (self);
  if (is_given && self->turns.length > 0)
    schedule_start (self, 0);
  return G_SOURCE_REMOVE;
}

/* Moves the start forward if it is scheduled for later. */
static void
schedule_start (SyrinxHandshakes *self, guint delay_ms)
{
  if (self->starter && (self->is_soon || delay_ms > 0))
    return;
  drop_source (&self->starter);
  self->is_soon = delay_ms == 0;
  self->starter = add_timer (self, delay_ms, start_some);
}

/* --- The ClientHello --- */

/* Makes the socket readable only once @n_bytes have arrived. */
static void
wake_at (Newcomer *newcomer, int n_bytes)
{
  setsockopt (newcomer->fd, SOL_SOCKET, SO_RCVLOWAT, &n_bytes, sizeof n_bytes);
}

/* The length of the ClientHello; 0 if more bytes are needed to tell, -1 if this
 * is no ClientHello. */
static int
measure_hello (const guint8 *head, gssize n_bytes)
{
  gint length;

  if (n_bytes < 1 || head[0] != RECORD_HANDSHAKE)
    return -1;
  if (n_bytes < RECORD_HEAD_BYTES)
    return 0;
  length = RECORD_HEAD_BYTES + (head[3] << 8 | head[4]);
  return head[1] == 3 && length <= MAX_RECORD_BYTES ? length : -1;
}

static void
turn_away (Newcomer *newcomer, gboolean is_text)
{
  const gchar *answer = newcomer->handshakes->settings.plain_answer;

  if (is_text && answer)
    (void)!send (
        newcomer->fd, answer, strlen (answer), MSG_NOSIGNAL | MSG_DONTWAIT);
  cut_off (newcomer);
}

static void
look_at_hello (Newcomer *newcomer)
{
  guint8 head[MAX_RECORD_BYTES];
  gssize n_bytes
      = recv (newcomer->fd, head, sizeof head, MSG_PEEK | MSG_DONTWAIT);
  int length;

  if (n_bytes < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  length = measure_hello (head, n_bytes);
  if (length < 0) {
    turn_away (newcomer, n_bytes > 0 && g_ascii_isupper (head[0]));
  } else if (length == 0 || n_bytes < length) {
    wake_at (newcomer, length ? length : RECORD_HEAD_BYTES);
  } else {
    wake_at (newcomer, 1);
    syrinx_reactor_set_events (
        newcomer->handshakes->settings.reactor, newcomer->watch, 0);
    enter_phase (newcomer, WAITING);
    schedule_start (newcomer->handshakes, 0);
  }
}

static void
ready (guint32 events, gpointer user_data)
{
  Newcomer *newcomer = user_data;

  if (newcomer->phase == SHAKING)
    shake (newcomer);
  else if (events & (EPOLLHUP | EPOLLERR))
    cut_off (newcomer);
  else if (newcomer->phase == NEW)
    look_at_hello (newcomer);
}

/* --- Life --- */

void
syrinx_handshakes_add (SyrinxHandshakes *self, int fd, const gchar *peer,
    SyrinxConnections *connections)
{
  Newcomer *newcomer = g_new0 (Newcomer, 1);

  newcomer->handshakes = self;
  newcomer->fd = fd;
  newcomer->peer = g_strdup (peer);
  newcomer->client = join_client (self, peer);
  newcomer->since_us = g_get_monotonic_time ();
  newcomer->in_all.data = newcomer->in_phase.data = newcomer;
  if (connections)
    newcomer->connections = syrinx_connections_ref (connections);
  g_queue_push_tail_link (&self->all, &newcomer->in_all);
  if (!self->tick)
    self->tick = add_timer (self, TICK_MS, tick);
  newcomer->watch = syrinx_reactor_add (
      self->settings.reactor, fd, EPOLLIN, ready, newcomer);
  if (!newcomer->watch)
    cut_off (newcomer);
}

SyrinxHandshakes *
syrinx_handshakes_new (const SyrinxHandshakesSettings *settings)
{
  SyrinxHandshakes *self = g_new0 (SyrinxHandshakes, 1);

  self->settings = *settings;
  syrinx_tls_context_ref (settings->tls);
  self->clients
      = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, client_free);
  return self;
}

void
syrinx_handshakes_free (SyrinxHandshakes *self)
{
  while (self->all.head)
    cut_off (self->all.head->data);
  drop_source (&self->starter);
  drop_source (&self->tick);
  g_hash_table_unref (self->clients);
  syrinx_tls_context_unref (self->settings.tls);
  g_free (self);
}
