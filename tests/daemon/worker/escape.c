/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A worker that has been taken over gains nothing. The daemon's side is the
 * real pool, the worker's side the real sandbox. */
#include "core/base/error.h"
#include "daemon/ingest/worker-pool.h"
#include "daemon/worker/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_US (60 * G_USEC_PER_SEC)

typedef struct
{
  SyrinxWorkerPool *pool;
  SyrinxWorker *worker;
  gint file; /* the file of a job, open for reading */
} Fixture;

static gchar *
get_program (const gchar *name)
{
  return g_build_filename (
      g_getenv ("SYRINX_BUILD"), "tests", "daemon", "worker", name, NULL);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autofree gchar *program = get_program ("escape-worker");
  g_autofree gchar *path = g_strdup ("/tmp/syrinx-escape-XXXXXX");
  g_autoptr (GError) error = NULL;
  gint fd = g_mkstemp (path);

  g_assert_cmpint (fd, >=, 0);
  close (fd);
  f->file = g_open (path, O_RDONLY | O_CLOEXEC);
  g_assert_cmpint (f->file, >=, 0);
  g_unlink (path);
  f->pool = syrinx_worker_pool_new (program);
  f->worker = syrinx_worker_pool_take (f->pool, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  syrinx_worker_pool_give (f->pool, f->worker, FALSE);
  syrinx_worker_pool_free (f->pool);
  close (f->file);
}

static void
order (Fixture *f, const gchar *mode)
{
  g_autoptr (GError) error = NULL;
  GVariantDict plan;

  g_variant_dict_init (&plan, NULL);
  g_variant_dict_insert (&plan, "mode", "s", mode);
  g_variant_dict_insert (&plan, "daemon", "i", getpid ());
  syrinx_worker_start (f->worker, SYRINX_MESSAGE_PRODUCE,
      g_variant_dict_end (&plan), f->file, &error);
  g_assert_no_error (error);
}

/* (transfer full) */
static GVariant *
get_result (Fixture *f, const gchar *mode)
{
  g_auto (SyrinxMessage) message = { .fd = -1 };
  g_autoptr (GError) error = NULL;
  GVariant *result;

  order (f, mode);
  syrinx_worker_receive (
      f->worker, g_get_monotonic_time () + PATIENCE_US, &message, &error);
  g_assert_no_error (error);
  g_assert_cmpint (message.type, ==, SYRINX_MESSAGE_RESULT);
  result = syrinx_message_get_dict (&message);
  g_assert_nonnull (result);
  return result;
}

static guint
get_count (Fixture *f, const gchar *mode)
{
  g_autoptr (GVariant) result = get_result (f, mode);
  guint n = 0;

  g_assert_true (g_variant_lookup (result, "n", "u", &n));
  g_test_message ("%s: %u", mode, n);
  return n;
}

static guint
count_descriptors (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir))
    n++;
  return n;
}

/* --- Attempts --- */

static void
every_way_out_is_refused (Fixture *f, gconstpointer data)
{
  g_autoptr (GVariant) results = get_result (f, "ways");
  GVariantIter iter;
  const gchar *name;
  GVariant *value;
  guint n_open = 0;

  g_variant_iter_init (&iter, results);
  while (g_variant_iter_next (&iter, "{&sv}", &name, &value)) {
    gint code = g_variant_get_int32 (value);

    if (code != EPERM) {
      g_printerr ("%s: %s\n", name, code ? g_strerror (code) : "worked");
      n_open++;
    }
    g_variant_unref (value);
  }
  g_assert_cmpuint (g_variant_n_children (results), >=, 150);
  g_assert_cmpuint (n_open, ==, 0);
}

static void
few_calls_do_anything_at_all (Fixture *f, gconstpointer data)
{
  g_assert_cmpuint (get_count (f, "sweep"), <=, 20);
}

static void
no_thread_can_be_made (Fixture *f, gconstpointer data)
{
  g_assert_cmpuint (get_count (f, "threads"), ==, 0);
}

static void
memory_ends_at_its_limit (Fixture *f, gconstpointer data)
{
  g_assert_cmpuint (get_count (f, "memory"), <=, 2048);
}

