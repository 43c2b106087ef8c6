/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Starts a worker's process. GLib's g_spawn can't ask for a namespace. */
#include "worker-spawn.h"

#include "core/base/error.h"
#include "daemon/worker/protocol.h"
#include "daemon/worker/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Higher than the descriptors 0 to 3 that the child sets up. */
#define FIRST_PARKED_FD 10

/* All data that the child reads, since it may not allocate. */
typedef struct
{
  const gchar *program;
  const gchar *const *env;
  gint socket, null, err, report; /* parked; closed by exec */
  guint n_fds;                    /* the highest possible descriptor plus 1 */
  gchar user_map[64], group_map[64];
} Child;

/* --- In the child: async-signal-safe only --- */

static void
put (const gchar *path, const gchar *text)
{
  gint fd = open (path, O_WRONLY | O_CLOEXEC);

  if (fd < 0)
    return;
  if (write (fd, text, strlen (text)) < 0) {
    /* the sandbox works with fewer namespaces */
  }
  close (fd);
}

/* Maps user and group ids to themselves: only a mapped process may create
 * further namespaces. */
static void
map_ids (const Child *child)
{
  put ("/proc/self/setgroups", "deny");
  put ("/proc/self/uid_map", child->user_map);
  put ("/proc/self/gid_map", child->group_map);
}

static void
close_others (const Child *child)
{
#ifdef SYS_close_range
  if (syscall (SYS_close_range, SYRINX_WORKER_FD + 1, ~0u, 1u << 2) == 0)
    return;
#endif
  for (guint fd = SYRINX_WORKER_FD + 1; fd < child->n_fds; fd++)
    if ((gint)fd != child->report)
      close (fd);
}

static void
run_child (const Child *child, gint flags)
{
  const gchar *argv[] = { child->program, NULL };
  gint code;

  if (flags & CLONE_NEWUSER)
    map_ids (child);
  if (dup2 (child->null, STDIN_FILENO) >= 0
      && dup2 (child->null, STDOUT_FILENO) >= 0
      && dup2 (child->err, STDERR_FILENO) >= 0
      && dup2 (child->socket, SYRINX_WORKER_FD) >= 0) {
    close_others (child);
    execve (child->program, (gchar **)argv, (gchar **)child->env);
  }
  code = errno;
  if (write (child->report, &code, sizeof code) < 0)
    _exit (126);
  _exit (127);
}

/* --- In the daemon --- */

/* The C library's fork() takes no namespace flags. clone() without a stack is a
 * fork that does not run fork handlers, which a child that only calls exec does
 * not need. */
static GPid
fork_with (const Child *child, gint flags)
{
  GPid pid = syscall (SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);

  if (pid == 0)
    run_child (child, flags);
  return pid;
}

static GPid
fork_child (const Child *child)
{
  gint flags = geteuid () == 0 ? CLONE_NEWPID : CLONE_NEWPID | CLONE_NEWUSER;
  GPid pid = fork_with (child, flags);

  return pid > 0 ? pid : fork_with (child, 0);
}

/* Moves @fd above FIRST_PARKED_FD. -1 stays -1, and errno is kept. */
static gint
park (gint fd)
{
  return fd < 0 ? fd : fcntl (fd, F_DUPFD_CLOEXEC, FIRST_PARKED_FD);
}

static void
child_clear (Child *child)
{
  const gint fds[] = { child->socket, child->null, child->err, child->report };

  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    if (fds[i] >= 0)
      close (fds[i]);
}

/* *@report: the read end of the pipe child->report. */
static gboolean
child_init (Child *child, gint socket, gboolean has_stderr, gint *report)
{
  struct rlimit limit = { 1024, 1024 };
  gint null = open ("/dev/null", O_RDWR | O_CLOEXEC), ends[2] = { -1, -1 };

  getrlimit (RLIMIT_NOFILE, &limit);
  child->n_fds = MIN (limit.rlim_cur, G_MAXINT);
  g_snprintf (child->user_map, sizeof child->user_map, "%u %u 1", geteuid (),
      geteuid ());
  g_snprintf (child->group_map, sizeof child->group_map, "%u %u 1", getegid (),
      getegid ());
  if (pipe2 (ends, O_CLOEXEC) != 0)
    ends[0] = ends[1] = -1;
  child->socket = park (socket);
  child->null = park (null);
  child->err = park (has_stderr ? STDERR_FILENO : null);
  child->report = park (ends[1]);
  if (null >= 0)
    close (null);
  if (ends[1] >= 0)
    close (ends[1]);
  *report = ends[0];
  return child->socket >= 0 && child->null >= 0 && child->err >= 0
         && child->report >= 0;
}

/* The pipe is closed by exec; if exec fails it carries the errno. Returns 0 or
 * an errno. */
static gint
wait_for_exec (gint report)
{
  gint code = 0;
  gssize n;

  do
    n = read (report, &code, sizeof code);
  while (n < 0 && errno == EINTR);
  if (n == 0)
    return 0;
  return n == sizeof code ? code : EIO;
}

static gint
start (Child *child, gint report, GPid *pid)
{
  gint code = 0;

  *pid = fork_child (child);
  if (*pid < 0)
    return errno;
  close (child->report);
  child->report = -1;
  code = wait_for_exec (report);
  while (code && waitpid (*pid, NULL, 0) < 0 && errno == EINTR)
    ;
  return code;
}

gboolean
syrinx_worker_spawn (const gchar *program, const gchar *const *env, gint socket,
    gboolean has_stderr, GPid *pid, GError **error)
{
  Child child = { .program = program, .env = env };
  gint report = -1;
  gint code = child_init (&child, socket, has_stderr, &report)
                  ? start (&child, report, pid)
                  : errno;

  child_clear (&child);
  if (report >= 0)
    close (report);
  if (code)
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_FAILED, "can't run %s: %s",
        program, g_strerror (code));
  return code == 0;
}

/* By the environment, which the pool passes on to them. */
gboolean
syrinx_workers_set_up (const gchar *name, const gchar *sandbox, GError **error)
{
  const struct passwd *user = name ? getpwnam (name) : NULL;
  g_autofree gchar *uid = g_strdup_printf ("%u", user ? user->pw_uid : 0);
  g_autofree gchar *gid = g_strdup_printf ("%u", user ? user->pw_gid : 0);

  g_setenv (SYRINX_WORKER_SANDBOX_VARIABLE, sandbox, TRUE);
  if (!name)
    return TRUE;
  if (!user || user->pw_uid == 0 || user->pw_gid == 0) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "worker-user must be an existing user other than root, not \"%s\"",
        name);
    return FALSE;
  }
  g_setenv (SYRINX_WORKER_USER_VARIABLE, uid, TRUE);
  g_setenv (SYRINX_WORKER_GROUP_VARIABLE, gid, TRUE);
  return TRUE;
}
