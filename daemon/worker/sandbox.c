/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The worker's sandbox: Landlock, seccomp, resource limits. */
#include "sandbox.h"

#include "core/base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_ADDRESS_SPACE_BYTES (2048ull * 1024 * 1024)
#define MAX_LIFE_CPU_SECONDS    7200

/* What decoding needs: memory, threads, clocks, and descriptors that are open.
 * Everything else answers EPERM: libraries take that better than death, and it
 * gives an intruder no more. */
static const gint allowed[] = { SCMP_SYS (read), SCMP_SYS (readv),
  SCMP_SYS (write), SCMP_SYS (writev), SCMP_SYS (pread64), SCMP_SYS (preadv),
  SCMP_SYS (lseek), SCMP_SYS (fstat), SCMP_SYS (close), SCMP_SYS (fcntl),
  SCMP_SYS (munmap), SCMP_SYS (mremap), SCMP_SYS (madvise), SCMP_SYS (brk),
  SCMP_SYS (futex), SCMP_SYS (set_robust_list), SCMP_SYS (rseq),
  SCMP_SYS (rt_sigprocmask), SCMP_SYS (rt_sigaction), SCMP_SYS (rt_sigreturn),
  SCMP_SYS (sigaltstack), SCMP_SYS (poll), SCMP_SYS (ppoll), SCMP_SYS (recvmsg),
  SCMP_SYS (sendmsg), SCMP_SYS (getpid), SCMP_SYS (gettid), SCMP_SYS (tgkill),
  SCMP_SYS (exit), SCMP_SYS (exit_group), SCMP_SYS (clock_gettime),
  SCMP_SYS (clock_getres), SCMP_SYS (clock_nanosleep), SCMP_SYS (nanosleep),
  SCMP_SYS (gettimeofday), SCMP_SYS (getrandom), SCMP_SYS (sched_yield),
  SCMP_SYS (sched_getaffinity), SCMP_SYS (sched_getattr),
  SCMP_SYS (sched_getparam), SCMP_SYS (sched_getscheduler),
  SCMP_SYS (getrusage), SCMP_SYS (eventfd2), SCMP_SYS (pipe), SCMP_SYS (pipe2),
  SCMP_SYS (restart_syscall), SCMP_SYS (sysinfo), SCMP_SYS (uname) };

/* Only threads, and none that is executable. clone3 hides its flags from the
 * filter; glibc goes back to clone when there is none. */
static gint
add_conditional_rules (scmp_filter_ctx ctx)
{
  gint rc = 0;

  rc |= seccomp_rule_add (ctx, SCMP_ACT_ALLOW, SCMP_SYS (clone), 1,
      SCMP_A0 (SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
  rc |= seccomp_rule_add (ctx, SCMP_ACT_ERRNO (ENOSYS), SCMP_SYS (clone3), 0);
  rc |= seccomp_rule_add (ctx, SCMP_ACT_ALLOW, SCMP_SYS (mmap), 1,
      SCMP_A2 (SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
  rc |= seccomp_rule_add (ctx, SCMP_ACT_ALLOW, SCMP_SYS (mprotect), 1,
      SCMP_A2 (SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
  rc |= seccomp_rule_add (ctx, SCMP_ACT_ALLOW, SCMP_SYS (newfstatat), 1,
      SCMP_A3 (SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH));
  /* how GstBus wakes its reader; such a pair leads nowhere else */
  rc |= seccomp_rule_add (ctx, SCMP_ACT_ALLOW, SCMP_SYS (socketpair), 1,
      SCMP_A0 (SCMP_CMP_EQ, AF_UNIX));
  rc |= seccomp_rule_add (ctx, SCMP_ACT_ALLOW, SCMP_SYS (prctl), 1,
      SCMP_A0 (SCMP_CMP_EQ, PR_SET_NAME));
  rc |= seccomp_rule_add (
      ctx, SCMP_ACT_ALLOW, SCMP_SYS (prlimit64), 1, SCMP_A0 (SCMP_CMP_EQ, 0));
  return rc;
}

static gboolean
enter_seccomp (void)
{
  scmp_filter_ctx ctx = seccomp_init (SCMP_ACT_ERRNO (EPERM));
  gint rc = 0;

  if (!ctx)
    return FALSE;
  rc |= seccomp_attr_set (ctx, SCMP_FLTATR_CTL_TSYNC, 1);
  for (guint i = 0; i < G_N_ELEMENTS (allowed); i++)
    rc |= seccomp_rule_add (ctx, SCMP_ACT_ALLOW, allowed[i], 0);
  rc |= add_conditional_rules (ctx);
  rc = rc ? rc : seccomp_load (ctx);
  seccomp_release (ctx);
  return rc == 0;
}

/* A second wall behind seccomp where the kernel has it: with no rule given, no
 * path can be reached. */
static void
enter_landlock (void)
{
  struct landlock_ruleset_attr attr
      = { .handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1 };
  gint fd = syscall (__NR_landlock_create_ruleset, &attr, sizeof attr, 0);

  if (fd < 0)
    return;
  if (syscall (__NR_landlock_restrict_self, fd, 0) != 0)
    g_debug ("landlock refused: %s", g_strerror (errno));
  close (fd);
}

gboolean
syrinx_sandbox_tie_to_parent (void)
{
  pid_t parent = getppid ();

  /* a parent that went even earlier shows as a closed socket */
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  return getppid () == parent;
}

static void
limit (gint resource, rlim_t bound)
{
  struct rlimit rl = { bound, bound };

  setrlimit (resource, &rl);
}

gboolean
syrinx_sandbox_enter (GError **error)
{
  limit (RLIMIT_CORE, 0);
#ifndef __SANITIZE_ADDRESS__ /* its shadow memory takes terabytes */
  limit (RLIMIT_AS, MAX_ADDRESS_SPACE_BYTES);
#endif
  limit (RLIMIT_CPU, MAX_LIFE_CPU_SECONDS);
  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) {
    enter_landlock ();
    if (enter_seccomp ())
      return TRUE;
  }
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_FAILED,
      "can't enter the sandbox (seccomp): %s; foreign files are not opened "
      "without it",
      g_strerror (errno));
  return FALSE;
}

void
syrinx_sandbox_limit_cpu (guint seconds)
{
  struct rusage usage;
  struct rlimit rl;

  getrusage (RUSAGE_SELF, &usage);
  rl.rlim_cur = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + seconds + 1;
  rl.rlim_max = MAX_LIFE_CPU_SECONDS;
  rl.rlim_cur = MIN (rl.rlim_cur, rl.rlim_max);
  setrlimit (RLIMIT_CPU, &rl);
}
