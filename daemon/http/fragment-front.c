/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The front: takes connections and answers plain requests for fragments.
 *
 * All sockets are in one epoll set, edge-triggered, so that the main loop polls
 * one descriptor however many connections there are. A request is looked at
 * (MSG_PEEK) and taken out of the socket only if it is answered here: another
 * owner finds the connection as it came. */
#include "fragment-front.h"

#include "daemon/sessions/fragment-wait.h"
#include "http-request.h"

#include "core/base/error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib-unix.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG            4096
#define MAX_EVENTS         128
#define MAX_REQUEST_BYTES  (16 * 1024)
#define MAX_DRAINS         64
#define MAX_HEADERS        32
#define MAX_LENGTH_DIGITS  18
#define MAX_PATH_BYTES     256
#define MAX_RESPONSE_HEAD  768
#define MAX_ANSWERS_A_TURN 16
#define ACCEPT_PAUSE_MS    100
#define EVENTS             (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)
#define GONE               (EPOLLRDHUP | EPOLLHUP | EPOLLERR)

/* libh2o's picohttpparser, whose header Debian leaves out. */
struct phr_header
{
  const char *name;
  size_t name_len;
  const char *value;
  size_t value_len;
};
int phr_parse_request (const char *buffer, size_t length, const char **method,
    size_t *method_length, const char **path, size_t *path_length,
    int *minor_version, struct phr_header *headers, size_t *n_headers,
    size_t last_length);

typedef enum
{
  PHASE_HEAD,    /* a request has begun to come, or the first one has not */
  PHASE_IDLE,    /* between requests */
  PHASE_WAITING, /* for a fragment that is being made */
  PHASE_SENDING,
  N_PHASES
} Phase;

static const gint64 max_phase_s[N_PHASES]
    = { [PHASE_HEAD] = SYRINX_HEAD_TIMEOUT_S,
        [PHASE_IDLE] = SYRINX_IDLE_TIMEOUT_S,
        [PHASE_WAITING] = 30,
        [PHASE_SENDING] = 30 };

typedef struct
{
  SyrinxFront *front;
  int fd;
  gchar *host;
  Phase phase;
  gint64 since_us;
  GList link; /* in front->phases[phase] */
  gsize request_bytes;
  SyrinxSession *session;
  SyrinxFragmentWait *wait;
  gchar head[MAX_RESPONSE_HEAD];
  gsize head_bytes, sent_bytes;
  GBytes *body;
  gboolean is_last; /* closed when this has been sent */
} Connection;

struct _SyrinxFront
{
  SyrinxEngine *engine;
  SyrinxFrontFuncs funcs;
  gpointer user_data;
  GSocket *listening;
  int epoll_fd;
  guint source, reaper, pause;
  GQueue phases[N_PHASES]; /* of Connection, longest in it first */
  SyrinxConnections *connections;
  gint64 date_s;
  gchar date[32];
  gchar *fixed_head; /* the lines that all answers have */
};

typedef struct
{
  guint status;
  const gchar *title, *headers, *detail;
} Refusal;

static const Refusal unframed = { 400, "Bad Request", "",
  "a body is chunked, or has a length in digits" };
static const Refusal too_long = { 431, "Request Header Fields Too Large", "",
  "a request's head is at most 16 KiB" };
static const Refusal too_late = { 503, "Service Unavailable",
  "Retry-After: 2\r\n", "the fragment did not come in time; ask again" };

static void serve (Connection *connection);

/* --- Time-outs --- */

static void close_connection (Connection *connection);
static void schedule_reaper (SyrinxFront *front, gint64 now_us);

static gboolean
reap (gpointer data)
{
  SyrinxFront *front = data;
  gint64 now_us = g_get_monotonic_time ();

  front->reaper = 0;
  for (guint i = 0; i < N_PHASES; i++) {
    Connection *oldest;
    while ((oldest = g_queue_peek_head (&front->phases[i]))
           && oldest->since_us + max_phase_s[i] * G_USEC_PER_SEC <= now_us)
      close_connection (oldest);
  }
  schedule_reaper (front, now_us);
  return G_SOURCE_REMOVE;
}

/* One timer for all, and none while nobody is connected. */
static void
schedule_reaper (SyrinxFront *front, gint64 now_us)
{
  gint64 next_us = G_MAXINT64;

  if (front->reaper)
    return;
  for (guint i = 0; i < N_PHASES; i++) {
    Connection *oldest = g_queue_peek_head (&front->phases[i]);
    if (oldest)
      next_us
          = MIN (next_us, oldest->since_us + max_phase_s[i] * G_USEC_PER_SEC);
  }
  if (next_us != G_MAXINT64)
    front->reaper = g_timeout_add_seconds (
        MAX (next_us - now_us, 0) / G_USEC_PER_SEC + 1, reap, front);
}

