/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reactor, with event descriptors. */
#include "daemon/net/reactor.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

typedef struct
{
  SyrinxReactor *reactor;
  guint64 id, victim;  /* victim: removed when this one is called */
  int fd, newcomer_fd; /* newcomer_fd: added instead; -1: none */
  guint n_calls, n_newcomer_calls;
} Watch;

static void
newcomer_is_ready (guint32 events, gpointer user_data)
{
  ((Watch *)user_data)->n_newcomer_calls++;
}

static void
is_ready (guint32 events, gpointer user_data)
{
  Watch *watch = user_data;

  watch->n_calls++;
  if (!watch->victim)
    return;
  syrinx_reactor_remove (watch->reactor, watch->victim);
  watch->victim = 0;
  if (watch->newcomer_fd >= 0)
    g_assert_cmpuint (syrinx_reactor_add (watch->reactor, watch->newcomer_fd,
                          EPOLLIN, newcomer_is_ready, watch),
        !=, 0);
}

static SyrinxReactor *
make_reactor (void)
{
  g_autoptr (GError) error = NULL;
  SyrinxReactor *reactor = syrinx_reactor_new (NULL, &error);

  g_assert_no_error (error);
  return reactor;
}

static void
begin (Watch *watch, SyrinxReactor *reactor, guint count)
{
  *watch = (Watch){ .reactor = reactor, .newcomer_fd = -1 };
  watch->fd = eventfd (count, EFD_NONBLOCK | EFD_CLOEXEC);
  watch->id = syrinx_reactor_add (reactor, watch->fd, EPOLLIN, is_ready, watch);
  g_assert_cmpuint (watch->id, !=, 0);
}

static void
turn (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    if (!g_main_context_pending (NULL))
      break;
}

static void
who_is_removed_by_an_event_of_the_same_batch_hears_nothing (void)
{
  g_autoptr (SyrinxReactor) reactor = make_reactor ();
  Watch watches[2];

  for (guint i = 0; i < 2; i++)
    begin (&watches[i], reactor, 1);
  watches[0].victim = watches[1].id;
  watches[1].victim = watches[0].id;
  g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (watches[0].n_calls + watches[1].n_calls, ==, 1);
  for (guint i = 0; i < 2; i++)
    close (watches[i].fd);
}

/* The new descriptor gets the removed one's slot, but not its event. */
static void
who_comes_in_its_place_does_not_get_its_event (void)
{
  g_autoptr (SyrinxReactor) reactor = make_reactor ();
  int silent_fd = eventfd (0, EFD_NONBLOCK | EFD_CLOEXEC);
  Watch watches[2];

  for (guint i = 0; i < 2; i++)
    begin (&watches[i], reactor, 1);
  for (guint i = 0; i < 2; i++) {
    watches[i].victim = watches[1 - i].id;
    watches[i].newcomer_fd = silent_fd;
  }
  g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (watches[0].n_calls + watches[1].n_calls, ==, 1);
  g_assert_cmpuint (
      watches[0].n_newcomer_calls + watches[1].n_newcomer_calls, ==, 0);
  for (guint i = 0; i < 2; i++)
    close (watches[i].fd);
  close (silent_fd);
}

static void
no_id_is_given_twice (void)
{
  g_autoptr (SyrinxReactor) reactor = make_reactor ();
  g_autoptr (GHashTable) seen
      = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  Watch watch;

  for (guint i = 0; i < 1000; i++) {
    begin (&watch, reactor, 0);
    g_assert_true (
        g_hash_table_add (seen, g_memdup2 (&watch.id, sizeof watch.id)));
    syrinx_reactor_remove (reactor, watch.id);
    syrinx_reactor_remove (reactor, watch.id); /* a second time has no effect */
    close (watch.fd);
  }
}

static void
an_edge_is_told_again_when_events_are_asked_for_again (void)
{
  g_autoptr (SyrinxReactor) reactor = make_reactor ();
  Watch watch;

  begin (&watch, reactor, 1);
  syrinx_reactor_set_events (reactor, watch.id, EPOLLIN | EPOLLET);
  turn ();
  g_assert_cmpuint (watch.n_calls, ==, 1);
  turn ();
  g_assert_cmpuint (watch.n_calls, ==, 1);
  syrinx_reactor_set_events (reactor, watch.id, EPOLLIN | EPOLLET);
  turn ();
  g_assert_cmpuint (watch.n_calls, ==, 2);
  syrinx_reactor_set_events (reactor, watch.id, 0);
  turn ();
  g_assert_cmpuint (watch.n_calls, ==, 2);
  close (watch.fd);
}

static void
what_the_kernel_refuses_has_no_id (void)
{
  g_autoptr (SyrinxReactor) reactor = make_reactor ();
  Watch watch = { 0 };

  errno = 0;
  g_assert_cmpuint (
      syrinx_reactor_add (reactor, -1, EPOLLIN, is_ready, &watch), ==, 0);
  g_assert_cmpint (errno, ==, EBADF);
}

int
main (int argc, char **argv)
{
#define TEST(name) g_test_add_func ("/net/reactor/" #name, name)
  g_test_init (&argc, &argv, NULL);
  TEST (who_is_removed_by_an_event_of_the_same_batch_hears_nothing);
  TEST (who_comes_in_its_place_does_not_get_its_event);
  TEST (no_id_is_given_twice);
  TEST (an_edge_is_told_again_when_events_are_asked_for_again);
  TEST (what_the_kernel_refuses_has_no_id);
  return g_test_run ();
}
