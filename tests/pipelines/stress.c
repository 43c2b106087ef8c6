/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sessions as syrinxd assembles them, over tracks that are being made, to
 * clients that read, stop, hang up and return, while others seek, pause and
 * revoke grants, at random and from several threads.
 *
 * SYRINX_STRESS_SECONDS (default 5), SYRINX_STRESS_SEED (default: the clock;
 * printed). */
#include "making.h"

#include "core/access/grant.h"
#include "core/base/identifier.h"
#include "core/crypto/secret.h"
#include "pipelines/pipe.h"

#include <gio/gio.h>
#include <gst/gst.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEFAULT_SECONDS 5
#define N_SLOTS         48
#define N_ACTORS        3
#define N_TRACKS        6
#define STUCK_S         30
#define CALM_S          15

typedef struct
{
  GMutex lock;

  /* protected by lock */
  SyrinxPipe *session;
  int peer; /* -1: hung up */
  gboolean is_frozen;
  gchar *jti;
  guint64 n_read; /* from this client */
} Slot;

typedef struct
{
  Making *making;
  gchar *shapes[2];
  Slot slots[N_SLOTS];
  guint32 seed;

  /* atomic */
  gint over, n_actions, n_alive, n_errors;
  guint64 n_bytes; /* reader's thread, then main's */
} Stress;

/* --- One session --- */

static void
session_is_gone (gpointer data, GObject *session)
{
  g_atomic_int_add (&((Stress *)data)->n_alive, -1);
}

/* Only the revocation of its grant may be reported; other messages are
 * failures. */
static void
session_says (const gchar *id, GstMessageType type,
    const GstStructure *structure, gpointer user_data)
{
  Stress *stress = user_data;
  g_autoptr (GError) error = NULL;

  if (type != GST_MESSAGE_ERROR
      || !gst_structure_get (structure, "gerror", G_TYPE_ERROR, &error, NULL)
      || g_error_matches (
          error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_AUTHORIZED))
    return;
  g_printerr ("session %s: %s\n", id, error->message);
  g_atomic_int_inc (&stress->n_errors);
}

static void
set_source (Stress *stress, SyrinxPipe *session, GRand *dice)
{
  g_autoptr (GstElement) src = syrinx_pipe_get_element (session, "src");

  g_object_set (src, "store", making_get_dir (stress->making), "uri",
      making_get_uri (stress->making, g_rand_int_range (dice, 0, N_TRACKS)),
      NULL);
}

static void
set_gate (Slot *slot)
{
  g_autoptr (GstElement) gate = syrinx_pipe_get_element (slot->session, "gate");
  gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;
  g_autoptr (SyrinxGrant) grant = NULL;

  g_free (slot->jti);
  slot->jti = syrinx_id_new ();
  grant = syrinx_grant_new ("stress", slot->jti, SYRINX_SCOPE_LISTEN, NULL,
      NULL, now_s, now_s + 3600);
  g_object_set (gate, "grant", grant, NULL);
}

static void
set_key (SyrinxPipe *session)
{
  g_autoptr (GBytes) key = syrinx_secret_new_random (16);

  syrinx_pipe_set_key (session, key, NULL);
}

/* Small socket buffers and watermarks, so that clients are held often. */
static void
set_out (Slot *slot)
{
  g_autoptr (GstElement) out = syrinx_pipe_get_element (slot->session, "out");
  g_autoptr (GSocket) socket = NULL;
  int fds[2], size = 4096;

  g_assert_cmpint (
      socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds),
      ==, 0);
  setsockopt (fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  socket = g_socket_new_from_fd (fds[0], NULL);
  g_object_set (out, "socket", socket, "high-watermark", 20000, "low-watermark",
      5000, NULL);
  slot->peer = fds[1];
}

static void
connect_locked (Stress *stress, Slot *slot, GRand *dice)
{
  g_autofree gchar *id = syrinx_id_new ();
  g_autoptr (GError) error = NULL;

  slot->session
      = syrinx_pipe_new (id, stress->shapes[g_rand_int_range (dice, 0, 2)],
          session_says, stress, &error);
  g_assert_no_error (error);
  g_atomic_int_inc (&stress->n_alive);
  g_object_weak_ref (G_OBJECT (slot->session), session_is_gone, stress);
  set_source (stress, slot->session, dice);
  set_gate (slot);
  set_key (slot->session);
  set_out (slot);
  slot->n_read = 0;
  slot->is_frozen = FALSE;
  syrinx_pipe_play (slot->session, &error);
  g_assert_no_error (error);
}

static void
hang_up_locked (Slot *slot)
{
  if (slot->peer >= 0)
    close (slot->peer);
  slot->peer = -1;
}