/* Being in a phase counts from when it began, or from when data last went. */
static void
enter (Connection *connection, Phase phase)
{
  SyrinxFront *front = connection->front;

  g_queue_unlink (&front->phases[connection->phase], &connection->link);
  connection->phase = phase;
  connection->since_us = g_get_monotonic_time ();
  g_queue_push_tail_link (&front->phases[phase], &connection->link);
  schedule_reaper (front, connection->since_us);
}

/* --- The end of a connection here --- */

static void
forget_answer (Connection *connection)
{
  g_clear_pointer (&connection->wait, syrinx_fragment_wait_cancel);
  g_clear_pointer (&connection->body, g_bytes_unref);
  g_clear_object (&connection->session);
}

static void
free_connection (Connection *connection)
{
  SyrinxFront *front = connection->front;

  forget_answer (connection);
  g_queue_unlink (&front->phases[connection->phase], &connection->link);
  g_free (connection->host);
  g_free (connection);
}

static void
close_connection (Connection *connection)
{
  close (connection->fd);
  syrinx_connections_give_back (
      connection->front->connections, connection->host);
  free_connection (connection);
}

static void
hand_over (Connection *connection)
{
  SyrinxFront *front = connection->front;
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) socket = NULL;
  g_autoptr (GSocketConnection) stream = NULL;

  epoll_ctl (front->epoll_fd, EPOLL_CTL_DEL, connection->fd, NULL);
  socket = g_socket_new_from_fd (connection->fd, &error);
  if (!socket) {
    g_info ("a connection was lost: %s", error->message);
    close_connection (connection);
    return;
  }
  g_socket_set_timeout (socket, SYRINX_IDLE_TIMEOUT_S);
  stream = g_socket_connection_factory_create_connection (socket);
  syrinx_connections_tie (
      front->connections, connection->host, G_OBJECT (stream));
  free_connection (connection);
  front->funcs.hand_over (stream, G_IO_STREAM (stream), front->user_data);
}

/* --- Answering: hot --- */

static const gchar *
get_date (SyrinxFront *front)
{
  gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;

  if (now_s != front->date_s) {
    g_autoptr (GDateTime) now = g_date_time_new_from_unix_utc (now_s);
    g_autofree gchar *text = soup_date_time_to_string (now, SOUP_DATE_HTTP);
    g_strlcpy (front->date, text, sizeof front->date);
    front->date_s = now_s;
  }
  return front->date;
}

/* TRUE: it is gone, as a whole. FALSE: not now, or never. */
static gboolean
send_rest (Connection *connection)
{
  gsize body_bytes, from;
  const gchar *body = g_bytes_get_data (connection->body, &body_bytes);
  gsize all_bytes = connection->head_bytes + body_bytes;

  while (connection->sent_bytes < all_bytes) {
    struct iovec parts[2] = { { connection->head, connection->head_bytes },
      { (gpointer)body, body_bytes } };
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
    gssize n;
    from = MIN (connection->sent_bytes, connection->head_bytes);
    parts[0].iov_base = connection->head + from;
    parts[0].iov_len -= from;
    from = connection->sent_bytes - from;
    parts[1].iov_base = (gpointer)(body + from);
    parts[1].iov_len -= from;
    n = sendmsg (connection->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      connection->is_last |= errno != EAGAIN;
      return FALSE;
    }
    connection->sent_bytes += n;
  }
  return TRUE;
}

/* The request is answered with @body: takes it out of the socket and sends. */
static void
answer (Connection *connection, GBytes *body)
{
  SyrinxFront *front = connection->front;

  recv (connection->fd, NULL, connection->request_bytes,
      MSG_TRUNC | MSG_DONTWAIT);
  connection->head_bytes
      = g_snprintf (connection->head, sizeof connection->head,
          "HTTP/1.1 200 OK\r\nDate: %s\r\nContent-Length: %" G_GSIZE_FORMAT
          "\r\n%s\r\n",
          get_date (front), g_bytes_get_size (body), front->fixed_head);
  connection->sent_bytes = 0;
  connection->body = g_bytes_ref (body);
  syrinx_session_count (connection->session, g_bytes_get_size (body));
  g_clear_object (&connection->session);
}

