/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The I/O loop by io_uring: all writes of a turn are submitted in one system
 * call.
 *
 * A client has at most one sendmsg in flight, and that never blocks: with
 * MSG_DONTWAIT the kernel completes it during the submission. So everything in
 * flight ends within the call, and dropping or removing a client waits no
 * longer than with epoll. A poll that stays armed for the client's life tells
 * when a blocked client is writable again, as an edge-triggered epoll would.
 *
 * The kernel keeps a polled connection open after close(), so the poll of a
 * removed client is cancelled in the loop's next turn.
 *
 * Only the loop's thread touches the ring. */
#include "core/base/error.h"
#include "io-backend.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <sys/socket.h>

#define SLOTS       256  /* clients per system call */
#define SUBMISSIONS 512  /* a poll and a write per slot */
#define COMPLETIONS 4096 /* the kernel keeps further ones in a list */
#define PIECES      8192 /* of all clients per system call */

/* The last of these features came with Linux 5.13, as did polls that stay
 * armed. */
#define NEEDED_FEATURES                                                        \
  (IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_RSRC_TAGS)

/* The low bits of a completion's user data. The bits above them are a slot's
 * number or a client's id. */
enum
{
  TAG_SEND,
  TAG_POLL,
  TAG_CANCEL,
  TAG_BITS = 2,
};

typedef enum
{
  SLOT_NOTHING,
  SLOT_SENDING,
  SLOT_ENDED,
  SLOT_ALONE, /* not a plain socket: served by syrinx_client_serve() */
} SlotState;

typedef struct
{
  SlotState state;
  struct msghdr message;
  int result; /* bytes, or -errno */
  SyrinxPump pump;
} Slot;

typedef struct
{
  guint64 id;
  gint32 result; /* poll()'s events, or -errno */
  gboolean ended;
} Event;

typedef struct
{
  SyrinxIoBackend backend;

  /* loop thread only */
  struct io_uring ring;
  SyrinxClient *clients[SLOTS];
  Slot slots[SLOTS];
  struct iovec pieces[PIECES];
  guint n_pieces, in_flight;
  GArray *events; /* of Event */
} Ring;

/* --- Submissions --- */

/* There is always room: see SUBMISSIONS. */
static struct io_uring_sqe *
next_entry (Ring *self)
{
  struct io_uring_sqe *entry = io_uring_get_sqe (&self->ring);

  g_assert (entry);
  return entry;
}

static void
set_tag (struct io_uring_sqe *entry, guint64 value, guint tag)
{
  io_uring_sqe_set_data64 (entry, value << TAG_BITS | tag);
}

/* POLLRDHUP is not asked for: see io-epoll.c. */
static void
ask_poll (Ring *self, SyrinxClient *client)
{
  int fd = syrinx_client_get_watched_fd (client);
  unsigned events = client->fd >= 0 ? POLLOUT : 0;
  struct io_uring_sqe *entry;

  client->watched = TRUE;
  if (fd < 0)
    return;
  entry = next_entry (self);
  io_uring_prep_poll_multishot (entry, fd, events);
  set_tag (entry, client->id, TAG_POLL);
}

static void
take_poll_back (Ring *self, guint64 id)
{
  struct io_uring_sqe *entry = next_entry (self);

  io_uring_prep_poll_remove (entry, id << TAG_BITS | TAG_POLL);
  set_tag (entry, id, TAG_CANCEL);
}

static void
ask_send (Ring *self, guint i, SyrinxClient *client, guint max_pieces)
{
  Slot *slot = &self->slots[i];
  struct iovec *pieces = &self->pieces[self->n_pieces];
  guint n = syrinx_client_begin_write (client, pieces, max_pieces);
  struct io_uring_sqe *entry;

  slot->state = n > 0 ? SLOT_SENDING : SLOT_ENDED;
  slot->pump = SYRINX_PUMP_EMPTY;
  slot->result = 0;
  if (n == 0)
    return;
  slot->message = (struct msghdr){ .msg_iov = pieces, .msg_iovlen = n };
  entry = next_entry (self);
  io_uring_prep_sendmsg (
      entry, client->fd, &slot->message, MSG_NOSIGNAL | MSG_DONTWAIT);
  set_tag (entry, i, TAG_SEND);
  self->n_pieces += n;
  self->in_flight++;
}

/* --- Completions --- */