/* Ends the session by the reaper or here, before or after the client. */
static void
end_locked (Slot *slot, GRand *dice)
{
  if (g_rand_boolean (dice))
    hang_up_locked (slot);
  if (g_rand_boolean (dice)) {
    syrinx_pipe_stop (slot->session);
    g_clear_object (&slot->session);
  } else {
    syrinx_pipe_stop_later (g_steal_pointer (&slot->session));
  }
  hang_up_locked (slot);
}

/* --- Actors --- */

static void
act_locked (Stress *stress, Slot *slot, GRand *dice)
{
  switch (g_rand_int_range (dice, 0, 12)) {
  case 0 ... 3:
    syrinx_pipe_seek (slot->session,
        g_rand_double_range (dice, 0, MAKING_SECONDS) * GST_SECOND);
    break;
  case 4:
  case 5:
    syrinx_pipe_pause (slot->session);
    break;
  case 6:
  case 7:
    g_assert_true (syrinx_pipe_play (slot->session, NULL));
    break;
  case 8:
    slot->is_frozen = !slot->is_frozen;
    break;
  case 9:
    hang_up_locked (slot);
    break;
  case 10:
    syrinx_revoke_jti (slot->jti, G_MAXINT64);
    break;
  default:
    end_locked (slot, dice);
    connect_locked (stress, slot, dice);
    break;
  }
}

static gpointer
act (gpointer data)
{
  static gint n_actors;
  Stress *stress = data;
  GRand *dice
      = g_rand_new_with_seed (stress->seed + g_atomic_int_add (&n_actors, 1));

  while (!g_atomic_int_get (&stress->over)) {
    Slot *slot = &stress->slots[g_rand_int_range (dice, 0, N_SLOTS)];
    g_mutex_lock (&slot->lock);
    act_locked (stress, slot, dice);
    g_mutex_unlock (&slot->lock);
    g_atomic_int_inc (&stress->n_actions);
    if (g_rand_int_range (dice, 0, 4) == 0)
      g_usleep (g_rand_int_range (dice, 0, 3000));
  }
  g_rand_free (dice);
  return NULL;
}

/* --- Clients --- */

static void
drink (Stress *stress, Slot *slot)
{
  guint8 scrap[16384];
  gssize n = 0;

  g_mutex_lock (&slot->lock);
  if (slot->peer >= 0 && !slot->is_frozen)
    n = read (slot->peer, scrap, sizeof scrap);
  if (n > 0) {
    slot->n_read += n;
    stress->n_bytes += n;
  }
  g_mutex_unlock (&slot->lock);
}

static gpointer
drink_all (gpointer data)
{
  Stress *stress = data;

  while (!g_atomic_int_get (&stress->over)) {
    for (guint i = 0; i < N_SLOTS; i++)
      drink (stress, &stress->slots[i]);
    g_usleep (1000);
  }
  return NULL;
}

/* --- Invariants --- */

typedef struct
{
  guint n_threads, n_descriptors, n_of_index;
} Holdings;

static guint
count_threads (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/task", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir))
    n++;
  return n;
}

static Holdings
take_stock (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  Holdings held = { .n_threads = count_threads () };
  const gchar *name;

  while ((name = g_dir_read_name (dir))) {
    g_autofree gchar *entry = g_build_filename ("/proc/self/fd", name, NULL);
    g_autofree gchar *target = g_file_read_link (entry, NULL);
    if (target && strstr (target, "/index.db"))
      held.n_of_index++;
    else
      held.n_descriptors++;
  }
  return held;
}

/* Each thread that ever read the index holds two descriptors of it, the writer
 * three more. */
static gboolean
is_back_at (const Holdings *before)
{
  Holdings held = take_stock ();

  return held.n_threads <= before->n_threads
         && held.n_descriptors <= before->n_descriptors
         && held.n_of_index <= 2 * held.n_threads + 3;
}

/* The reaper and thread pools take a moment; what remains after that is a
 * leak. */
static void
assert_falls_to (const Holdings *before)
{
  gint64 until_us = g_get_monotonic_time () + CALM_S * G_USEC_PER_SEC;
  Holdings held;

  while (!is_back_at (before) && g_get_monotonic_time () < until_us)
    g_usleep (20000);
  held = take_stock ();
  g_assert_cmpuint (held.n_threads, <=, before->n_threads);
  g_assert_cmpuint (held.n_descriptors, <=, before->n_descriptors);
  g_assert_cmpuint (held.n_of_index, <=, 2 * held.n_threads + 3);
}