/* A socket that is closed with bytes unread takes back what was answered. */
static void
refuse (Connection *connection, const Refusal *refusal)
{
  g_autofree gchar *body
      = g_strdup_printf ("{\"title\":\"%s\",\"status\":%u,\"detail\":\"%s\"}",
          refusal->title, refusal->status, refusal->detail);
  g_autofree gchar *text = g_strdup_printf (
      "HTTP/1.1 %u %s\r\n%sContent-Type: application/problem+json\r\n"
      "Access-Control-Allow-Origin: *\r\nConnection: close\r\n"
      "Content-Length: %" G_GSIZE_FORMAT "\r\n\r\n%s",
      refusal->status, refusal->title, refusal->headers, strlen (body), body);
  gchar data[MAX_REQUEST_BYTES];

  if (send (connection->fd, text, strlen (text), MSG_NOSIGNAL) > 0)
    shutdown (connection->fd, SHUT_WR);
  for (guint i = 0; i < MAX_DRAINS; i++)
    if (recv (connection->fd, data, sizeof data, MSG_DONTWAIT) <= 0)
      break;
  close_connection (connection);
}

static void
fragment_came (GBytes *bytes, const GError *error, gpointer data)
{
  Connection *connection = data;

  connection->wait = NULL;
  if (bytes) {
    answer (connection, bytes);
    serve (connection);
  } else if (g_error_matches (error, SYRINX_ERROR, SYRINX_ERROR_TIMED_OUT)) {
    refuse (connection, &too_late);
  } else {
    hand_over (connection); /* where it is asked for again, and explained */
  }
}

/* --- Reading: hot --- */

/* Headers that change the answer, or the connection. */
static gboolean
is_special (const struct phr_header *header)
{
  static const gchar *const special[] = { "range", "if-range", "if-none-match",
    "if-modified-since", "if-match", "if-unmodified-since", "expect", "upgrade",
    "content-length", "transfer-encoding", "http2-settings" };

  if (!header->name)
    return TRUE; /* a folded line */
  if (header->name_len == 10
      && g_ascii_strncasecmp (header->name, "connection", 10) == 0)
    return header->value_len != 10
           || g_ascii_strncasecmp (header->value, "keep-alive", 10) != 0;
  for (guint i = 0; i < G_N_ELEMENTS (special); i++)
    if (strlen (special[i]) == header->name_len
        && g_ascii_strncasecmp (header->name, special[i], header->name_len)
               == 0)
      return TRUE;
  return FALSE;
}

/* A body is chunked or has a length. libsoup 3.2 answers anything else by 400
 * or 501 and leaks the request's target. */
static gboolean
is_framed (const struct phr_header *header)
{
  if (header->name_len == strlen ("transfer-encoding")
      && g_ascii_strncasecmp (
             header->name, "transfer-encoding", header->name_len)
             == 0)
    return header->value_len == strlen ("chunked")
           && g_ascii_strncasecmp (header->value, "chunked", header->value_len)
                  == 0;
  if (header->name_len != strlen ("content-length")
      || g_ascii_strncasecmp (header->name, "content-length", header->name_len)
             != 0)
    return TRUE;
  for (gsize i = 0; i < header->value_len; i++)
    if (!g_ascii_isdigit (header->value[i]))
      return FALSE;
  return header->value_len > 0 && header->value_len <= MAX_LENGTH_DIGITS;
}

typedef enum
{
  LOOK_PLAIN,
  LOOK_SPECIAL,
  LOOK_PARTIAL,
  LOOK_TOO_LONG,
  LOOK_UNFRAMED /* nobody could tell where its body ends */
} Look;

/* @path has MAX_PATH_BYTES. */
static Look
look_at (const gchar *data, gsize length, gchar *path, gsize *request_bytes)
{
  struct phr_header headers[MAX_HEADERS];
  const char *method, *target;
  size_t method_bytes, target_bytes, n_headers = MAX_HEADERS;
  gboolean has_host = FALSE;
  int minor, result;

  result = phr_parse_request (data, length, &method, &method_bytes, &target,
      &target_bytes, &minor, headers, &n_headers, 0);
  if (result == -2)
    return length < MAX_REQUEST_BYTES ? LOOK_PARTIAL : LOOK_TOO_LONG;
  for (gsize i = 0; result > 0 && i < n_headers; i++)
    if (headers[i].name && !is_framed (&headers[i]))
      return LOOK_UNFRAMED;
  if (result <= 0 || method_bytes != 3 || memcmp (method, "GET", 3) != 0
      || minor != 1 || target_bytes >= MAX_PATH_BYTES)
    return LOOK_SPECIAL;
  for (gsize i = 0; i < n_headers; i++) {
    if (is_special (&headers[i]))
      return LOOK_SPECIAL;
    has_host |= headers[i].name_len == 4
                && g_ascii_strncasecmp (headers[i].name, "host", 4) == 0;
  }
  memcpy (path, target, target_bytes);
  path[target_bytes] = 0;
  *request_bytes = result;
  return has_host ? LOOK_PLAIN : LOOK_SPECIAL;
}

