/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The worker's sandbox: a user of its own, namespaces, an empty root folder,
 * resource limits, Landlock, seccomp; in this order, since each step needs what
 * the next ones take away.
 *
 * It is one file that needs nothing but libseccomp, so that a test can build a
 * hostile worker around exactly what the real one runs behind. */
#include "sandbox.h"

#include "core/base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_ADDRESS_SPACE_BYTES (2048ull * 1024 * 1024)
#define MAX_CPU_SECONDS         1200 /* of its whole life */
#define MAX_DESCRIPTORS         16

#define WORKER_FD 3 /* SYRINX_WORKER_FD of protocol.h */

/* The range that systemd uses for dynamic users of services; no person has such
 * an id. */
#define FIRST_FREE_ID 61184
#define N_FREE_IDS    4336

static SyrinxWalls walls;

/* --- System calls --- */

typedef enum
{
  ANY,  /* no condition */
  IS,   /* the argument equals the value */
  LACKS /* no bit of the value is set in the argument */
} Test;

typedef struct
{
  guint argument;
  Test test;
  guint64 value;
} Condition;

/* A call is allowed if all conditions of one of its lines hold. Any other call
 * fails with EPERM: libraries handle that better than being killed, and an
 * attacker gains nothing by it. The filter sees numbers, not the memory that
 * pointers point to; so the list has no call that takes a path or an address,
 * or that could name another process.
 * `./bootstrap sandbox-record` records the calls that a worker really makes. */
static const struct
{
  gint call;
  Condition conditions[3];
} allowed[] = {
  /* The job: its file and the socket are already open; these calls can reach
   * nothing else. */
  { SCMP_SYS (pread64), { { 0 } } }, /* the file, anywhere in it */
  { SCMP_SYS (lseek), { { 0 } } },   /* the file's length */
  { SCMP_SYS (close), { { 0 } } },   /* the file, after the job */
  { SCMP_SYS (poll), { { 0 } } },    /* waits for the daemon */
  /* a job with its descriptor, from the daemon only */
  { SCMP_SYS (recvmsg), { { 0, IS, WORKER_FD } } },
  /* an answer: no destination address, and sendto() can carry no descriptor */
  { SCMP_SYS (sendto), { { 0, IS, WORKER_FD }, { 4, IS, 0 }, { 5, IS, 0 } } },
  { SCMP_SYS (write), { { 0 } } }, /* messages of libraries on standard error */

  /* Memory, none of it executable. */
  { SCMP_SYS (brk), { { 0 } } },                        /* malloc() */
  { SCMP_SYS (mmap), { { 2, LACKS, PROT_EXEC } } },     /* large blocks */
  { SCMP_SYS (mprotect), { { 2, LACKS, PROT_EXEC } } }, /* arenas grow */
  { SCMP_SYS (munmap), { { 0 } } },                     /* free() */
  { SCMP_SYS (mremap), { { 0 } } }, /* realloc() of large blocks */
  { SCMP_SYS (madvise), { { 2, IS, MADV_DONTNEED } } }, /* arenas shrink */

  /* Locks, in the only form that one thread needs; no thread can be created. */
  { SCMP_SYS (futex), { { 1, IS, FUTEX_WAIT_PRIVATE } } },
  { SCMP_SYS (futex), { { 1, IS, FUTEX_WAKE_PRIVATE } } },

  /* Exiting, and continuing after SIGSTOP and SIGCONT. */
  { SCMP_SYS (exit_group), { { 0 } } },
  { SCMP_SYS (restart_syscall), { { 0 } } },

  /* Clocks, where the vDSO does not serve them. */
  { SCMP_SYS (clock_gettime), { { 0 } } }, /* deadlines */
};

G_STATIC_ASSERT (G_N_ELEMENTS (allowed) <= 60);

/* @conditions end at the first one with test ANY. */
static gint
allow (scmp_filter_ctx ctx, gint call, const Condition *conditions)
{
  struct scmp_arg_cmp compare[3];
  guint n = 0;

  while (n < G_N_ELEMENTS (compare) && conditions[n].test != ANY) {
    const Condition *c = &conditions[n];

    compare[n++]
        = c->test == IS
              ? SCMP_CMP64 (c->argument, SCMP_CMP_EQ, c->value)
              : SCMP_CMP64 (c->argument, SCMP_CMP_MASKED_EQ, c->value, 0);
  }
  return seccomp_rule_add_array (ctx, SCMP_ACT_ALLOW, call, n, compare);
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
    rc |= allow (ctx, allowed[i].call, allowed[i].conditions);
  rc = rc ? rc : seccomp_load (ctx);
  seccomp_release (ctx);
  return rc == 0;
}

/* --- Landlock --- */

/* The kernel's struct landlock_ruleset_attr of ABI 6; older kernels accept it
 * if the fields that they do not know are 0. */
typedef struct
{
  guint64 fs, net, scoped;
} Ruleset;

/* The rights that each ABI was the first to control. */
static const struct
{
  gint abi;
  Ruleset adds;
} landlock_abis[] = {
  { 1, { (1 << 13) - 1, 0, 0 } }, /* files and folders */
  { 2, { 1 << 13, 0, 0 } },       /* links between folders */
  { 3, { 1 << 14, 0, 0 } },       /* truncation */
  { 4, { 0, 3, 0 } },             /* TCP: bind, connect */
  { 5, { 1 << 15, 0, 0 } },       /* ioctl on devices */
  { 6, { 0, 0, 3 } },             /* abstract sockets, signals */
};