static void
take_answer (Ring *self, const struct io_uring_cqe *answer)
{
  guint64 value = answer->user_data >> TAG_BITS;
  Event event = { .id = value, .result = answer->res };

  switch (answer->user_data & ((1 << TAG_BITS) - 1)) {
  case TAG_SEND:
    self->slots[value].result = answer->res;
    self->in_flight--;
    break;
  case TAG_POLL:
    event.ended = !(answer->flags & IORING_CQE_F_MORE);
    g_array_append_val (self->events, event);
    break;
  default:
    break;
  }
}

static void
take_answers (Ring *self)
{
  struct io_uring_cqe *answer;
  unsigned head, n = 0;

  io_uring_for_each_cqe (&self->ring, head, answer)
  {
    take_answer (self, answer);
    n++;
  }
  io_uring_cq_advance (&self->ring, n);
}

/* Returns when the kernel has taken all submissions and completed all
 * writes. */
static void
submit (Ring *self)
{
  while (io_uring_sq_ready (&self->ring) > 0 || self->in_flight > 0) {
    int n = io_uring_sq_ready (&self->ring) > 0
                ? io_uring_submit_and_get_events (&self->ring)
                : io_uring_submit_and_wait (&self->ring, 1);
    syrinx_io_loop_count (self->backend.loop, 0, 0, 1);
    if (n < 0 && n != -EINTR && n != -EAGAIN && n != -EBUSY)
      g_error ("io_uring: %s", g_strerror (-n));
    take_answers (self);
  }
}

/* --- A turn --- */

static void
prepare (Ring *self, guint i, guint64 id, guint max_pieces)
{
  SyrinxClient *client = self->clients[i];
  Slot *slot = &self->slots[i];

  slot->state = SLOT_NOTHING;
  if (client && client->in_turn)
    return; /* its id is in @ids twice */
  if (!client || !syrinx_client_begin_serving (client)) {
    take_poll_back (self, id);
    return;
  }
  client->in_turn = TRUE;
  if (!client->watched)
    ask_poll (self, client);
  if (client->fd >= 0 && client->fd_is_socket)
    ask_send (self, i, client, max_pieces);
  else
    slot->state = SLOT_ALONE;
}

static void
end_send (Ring *self, Slot *slot, SyrinxClient *client)
{
  gsize sent = MAX (slot->result, 0);
  gboolean more = syrinx_client_end_write (client, sent, sent);

  syrinx_io_loop_count (self->backend.loop, 1, sent, 0);
  slot->state = SLOT_ENDED;
  if (slot->result == -EAGAIN)
    slot->pump = SYRINX_PUMP_BLOCKED;
  else if (slot->result < 0 && slot->result != -EINTR)
    slot->pump = SYRINX_PUMP_FAILED;
  else if (more)
    slot->pump = SYRINX_PUMP_MORE;
}

/* All clients of the turn are entered, so no client's function is called
 * here. */
static void
end_slot (Ring *self, Slot *slot, SyrinxClient *client)
{
  if (slot->state == SLOT_SENDING)
    end_send (self, slot, client);
  if (slot->state != SLOT_NOTHING)
    client->in_turn = FALSE;
  if (slot->state == SLOT_ENDED && slot->pump == SYRINX_PUMP_EMPTY
      && syrinx_client_is_settled (client)) {
    client->blocked = FALSE;
    slot->state
        = SLOT_NOTHING; /* the usual case: settle_slot() is not needed */
  }
}

static void
settle_slot (Ring *self, Slot *slot, guint64 id)
{
  SyrinxIoLoop *loop = self->backend.loop;
  g_autoptr (GError) error = NULL;
  SyrinxClient *client;

  syrinx_io_loop_enter (loop, &id, 1, &client);
  if (!client)
    return;
  if (slot->pump == SYRINX_PUMP_FAILED && slot->state == SLOT_ENDED)
    error = syrinx_client_write_error (-slot->result);
  if (slot->state == SLOT_ALONE)
    syrinx_client_serve (client, FALSE);
  else
    syrinx_client_settle (client, slot->pump, MAX (slot->result, 0), error);
  syrinx_io_loop_leave (loop, &client, 1);
}

/* @n: at most SLOTS. The pieces are divided evenly among the clients. */
static void
serve_some (Ring *self, const guint64 *ids, guint n)
{
  SyrinxIoLoop *loop = self->backend.loop;
  guint max_pieces = MIN (PIECES / n, SYRINX_IO_MAX_PIECES);

  self->n_pieces = 0;
  syrinx_io_loop_enter (loop, ids, n, self->clients);
  for (guint i = 0; i < n; i++)
    prepare (self, i, ids[i], max_pieces);
  submit (self);
  for (guint i = 0; i < n; i++)
    end_slot (self, &self->slots[i], self->clients[i]);
  syrinx_io_loop_leave (loop, self->clients, n);
  for (guint i = 0; i < n; i++)
    if (self->slots[i].state != SLOT_NOTHING)
      settle_slot (self, &self->slots[i], ids[i]);
}