/* FALSE: this one is not answered here. */
static gboolean
start_answer (Connection *connection, gchar *path)
{
  SyrinxFront *front = connection->front;
  g_autoptr (GBytes) bytes = NULL;
  SyrinxRendition *rendition;
  SyrinxSession *session;
  gint number;

  session = http_hls_find (front->engine, path, &rendition, &number);
  if (!session || !front->funcs.admit (connection->host, front->user_data))
    return FALSE;
  connection->session = g_object_ref (session);
  connection->wait = syrinx_fragment_get (
      &(SyrinxFragmentRequest){
          syrinx_engine_get_turns (front->engine), session, rendition, number },
      &bytes, fragment_came, connection, NULL);
  if (bytes)
    answer (connection, bytes);
  return bytes || connection->wait;
}

/* Looks at what has come. FALSE: nothing more to do for now, or ever. */
static gboolean
read_request (Connection *connection)
{
  gchar data[MAX_REQUEST_BYTES], path[MAX_PATH_BYTES];
  gssize n = recv (connection->fd, data, sizeof data, MSG_PEEK | MSG_DONTWAIT);
  Look look;

  if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
    if (connection->phase == PHASE_SENDING)
      enter (connection, PHASE_IDLE);
    return FALSE;
  }
  if (n <= 0) {
    close_connection (connection);
    return FALSE;
  }
  look = look_at (data, n, path, &connection->request_bytes);
  if (look == LOOK_PARTIAL) {
    if (connection->phase != PHASE_HEAD)
      enter (connection, PHASE_HEAD);
    return FALSE;
  }
  if (look == LOOK_TOO_LONG) {
    refuse (connection, &too_long);
    return FALSE;
  }
  if (look == LOOK_UNFRAMED) {
    refuse (connection, &unframed);
    return FALSE;
  }
  if (look == LOOK_PLAIN && start_answer (connection, path))
    return TRUE;
  hand_over (connection);
  return FALSE;
}

/* Edge-triggered events tell of a state once; this has them tell it again. */
static void
ask_again (Connection *connection)
{
  struct epoll_event event = { .events = EVENTS, .data.ptr = connection };

  epoll_ctl (
      connection->front->epoll_fd, EPOLL_CTL_MOD, connection->fd, &event);
}

/* Goes on with @connection as far as its socket lets it, or until others must
 * have their turn. */
static void
serve (Connection *connection)
{
  for (guint turn = 0; turn < MAX_ANSWERS_A_TURN; turn++) {
    if (connection->wait) {
      if (connection->phase != PHASE_WAITING)
        enter (connection, PHASE_WAITING);
      return;
    }
    if (connection->body && !send_rest (connection)) {
      if (connection->is_last)
        close_connection (connection);
      else
        enter (connection, PHASE_SENDING);
      return;
    }
    if (connection->body) {
      forget_answer (connection);
      enter (connection, PHASE_IDLE);
    }
    if (!read_request (connection))
      return;
  }
  ask_again (connection);
}

/* --- Accepting --- */

static gchar *
describe_host (const struct sockaddr_storage *address)
{
  gchar text[INET6_ADDRSTRLEN] = "local";

  if (address->ss_family == AF_INET)
    inet_ntop (AF_INET, &((const struct sockaddr_in *)address)->sin_addr, text,
        sizeof text);
  else if (address->ss_family == AF_INET6)
    inet_ntop (AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr,
        text, sizeof text);
  return g_strdup (text);
}

static void
add_connection (SyrinxFront *front, int fd, gchar *host)
{
  Connection *connection = g_new0 (Connection, 1);
  struct epoll_event event = { .events = EVENTS, .data.ptr = connection };

  connection->front = front;
  connection->fd = fd;
  connection->host = host;
  connection->link.data = connection;
  connection->since_us = g_get_monotonic_time ();
  g_queue_push_tail_link (&front->phases[PHASE_HEAD], &connection->link);
  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof (int));
  schedule_reaper (front, connection->since_us);
  if (epoll_ctl (front->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
    close_connection (connection);
}

static gboolean
watch_listening (gpointer data)
{
  SyrinxFront *front = data;
  struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };

  front->pause = 0;
  epoll_ctl (front->epoll_fd, EPOLL_CTL_ADD, g_socket_get_fd (front->listening),
      &event);
  return G_SOURCE_REMOVE;
}