/* Its job never ends, so the worker is not given back to the pool. */
static void
a_worker_that_floods_is_not_used_again (Fixture *f, gconstpointer data)
{
  gint pid = syrinx_worker_get_pid (f->worker);
  g_auto (SyrinxMessage) message = { .fd = -1 };
  g_autoptr (GError) error = NULL;

  order (f, "flood");
  g_assert_true (syrinx_worker_receive (
      f->worker, g_get_monotonic_time () + PATIENCE_US, &message, &error));
  syrinx_worker_pool_give (f->pool, f->worker, TRUE);
  g_assert_cmpint (kill (pid, 0), <, 0);
  f->worker = syrinx_worker_pool_take (f->pool, &error);
  g_assert_no_error (error);
}

/* --- State in the kernel --- */

static gchar *
read_status (Fixture *f)
{
  g_autofree gchar *path
      = g_strdup_printf ("/proc/%d/status", syrinx_worker_get_pid (f->worker));
  gchar *status = NULL;

  g_assert_true (g_file_get_contents (path, &status, NULL, NULL));
  return status;
}

static void
it_is_locked_in_for_good (Fixture *f, gconstpointer data)
{
  static const gchar *const wanted[] = { "\nSeccomp:\t2\n",
    "\nNoNewPrivs:\t1\n", "\nCapEff:\t0000000000000000\n",
    "\nCapPrm:\t0000000000000000\n", "\nThreads:\t1\n" };
  g_autofree gchar *status = read_status (f);

  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++)
    if (!strstr (status, wanted[i]))
      g_error ("no %s in %s", wanted[i], status);
}

static void
its_resources_are_bounded (Fixture *f, gconstpointer data)
{
  static const gchar *const wanted[] = { "Max cpu time +1200 +1200 ",
    "Max core file size +0 +0 ", "Max open files +16 +16 ",
    "Max address space +2147483648 +2147483648 ", "Max processes +1 +1 ",
    "Max locked memory +0 +0 ", "Max msgqueue size +0 +0 " };
  g_autofree gchar *path
      = g_strdup_printf ("/proc/%d/limits", syrinx_worker_get_pid (f->worker));
  g_autofree gchar *limits = NULL;

  g_assert_true (g_file_get_contents (path, &limits, NULL, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++)
    if (!g_regex_match_simple (wanted[i], limits, 0, 0))
      g_error ("no %s in %s", wanted[i], limits);
}

static void
it_is_never_root (Fixture *f, gconstpointer data)
{
  g_autofree gchar *status = read_status (f);

  g_assert_null (strstr (status, "\nUid:\t0\t"));
  g_assert_null (strstr (status, "\nGid:\t0\t"));
  if (geteuid () == 0)
    g_assert_nonnull (strstr (status, "\nGroups:\t \n"));
}

static void
a_configured_user_is_taken (Fixture *f, gconstpointer data)
{
  g_autofree gchar *status = NULL;
  g_autoptr (GError) error = NULL;

  if (geteuid () != 0) {
    g_test_skip ("only root can become somebody else");
    return;
  }
  g_setenv (SYRINX_WORKER_USER_VARIABLE, "12345", TRUE);
  g_setenv (SYRINX_WORKER_GROUP_VARIABLE, "12346", TRUE);
  syrinx_worker_pool_give (f->pool, f->worker, FALSE);
  f->worker = syrinx_worker_pool_take (f->pool, &error);
  g_assert_no_error (error);
  g_unsetenv (SYRINX_WORKER_USER_VARIABLE);
  g_unsetenv (SYRINX_WORKER_GROUP_VARIABLE);
  status = read_status (f);
  g_assert_nonnull (strstr (status, "\nUid:\t12345\t12345\t12345\t12345\n"));
  g_assert_nonnull (strstr (status, "\nGid:\t12346\t12346\t12346\t12346\n"));
}

static gboolean
shares_namespace (Fixture *f, const gchar *name)
{
  g_autofree gchar *own = g_build_filename ("/proc/self/ns", name, NULL);
  g_autofree gchar *path = g_strdup_printf (
      "/proc/%d/ns/%s", syrinx_worker_get_pid (f->worker), name);
  g_autofree gchar *ours = g_file_read_link (own, NULL);
  g_autofree gchar *its = g_file_read_link (path, NULL);

  return its && g_str_equal (its, ours);
}

static void
it_has_namespaces_of_its_own (Fixture *f, gconstpointer data)
{
  static const gchar *const names[]
      = { "cgroup", "ipc", "mnt", "net", "pid", "user", "uts" };

  if (geteuid () != 0) {
    g_test_skip ("a system may grant them to root only");
    return;
  }
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (shares_namespace (f, names[i]))
      g_error ("it shares the namespace %s", names[i]);
}

static void
its_root_folder_is_empty (Fixture *f, gconstpointer data)
{
  g_autofree gchar *path
      = g_strdup_printf ("/proc/%d/root", syrinx_worker_get_pid (f->worker));
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);

  if (geteuid () != 0) {
    g_test_skip ("a system may grant it to root only");
    return;
  }
  g_assert_nonnull (dir);
  g_assert_null (g_dir_read_name (dir));
}