/* Without any rule, none of these rights is left. */
static gboolean
enter_landlock (void)
{
  glong abi = syscall (SYS_landlock_create_ruleset, NULL, 0, 1u);
  Ruleset ruleset = { 0 };
  gboolean entered;
  gint fd;

  for (guint i = 0; i < G_N_ELEMENTS (landlock_abis); i++)
    if (landlock_abis[i].abi <= abi) {
      ruleset.fs |= landlock_abis[i].adds.fs;
      ruleset.net |= landlock_abis[i].adds.net;
      ruleset.scoped |= landlock_abis[i].adds.scoped;
    }
  if (abi < 1)
    return FALSE;
  fd = syscall (SYS_landlock_create_ruleset, &ruleset, sizeof ruleset, 0u);
  if (fd < 0)
    return FALSE;
  entered = syscall (SYS_landlock_restrict_self, fd, 0u) == 0;
  close (fd);
  return entered;
}

/* --- User, namespaces, root folder --- */

static guint32
read_id (const gchar *variable, guint32 fallback)
{
  const gchar *text = g_getenv (variable);
  guint64 id = 0;

  if (!text || !g_ascii_string_to_unsigned (text, 10, 1, G_MAXINT32, &id, NULL))
    return fallback;
  return id;
}

/* An id that no user or group has, a different one for each worker. */
static guint32
find_free_id (void)
{
  guint32 id = FIRST_FREE_ID;

  for (guint i = 0; i < N_FREE_IDS; i++) {
    id = FIRST_FREE_ID + ((guint32)g_get_monotonic_time () + i) % N_FREE_IDS;
    if (!getpwuid (id) && !getgrgid (id))
      break;
  }
  return id;
}

/* Keeps only the capability that the next steps need. */
static gboolean
give_up_root (void)
{
  guint32 fallback, user, group;

  if (geteuid () != 0)
    return TRUE;
  fallback = find_free_id ();
  user = read_id (SYRINX_WORKER_USER_VARIABLE, fallback);
  group = read_id (SYRINX_WORKER_GROUP_VARIABLE, fallback);
  prctl (PR_SET_KEEPCAPS, 1, 0, 0, 0);
  return setgroups (0, NULL) == 0 && setresgid (group, group, group) == 0
         && setresuid (user, user, user) == 0;
}

static gboolean
set_capabilities (guint32 capabilities)
{
  struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
  struct __user_cap_data_struct data[2] = { { capabilities, capabilities, 0 } };

  return syscall (SYS_capset, &head, data) == 0;
}

/* Creates a user namespace first, since that permits the others. */
static gboolean
enter_namespaces (void)
{
  const gint others = CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWNS | CLONE_NEWUTS
                      | CLONE_NEWCGROUP;

  return unshare (CLONE_NEWUSER | others) == 0
         || (set_capabilities (1u << CAP_SYS_ADMIN) && unshare (others) == 0);
}

/* Replaces the root folder by an empty file system that can't be written to. */
static gboolean
enter_empty_root (void)
{
  const gulong flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;

  return mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0
         && mount ("tmpfs", "/tmp", "tmpfs", flags, "size=4k,mode=0555") == 0
         && chdir ("/tmp") == 0 && syscall (SYS_pivot_root, ".", ".") == 0
         && umount2 (".", MNT_DETACH) == 0 && chdir ("/") == 0;
}

static SyrinxWalls
isolate (void)
{
  SyrinxWalls up = 0;
  /* init's answer to kill(): in a namespace of its own, this is process 1 */
  const gboolean is_alone = getpid () == 1;
  const gboolean is_nobody = give_up_root ();

  if (enter_namespaces ())
    up |= SYRINX_WALL_NAMESPACES;
  if (up && enter_empty_root ())
    up |= SYRINX_WALL_ROOT;
  if (set_capabilities (0) && is_nobody)
    up |= SYRINX_WALL_USER;
  return up | (is_alone ? SYRINX_WALL_PROCESSES : 0);
}

/* --- Life --- */

gboolean
syrinx_sandbox_tie_to_parent (void)
{
  pid_t parent = getppid ();

  /* if the parent has ended even earlier, the socket is closed */
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  return getppid () == parent;
}

static void
limit (gint resource, rlim_t bound)
{
  struct rlimit rl = { bound, bound };

  setrlimit (resource, &rl);
}

static void
limit_resources (void)
{
  limit (RLIMIT_CORE, 0);
#ifndef __SANITIZE_ADDRESS__ /* its shadow memory takes terabytes */
  limit (RLIMIT_AS, MAX_ADDRESS_SPACE_BYTES);
#endif
  limit (RLIMIT_CPU, MAX_CPU_SECONDS);
  limit (RLIMIT_NOFILE, MAX_DESCRIPTORS);
  limit (RLIMIT_MEMLOCK, 0);
  limit (RLIMIT_MSGQUEUE, 0);
  limit (RLIMIT_NPROC, 1); /* this process only */
}

gboolean
syrinx_sandbox_enter (GError **error)
{
  gboolean may_lack_it
      = g_strcmp0 (g_getenv (SYRINX_WORKER_SANDBOX_VARIABLE), "try") == 0;

  walls = isolate ();
  limit_resources ();
  prctl (PR_SET_DUMPABLE, 0);
  /* changing the user has reset it */
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) {
    walls |= enter_landlock () ? SYRINX_WALL_LANDLOCK : 0;
    walls |= enter_seccomp () ? SYRINX_WALL_SECCOMP : 0;
  }
  if ((walls & SYRINX_WALL_SECCOMP) || may_lack_it)
    return TRUE;
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_FAILED,
      "can't enter the sandbox (seccomp): %s; foreign files are not opened "
      "without it",
      g_strerror (errno));
  return FALSE;
}

void
syrinx_sandbox_forbid_writing (void)
{
  limit (RLIMIT_FSIZE, 0);
}

SyrinxWalls
syrinx_sandbox_get_walls (void)
{
  return walls;
}