/* @event->ended: the kernel disarmed the poll itself, for example for lack of
 * memory. It is armed again, unless it failed. */
static void
handle_event (Ring *self, const Event *event)
{
  SyrinxIoLoop *loop = self->backend.loop;
  SyrinxClient *client;

  syrinx_io_loop_enter (loop, &event->id, 1, &client);
  if (!client)
    return;
  if (event->ended && event->result >= 0)
    client->watched = FALSE;
  if (event->result > 0 && (event->result & (POLLHUP | POLLERR)))
    syrinx_client_serve (client, TRUE);
  else if (event->result >= 0)
    syrinx_io_loop_mark_dirty (loop, event->id);
  else if (client->fd_is_socket && event->result != -ECANCELED)
    g_warning (
        "The I/O loop can't watch a client: %s", g_strerror (-event->result));
  syrinx_io_loop_leave (loop, &client, 1);
}

static void
handle_events (Ring *self)
{
  for (guint i = 0; i < self->events->len; i++)
    handle_event (self, &g_array_index (self->events, Event, i));
  g_array_set_size (self->events, 0);
}

static void
ring_serve (SyrinxIoBackend *backend, const guint64 *ids, guint n)
{
  Ring *self = (Ring *)backend;

  for (guint i = 0; i < n; i += SLOTS)
    serve_some (self, ids + i, MIN (n - i, SLOTS));
  handle_events (self);
}

static void
ring_collect (SyrinxIoBackend *backend)
{
  Ring *self = (Ring *)backend;

  if (io_uring_cq_has_overflow (&self->ring)) {
    io_uring_get_events (&self->ring);
    syrinx_io_loop_count (backend->loop, 0, 0, 1);
  }
  take_answers (self);
  handle_events (self);
}

/* --- Backend --- */

/* The loop's thread arms or cancels the poll when it serves @client's id. */
static void
ring_look_at (SyrinxIoBackend *backend, SyrinxClient *client)
{
  syrinx_io_loop_mark_dirty (backend->loop, client->id);
}

/* A ring belongs to the thread that enables it. Debian 12's liburing lacks
 * io_uring_enable_rings(). */
static void
ring_start (SyrinxIoBackend *backend)
{
  Ring *self = (Ring *)backend;
  int status = io_uring_register (
      self->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);

  if (status < 0)
    g_error ("io_uring: %s", g_strerror (-status));
  io_uring_register_ring_fd (
      &self->ring); /* makes calls cheaper, where supported */
}

static void
ring_free (SyrinxIoBackend *backend)
{
  Ring *self = (Ring *)backend;

  io_uring_queue_exit (&self->ring);
  g_array_unref (self->events);
  g_free (self);
}

/* If it can (Linux 6.0), the kernel does not interrupt the thread for the work
 * of polls. IORING_SETUP_DEFER_TASKRUN would defer even more, but then poll()
 * on the ring's descriptor would not be woken. Returns: 0 or -errno */
static int
open_ring (struct io_uring *ring)
{
  static const guint wishes[]
      = { IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN, 0 };
  int status = -EINVAL;

  for (guint i = 0; i < G_N_ELEMENTS (wishes) && status == -EINVAL; i++) {
    struct io_uring_params params = { .cq_entries = COMPLETIONS };
    params.flags = wishes[i] | IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE;
    status = io_uring_queue_init_params (SUBMISSIONS, ring, &params);
    if (status == 0 && (params.features & NEEDED_FEATURES) != NEEDED_FEATURES) {
      io_uring_queue_exit (ring);
      status = -ENOSYS;
    }
  }
  return status;
}

SyrinxIoBackend *
syrinx_io_uring_new (SyrinxIoLoop *loop, GError **error)
{
  static const SyrinxIoBackendClass klass = {
    .name = "io_uring",
    .free = ring_free,
    .start = ring_start,
    .watch = ring_look_at,
    .unwatch = ring_look_at,
    .serve = ring_serve,
    .collect = ring_collect,
  };
  Ring *self = g_new0 (Ring, 1);
  int status = open_ring (&self->ring);

  if (status < 0) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_UNSUPPORTED,
        "The kernel refuses io_uring: %s", g_strerror (-status));
    g_free (self);
    return NULL;
  }
  self->backend.klass = &klass;
  self->backend.loop = loop;
  self->backend.fd = self->ring.ring_fd;
  self->events = g_array_new (FALSE, FALSE, sizeof (Event));
  return &self->backend;
}
