/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many clients of the I/O loop at once: more than one system call can serve,
 * some removed during a write, some never read. */
#include "io-choice.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define N           400
#define PIECES      90
#define PIECE_BYTES 50

typedef struct
{
  SyrinxClient *client;
  int peer;
  gint calls, closed; /* atomic */
  gint gone;          /* atomic: remove() has returned */
} Member;

typedef struct
{
  SyrinxIoLoop *loop;
  Member members[N];
} Crowd;

static void
on_watermark (SyrinxClient *client, gpointer user_data)
{
  Member *member = user_data;

  g_assert_false (g_atomic_int_get (&member->gone));
  g_atomic_int_inc (&member->calls);
}

static void
on_closed (SyrinxClient *client, const GError *error, gpointer user_data)
{
  Member *member = user_data;

  g_assert_false (g_atomic_int_get (&member->gone));
  g_assert_no_error (error);
  g_atomic_int_set (&member->closed, TRUE);
}

static const SyrinxClientFuncs funcs
    = { on_watermark, on_watermark, on_closed };

static void
add_member (Crowd *crowd, Member *member, const SyrinxClientLimits *limits)
{
  g_autoptr (GSocket) socket = NULL;
  int fds[2];

  memset (member, 0, sizeof *member);
  g_assert_cmpint (
      socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  member->peer = fds[1];
  socket = g_socket_new_from_fd (fds[0], NULL);
  member->client = syrinx_io_loop_add (crowd->loop,
      G_IO_STREAM (g_socket_connection_factory_create_connection (socket)),
      limits, &funcs, member);
}

static Crowd *
gather (const SyrinxClientLimits *limits)
{
  Crowd *crowd = g_new0 (Crowd, 1);

  crowd->loop = syrinx_io_loop_get ();
  for (guint i = 0; i < N; i++)
    add_member (crowd, &crowd->members[i], limits);
  return crowd;
}

static void
remove_member (Member *member)
{
  syrinx_client_remove (g_steal_pointer (&member->client));
  g_atomic_int_set (&member->gone, TRUE);
}

static void
disperse (Crowd *crowd)
{
  for (guint i = 0; i < N; i++) {
    if (crowd->members[i].client)
      remove_member (&crowd->members[i]);
    close (crowd->members[i].peer);
  }
  syrinx_io_loop_unref (crowd->loop);
  g_free (crowd);
}

static GBytes *
make_piece (guint i, guint k)
{
  guint8 data[PIECE_BYTES];

  memset (data, i * 7 + k, sizeof data);
  return g_bytes_new (data, sizeof data);
}

/* Returns: the bytes read until the end; each is checked */
static gsize
read_pieces (int peer, guint i)
{
  guint8 data[4096];
  gssize size;
  gsize got = 0;

  while ((size = read (peer, data, sizeof data)) > 0)
    for (gssize k = 0; k < size; k++, got++)
      g_assert_cmpuint (data[k], ==, (guint8)(i * 7 + got / PIECE_BYTES));
  return got;
}

static void
send_all (Crowd *crowd)
{
  for (guint k = 0; k < PIECES; k++)
    for (guint i = 0; i < N; i++) {
      g_autoptr (GBytes) piece = make_piece (i, k);
      g_assert_true (syrinx_client_send (crowd->members[i].client, piece));
    }
}

static void
each_gets_its_own_in_order (void)
{
  Crowd *crowd = gather (NULL);
  SyrinxIoStats stats;

  send_all (crowd);
  for (guint i = 0; i < N; i++)
    syrinx_client_finish (crowd->members[i].client);
  for (guint i = 0; i < N; i++)
    g_assert_cmpuint (
        read_pieces (crowd->members[i].peer, i), ==, PIECES * PIECE_BYTES);
  syrinx_io_loop_get_stats (crowd->loop, &stats);
  g_assert_cmpuint (stats.clients, ==, N);
  g_assert_cmpuint (stats.written_bytes, ==, N * PIECES * PIECE_BYTES);
  g_assert_cmpuint (stats.turns, >, 0);
  g_test_message ("%s: %" G_GUINT64_FORMAT " writes, %" G_GUINT64_FORMAT
                  " system calls",
      stats.backend, stats.writes, stats.system_calls);
  disperse (crowd);
}

static gpointer
keep_sending (gpointer data)
{
  Crowd *crowd = data;

  for (guint k = 0; k < PIECES; k++)
    for (guint i = 1; i < N; i += 2) {
      g_autoptr (GBytes) piece = make_piece (i, k);
      syrinx_client_send (crowd->members[i].client, piece);
    }
  return NULL;
}

/* The even ones are removed while the odd ones are written to. */
static void
removal_in_the_middle_of_writes_ends_that_client_only (void)
{
  const SyrinxClientLimits limits = { 500, 100, 0 };
  Crowd *crowd = gather (&limits);
  GThread *sender = g_thread_new ("sender", keep_sending, crowd);

  for (guint i = 0; i < N; i += 2) {
    Member *member = &crowd->members[i];
    for (guint k = 0; k < 20; k++) {
      g_autoptr (GBytes) piece = make_piece (i, k);
      syrinx_client_send (member->client, piece);
    }
    remove_member (member);
  }
  for (guint i = 0; i < N; i += 2)
    g_assert_cmpuint (
        read_pieces (crowd->members[i].peer, i), <=, 20 * PIECE_BYTES);
  g_thread_join (sender);
  for (guint i = 1; i < N; i += 2)
    syrinx_client_finish (crowd->members[i].client);
  for (guint i = 1; i < N; i += 2)
    g_assert_cmpuint (
        read_pieces (crowd->members[i].peer, i), ==, PIECES * PIECE_BYTES);
  disperse (crowd);
}

/* Their bytes stay in the kernel's buffers until they are removed. */
static void
who_never_reads_delays_nobody (void)
{
  Crowd *crowd = gather (NULL);
  g_autofree guint8 *zeros = g_malloc0 (1 << 20);
  g_autoptr (GBytes) much = g_bytes_new (zeros, 1 << 20);

  for (guint i = 0; i < N; i += 2)
    syrinx_client_send (crowd->members[i].client, much);
  for (guint i = 1; i < N; i += 2) {
    g_autoptr (GBytes) piece = make_piece (i, 0);
    syrinx_client_send (crowd->members[i].client, piece);
    syrinx_client_finish (crowd->members[i].client);
    g_assert_cmpuint (read_pieces (crowd->members[i].peer, i), ==, PIECE_BYTES);
  }
  for (guint i = 0; i < N; i += 2) {
    syrinx_client_drop (crowd->members[i].client);
    g_assert_cmpuint (
        syrinx_client_get_queued_bytes (crowd->members[i].client), ==, 0);
  }
  disperse (crowd);
}

typedef struct
{
  Crowd *crowd;
  guint i;
} Remover;

static void
remove_next (SyrinxClient *client, const GError *error, gpointer user_data)
{
  Remover *remover = user_data;
  Crowd *crowd = remover->crowd;

  if (g_atomic_int_get (&crowd->members[remover->i].gone))
    return;
  remove_member (&crowd->members[remover->i]);
}

/* From the loop's own thread, while other clients are in the same turn. */
static void
one_client_may_remove_another (void)
{
  static const SyrinxClientFuncs removing
      = { on_watermark, on_watermark, remove_next };
  Crowd *crowd = gather (NULL);
  Remover remover = { crowd, 1 };
  g_autoptr (GBytes) piece = make_piece (1, 0);
  g_autoptr (GSocket) socket = NULL;
  SyrinxClient *client;
  int fds[2];

  g_assert_cmpint (
      socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  socket = g_socket_new_from_fd (fds[0], NULL);
  client = syrinx_io_loop_add (crowd->loop,
      G_IO_STREAM (g_socket_connection_factory_create_connection (socket)),
      NULL, &removing, &remover);
  syrinx_client_send (crowd->members[1].client, piece);
  syrinx_client_finish (client);
  g_assert_cmpuint (read_pieces (crowd->members[1].peer, 1), <=, PIECE_BYTES);
  syrinx_client_remove (client);
  close (fds[1]);
  disperse (crowd);
}

static void
without_io_uring (void)
{
  scmp_filter_ctx filter = seccomp_init (SCMP_ACT_ALLOW);
  SyrinxIoLoop *loop;
  SyrinxIoStats stats;

  seccomp_rule_add (
      filter, SCMP_ACT_ERRNO (EPERM), SCMP_SYS (io_uring_setup), 0);
  g_assert_cmpint (seccomp_load (filter), ==, 0);
  seccomp_release (filter);
  loop = syrinx_io_loop_get ();
  syrinx_io_loop_get_stats (loop, &stats);
  g_assert_cmpstr (stats.backend, ==, "epoll");
  syrinx_io_loop_unref (loop);
  each_gets_its_own_in_order ();
}

static void
where_the_kernel_refuses_it_epoll_serves (void)
{
  if (g_test_subprocess ()) {
    without_io_uring ();
    return;
  }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
}

int
main (int argc, char **argv)
{
  skip_where_refused ();
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
  g_test_add_func (
      "/io-crowd/each_gets_its_own_in_order", each_gets_its_own_in_order);
  g_test_add_func (
      "/io-crowd/removal_in_the_middle_of_writes_ends_that_client_only",
      removal_in_the_middle_of_writes_ends_that_client_only);
  g_test_add_func (
      "/io-crowd/who_never_reads_delays_nobody", who_never_reads_delays_nobody);
  g_test_add_func (
      "/io-crowd/one_client_may_remove_another", one_client_may_remove_another);
  g_test_add_func ("/io-crowd/where_the_kernel_refuses_it_epoll_serves",
      where_the_kernel_refuses_it_epoll_serves);
  return g_test_run ();
}