static void
without_seccomp_it_runs_only_if_that_is_configured (void)
{
  g_autofree gchar *program = get_program ("no-seccomp");
  g_autoptr (SyrinxWorkerPool) pool = syrinx_worker_pool_new (program);
  g_autoptr (GError) error = NULL;
  SyrinxWorker *worker = syrinx_worker_pool_take (pool, &error);

  g_assert_null (worker);
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "seccomp"));
  g_clear_error (&error);
  g_setenv (SYRINX_WORKER_SANDBOX_VARIABLE, "try", TRUE);
  worker = syrinx_worker_pool_take (pool, &error);
  g_unsetenv (SYRINX_WORKER_SANDBOX_VARIABLE);
  g_assert_no_error (error);
  syrinx_worker_pool_give (pool, worker, FALSE);
}

/* --- Descriptors on the socket --- */

/* What the old reader left open: two descriptors with one byte. */
static void
send_two (gint socket, gint fd)
{
  union
  {
    struct cmsghdr head;
    gchar bytes[CMSG_SPACE (2 * sizeof (gint))];
  } control = { .head = { CMSG_LEN (2 * sizeof fd), SOL_SOCKET, SCM_RIGHTS } };
  const gint fds[] = { fd, fd };
  struct iovec byte = { "\0", 1 };
  struct msghdr message = { .msg_iov = &byte,
    .msg_iovlen = 1,
    .msg_control = &control,
    .msg_controllen = sizeof control };

  memcpy (CMSG_DATA (&control.head), fds, sizeof fds);
  g_assert_cmpint (sendmsg (socket, &message, 0), ==, 1);
}

typedef gboolean (*ReceiveFunc) (gint socket, SyrinxMessage *message);

static gboolean
receive_as_daemon (gint socket, SyrinxMessage *message)
{
  return syrinx_message_receive (
      socket, g_get_monotonic_time () + PATIENCE_US, message, NULL);
}

static gboolean
receive_as_worker (gint socket, SyrinxMessage *message)
{
  return syrinx_message_receive_job (socket, message, NULL);
}

static void
count_kept (Fixture *f, ReceiveFunc receive, guint n_kept)
{
  const guint n_bytes = 50;
  const guint32 head[] = { 0x53795278u, SYRINX_MESSAGE_RESULT, n_bytes };
  g_auto (SyrinxMessage) message = { .fd = -1 };
  gint ends[2];
  guint n_before;

  g_assert_cmpint (
      socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  n_before = count_descriptors ();
  g_assert_cmpint (write (ends[0], head, sizeof head), ==, sizeof head);
  for (guint i = 0; i < n_bytes; i++)
    send_two (ends[0], f->file);
  g_assert_true (receive (ends[1], &message));
  g_assert_cmpuint (g_bytes_get_size (message.payload), ==, n_bytes);
  g_assert_cmpuint (count_descriptors (), ==, n_before + n_kept);
  close (ends[0]);
  close (ends[1]);
}

static void
descriptors_do_not_get_into_the_daemon (Fixture *f, gconstpointer data)
{
  count_kept (f, receive_as_daemon, 0);
}

static void
a_worker_keeps_one_descriptor_of_many (Fixture *f, gconstpointer data)
{
  count_kept (f, receive_as_worker, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name)                                                              \
  g_test_add ("/escape/" #name, Fixture, NULL, set_up, name, tear_down)
  ADD (every_way_out_is_refused);
  ADD (few_calls_do_anything_at_all);
  ADD (no_thread_can_be_made);
  ADD (memory_ends_at_its_limit);
  ADD (a_worker_that_floods_is_not_used_again);
  ADD (it_is_locked_in_for_good);
  ADD (its_resources_are_bounded);
  ADD (it_is_never_root);
  ADD (a_configured_user_is_taken);
  ADD (it_has_namespaces_of_its_own);
  ADD (its_root_folder_is_empty);
  ADD (descriptors_do_not_get_into_the_daemon);
  ADD (a_worker_keeps_one_descriptor_of_many);
  g_test_add_func ("/escape/without_seccomp_it_runs_only_if_that_is_configured",
      without_seccomp_it_runs_only_if_that_is_configured);
  return g_test_run ();
}