static void
assert_nobody_is_left (Stress *stress)
{
  gint64 until_us = g_get_monotonic_time () + CALM_S * G_USEC_PER_SEC;

  while (
      g_atomic_int_get (&stress->n_alive) && g_get_monotonic_time () < until_us)
    g_usleep (20000);
  g_assert_cmpint (g_atomic_int_get (&stress->n_alive), ==, 0);
}

static void
run_for (Stress *stress, guint seconds)
{
  gint64 now_us = g_get_monotonic_time ();
  gint64 until_us = now_us + seconds * G_USEC_PER_SEC, moved_us = now_us;
  gint seen = -1;

  while ((now_us = g_get_monotonic_time ()) < until_us) {
    gint n = g_atomic_int_get (&stress->n_actions);
    if (n != seen)
      moved_us = now_us;
    else if (now_us - moved_us > STUCK_S * G_USEC_PER_SEC)
      g_error ("nothing moves any more (seed %u)", stress->seed);
    seen = n;
    g_usleep (50000);
  }
}

static void
assert_each_plays (Stress *stress, GRand *dice)
{
  gint64 until_us = g_get_monotonic_time () + CALM_S * G_USEC_PER_SEC;
  guint n_silent = N_SLOTS;

  for (guint i = 0; i < N_SLOTS; i++) {
    end_locked (&stress->slots[i], dice);
    connect_locked (stress, &stress->slots[i], dice);
  }
  while (n_silent && g_get_monotonic_time () < until_us) {
    n_silent = 0;
    for (guint i = 0; i < N_SLOTS; i++) {
      drink (stress, &stress->slots[i]);
      n_silent += stress->slots[i].n_read == 0;
    }
    g_usleep (5000);
  }
  g_assert_cmpuint (n_silent, ==, 0);
}

/* --- The run --- */

static void
begin (Stress *stress, GRand *dice)
{
  for (guint i = 0; i < N_SLOTS; i++)
    connect_locked (stress, &stress->slots[i], dice);
}

static void
end (Stress *stress, GRand *dice)
{
  for (guint i = 0; i < N_SLOTS; i++)
    end_locked (&stress->slots[i], dice);
  assert_nobody_is_left (stress);
}

static void
storm (Stress *stress, guint seconds)
{
  GThread *threads[N_ACTORS + 1];

  for (guint i = 0; i < N_ACTORS; i++)
    threads[i] = g_thread_new ("actor", act, stress);
  threads[N_ACTORS] = g_thread_new ("clients", drink_all, stress);
  run_for (stress, seconds);
  g_atomic_int_set (&stress->over, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

static void
prepare (Stress *stress)
{
  const gchar *names[] = { "stream", "stream-ece" };
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    stress->shapes[i] = syrinx_shape_load (names[i], NULL, &error);
    g_assert_no_error (error);
  }
  for (guint i = 0; i < N_SLOTS; i++) {
    g_mutex_init (&stress->slots[i].lock);
    stress->slots[i].peer = -1;
  }
  stress->making = making_new (N_TRACKS);
}

static void
a_storm_leaves_nothing_behind_and_every_session_plays (void)
{
  const gchar *seconds = g_getenv ("SYRINX_STRESS_SECONDS");
  const gchar *seed = g_getenv ("SYRINX_STRESS_SEED");
  Stress stress = { .seed = seed ? strtoul (seed, NULL, 10)
                                 : (guint32)g_get_real_time () };
  GRand *dice = g_rand_new_with_seed (stress.seed);
  Holdings before;

  g_test_message ("SYRINX_STRESS_SEED=%u", stress.seed);
  prepare (&stress);
  /* The first run makes objects that live as long as the process. */
  begin (&stress, dice);
  assert_each_plays (&stress, dice);
  end (&stress, dice);
  g_usleep (G_USEC_PER_SEC / 2);
  before = take_stock ();
  begin (&stress, dice);
  storm (&stress, seconds ? atoi (seconds) : DEFAULT_SECONDS);
  assert_each_plays (&stress, dice);
  end (&stress, dice);
  g_test_message ("%d actions, %" G_GUINT64_FORMAT " bytes", stress.n_actions,
      stress.n_bytes);
  g_assert_cmpint (stress.n_errors, ==, 0);
  assert_falls_to (&before);
  making_free (stress.making);
  for (guint i = 0; i < N_SLOTS; i++) {
    g_mutex_clear (&stress.slots[i].lock);
    g_free (stress.slots[i].jti);
  }
  for (guint i = 0; i < G_N_ELEMENTS (stress.shapes); i++)
    g_free (stress.shapes[i]);
  g_rand_free (dice);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pipelines/stress/"
                   "a_storm_leaves_nothing_behind_and_every_session_plays",
      a_storm_leaves_nothing_behind_and_every_session_plays);
  return g_test_run ();
}