/* Out of descriptors or memory: those who wait stay in the backlog. */
static void
pause_accepting (SyrinxFront *front)
{
  g_warning ("can't take connections for a moment: %s", g_strerror (errno));
  epoll_ctl (
      front->epoll_fd, EPOLL_CTL_DEL, g_socket_get_fd (front->listening), NULL);
  front->pause = g_timeout_add (ACCEPT_PAUSE_MS, watch_listening, front);
}

guint
syrinx_front_max_connections (SyrinxEngine *engine, const gchar *host)
{
  return syrinx_geography_is_proxy (syrinx_engine_get_geography (engine), host)
             ? G_MAXUINT
             : syrinx_engine_get_config (engine)->max_connections_per_address;
}

static void
accept_all (SyrinxFront *front)
{
  for (;;) {
    struct sockaddr_storage address = { 0 };
    socklen_t size = sizeof address;
    g_autofree gchar *host = NULL;
    int fd = accept4 (g_socket_get_fd (front->listening),
        (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS
          || errno == ENOMEM)
        pause_accepting (front);
      if (errno == EINTR || errno == ECONNABORTED)
        continue;
      return;
    }
    host = describe_host (&address);
    if (syrinx_connections_take (front->connections, host,
            syrinx_front_max_connections (front->engine, host)))
      add_connection (front, fd, g_steal_pointer (&host));
    else
      close (fd);
  }
}

static gboolean
dispatch (gint epoll_fd, GIOCondition condition, gpointer data)
{
  SyrinxFront *front = data;
  struct epoll_event events[MAX_EVENTS];
  int n = epoll_wait (epoll_fd, events, MAX_EVENTS, 0);

  for (int i = 0; i < n; i++) {
    Connection *connection = events[i].data.ptr;
    if (!connection)
      accept_all (front);
    else if (connection->wait && events[i].events & GONE)
      close_connection (connection);
    else
      serve (connection);
  }
  return G_SOURCE_CONTINUE;
}

/* --- Life --- */

static gchar *
make_fixed_head (void)
{
  GString *text
      = g_string_new ("Server: Syrinx\r\nContent-Type: audio/mp4\r\n"
                      "Cache-Control: " HTTP_FRAGMENT_CACHE_CONTROL "\r\n");

  for (guint i = 0; i < G_N_ELEMENTS (http_common_headers); i++)
    g_string_append_printf (text, "%s: %s\r\n", http_common_headers[i][0],
        http_common_headers[i][1]);
  return g_string_free (text, FALSE);
}

GSocket *
syrinx_front_listen (GSocketAddress *address, GError **error)
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

SyrinxFront *
syrinx_front_new (SyrinxEngine *engine, GSocketAddress *address,
    SyrinxConnections *connections, const SyrinxFrontFuncs *funcs,
    gpointer user_data, GError **error)
{
  g_autoptr (SyrinxFront) front = g_new0 (SyrinxFront, 1);

  front->engine = engine;
  front->funcs = *funcs;
  front->user_data = user_data;
  front->fixed_head = make_fixed_head ();
  front->connections = syrinx_connections_ref (connections);
  front->epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  front->listening = syrinx_front_listen (address, error);
  if (!front->listening)
    return NULL;
  front->source = g_unix_fd_add (front->epoll_fd, G_IO_IN, dispatch, front);
  watch_listening (front);
  return g_steal_pointer (&front);
}

void
syrinx_front_free (SyrinxFront *front)
{
  for (guint i = 0; i < N_PHASES; i++)
    while (front->phases[i].head)
      close_connection (front->phases[i].head->data);
  g_clear_handle_id (&front->source, g_source_remove);
  g_clear_handle_id (&front->reaper, g_source_remove);
  g_clear_handle_id (&front->pause, g_source_remove);
  g_clear_object (&front->listening);
  close (front->epoll_fd);
  g_clear_pointer (&front->connections, syrinx_connections_unref);
  g_free (front->fixed_head);
  g_free (front);
}

GSocketAddress *
syrinx_front_get_address (SyrinxFront *front)
{
  return g_socket_get_local_address (front->listening, NULL);
}
