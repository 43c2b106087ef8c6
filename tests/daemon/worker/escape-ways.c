/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every row is a system call by number, with arguments with which it would
 * succeed outside the sandbox. */
#include "escape-ways.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_FD 3

/* Arguments that are known only when the way is tried. */
#define DAEMON     G_MININT64
#define JOB        (G_MININT64 + 1)
#define P(pointer) ((gint64)(gintptr)(pointer))

static guint8 room[4096];
static gint pair[2];
static const struct sched_param priority = { 0 };
static const struct rlimit no_limit = { 1, 1 };
static const guint64 every_core = ~G_GUINT64_CONSTANT (0);
static siginfo_t nothing = { .si_code = SI_QUEUE };
static struct f_owner_ex owner = { F_OWNER_PID, 1 };
static struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
static const struct timespec epoch[2];
static struct iovec piece = { room, 1 };
static const gint one = 1;
static struct sockaddr_un journal
    = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };
static struct sockaddr_un hidden
    = { .sun_family = AF_UNIX, .sun_path = "\0syrinx-escape" };
static struct msghdr named = { .msg_name = &journal,
  .msg_namelen = sizeof journal,
  .msg_iov = &piece,
  .msg_iovlen = 1 };
static union
{
  struct cmsghdr head;
  gchar bytes[CMSG_SPACE (sizeof (gint))];
} rights = { .head = { CMSG_LEN (sizeof (gint)), SOL_SOCKET, SCM_RIGHTS } };
static struct msghdr laden = { .msg_iov = &piece,
  .msg_iovlen = 1,
  .msg_control = &rights,
  .msg_controllen = sizeof rights };
static struct mmsghdr several
    = { .msg_hdr = { .msg_iov = &piece, .msg_iovlen = 1 } };
static const guint64 clone_args[11] = { CLONE_NEWUSER };
static const gchar *const arguments[] = { "/bin/true", NULL };

typedef struct
{
  const gchar *name;
  glong call;
  gint64 args[6];
  gboolean makes_child; /* returns 0 in the child */
} Way;

static const Way ways[] = {
  /* other processes: signals */
  { "kill the daemon", SYS_kill, { DAEMON, 0 } },
  { "kill everybody", SYS_kill, { -1, 0 } },
  { "kill the group", SYS_kill, { 0, 0 } },
  { "tkill the daemon", SYS_tkill, { DAEMON, 0 } },
  { "tgkill the daemon", SYS_tgkill, { DAEMON, DAEMON, 0 } },
  { "rt_sigqueueinfo", SYS_rt_sigqueueinfo, { DAEMON, 0, P (&nothing) } },
  { "rt_tgsigqueueinfo", SYS_rt_tgsigqueueinfo,
      { DAEMON, DAEMON, 0, P (&nothing) } },
  { "F_SETOWN", SYS_fcntl, { SOCKET_FD, F_SETOWN, DAEMON } },
  { "F_SETOWN_EX", SYS_fcntl, { SOCKET_FD, F_SETOWN_EX, P (&owner) } },
  { "F_GETOWN", SYS_fcntl, { SOCKET_FD, F_GETOWN } },
  { "F_SETSIG", SYS_fcntl, { SOCKET_FD, F_SETSIG, SIGKILL } },
  { "O_ASYNC", SYS_fcntl, { SOCKET_FD, F_SETFL, O_ASYNC } },
  { "F_SETLEASE", SYS_fcntl, { JOB, F_SETLEASE, F_RDLCK } },
  { "F_NOTIFY", SYS_fcntl, { JOB, F_NOTIFY, 1 } },
  { "F_ADD_SEALS", SYS_fcntl, { JOB, F_ADD_SEALS, 0 } },
  { "F_SETPIPE_SZ", SYS_fcntl, { JOB, F_SETPIPE_SZ, 1 << 20 } },
  { "FIOSETOWN", SYS_ioctl, { SOCKET_FD, FIOSETOWN, P (&one) } },
  { "FIOASYNC", SYS_ioctl, { SOCKET_FD, FIOASYNC, P (&one) } },
  { "TIOCSTI", SYS_ioctl, { 2, TIOCSTI, P ("x") } },
  { "FIONREAD", SYS_ioctl, { SOCKET_FD, FIONREAD, P (room) } },

  /* other processes: looking into them and holding them up */
  { "pidfd_open", SYS_pidfd_open, { DAEMON, 0 } },
  { "pidfd_open of itself", SYS_pidfd_open, { 1, 0 } },
  { "ptrace: attach", SYS_ptrace, { PTRACE_ATTACH, DAEMON } },
  { "ptrace: seize", SYS_ptrace, { PTRACE_SEIZE, DAEMON } },
  { "ptrace: be traced", SYS_ptrace, { PTRACE_TRACEME } },
  { "process_vm_readv", SYS_process_vm_readv,
      { DAEMON, P (&piece), 1, P (&piece), 1 } },
  { "process_vm_writev", SYS_process_vm_writev,
      { DAEMON, P (&piece), 1, P (&piece), 1 } },
  { "PR_SET_PTRACER", SYS_prctl, { PR_SET_PTRACER, -1 } },
  { "PR_SET_DUMPABLE", SYS_prctl, { PR_SET_DUMPABLE, 1 } },
  { "PR_SET_PDEATHSIG", SYS_prctl, { PR_SET_PDEATHSIG, 0 } },
  { "PR_SET_CHILD_SUBREAPER", SYS_prctl, { PR_SET_CHILD_SUBREAPER, 1 } },
  { "kcmp", SYS_kcmp, { DAEMON, DAEMON, 0, 0, 0 } },
  { "get_robust_list", SYS_get_robust_list, { DAEMON, P (room), P (room) } },
  { "setpriority", SYS_setpriority, { PRIO_PROCESS, DAEMON, 19 } },
  { "setpriority of the user", SYS_setpriority, { PRIO_USER, 0, 19 } },
  { "sched_setaffinity", SYS_sched_setaffinity,
      { DAEMON, 8, P (&every_core) } },
  { "sched_setaffinity of itself", SYS_sched_setaffinity,
      { 0, 8, P (&every_core) } },
  { "sched_setscheduler", SYS_sched_setscheduler,
      { DAEMON, SCHED_OTHER, P (&priority) } },
  { "sched_getaffinity", SYS_sched_getaffinity, { DAEMON, 128, P (room) } },
  { "ioprio_set", SYS_ioprio_set, { 1, DAEMON, 2 << 13 } },
  { "prlimit of the daemon", SYS_prlimit64,
      { DAEMON, RLIMIT_NOFILE, P (&no_limit), 0 } },
  { "prlimit of itself", SYS_prlimit64, { 0, RLIMIT_CPU, P (&no_limit), 0 } },
  { "setrlimit", SYS_setrlimit, { RLIMIT_CPU, P (&no_limit) } },
  { "migrate_pages", SYS_migrate_pages, { DAEMON, 8, P (room), P (room) } },
  { "getpgid", SYS_getpgid, { DAEMON } },
  { "getsid", SYS_getsid, { DAEMON } },
  { "setpgid", SYS_setpgid, { 0, 0 } },
  { "setsid", SYS_setsid, { 0 } },
  { "wait4", SYS_wait4, { -1, P (room), 1, 0 } },

  /* paths */
  { "open", SYS_open, { P ("/etc/passwd"), O_RDONLY } },
  { "openat", SYS_openat, { AT_FDCWD, P ("/etc/passwd"), O_RDONLY } },
  { "openat of the process table", SYS_openat,
      { AT_FDCWD, P ("/proc/1/maps"), O_RDONLY } },
  { "openat of its own descriptor", SYS_openat,
      { AT_FDCWD, P ("/proc/self/fd/3"), O_RDONLY } },
  { "creat", SYS_creat, { P ("/tmp/syrinx-escape"), 0600 } },
  { "newfstatat of a path", SYS_newfstatat,
      { AT_FDCWD, P ("/etc/passwd"), P (room), AT_EMPTY_PATH } },
  { "newfstatat with no flag", SYS_newfstatat,
      { AT_FDCWD, P ("/etc/passwd"), P (room), 0 } },
  { "stat", SYS_stat, { P ("/etc/passwd"), P (room) } },
  { "lstat", SYS_lstat, { P ("/etc/passwd"), P (room) } },
  { "statx", SYS_statx,
      { AT_FDCWD, P ("/etc/passwd"), AT_EMPTY_PATH, 0xfff, P (room) } },
  { "statfs", SYS_statfs, { P ("/"), P (room) } },
  { "access", SYS_access, { P ("/etc/passwd"), R_OK } },
  { "faccessat", SYS_faccessat, { AT_FDCWD, P ("/etc/passwd"), R_OK } },
  { "readlink", SYS_readlink, { P ("/proc/self/exe"), P (room), 100 } },
  { "name_to_handle_at", SYS_name_to_handle_at,
      { AT_FDCWD, P ("/"), P (room), P (room + 256), 0 } },
  { "open_by_handle_at", SYS_open_by_handle_at, { AT_FDCWD, P (room), 0 } },
  { "getcwd", SYS_getcwd, { P (room), sizeof room } },
  { "chdir", SYS_chdir, { P ("/") } },
  { "chroot", SYS_chroot, { P ("/") } },
  { "mkdir", SYS_mkdir, { P ("/tmp/syrinx-escape-d"), 0700 } },
  { "mknod", SYS_mknod, { P ("/tmp/syrinx-escape-n"), S_IFIFO | 0600, 0 } },
  { "unlink", SYS_unlink, { P ("/tmp/syrinx-escape") } },
  { "rename", SYS_rename, { P ("/tmp/syrinx-escape"), P ("/tmp/syrinx-2") } },
  { "symlink", SYS_symlink, { P ("/etc"), P ("/tmp/syrinx-escape-s") } },
  { "chmod", SYS_chmod, { P ("/tmp"), 0777 } },
  { "utimensat", SYS_utimensat, { AT_FDCWD, P ("/tmp"), P (epoch), 0 } },
  { "getxattr", SYS_getxattr, { P ("/"), P ("user.a"), P (room), 100 } },
  { "inotify_init1", SYS_inotify_init1, { 0 } },
  { "fanotify_init", SYS_fanotify_init, { 0, 0 } },
  { "execve", SYS_execve, { P ("/bin/true"), P (arguments), 0 } },
  { "mount", SYS_mount, { P ("tmpfs"), P ("/"), P ("tmpfs"), 0, 0 } },
  { "umount2", SYS_umount2, { P ("/"), 2 } },
  { "pivot_root", SYS_pivot_root, { P ("."), P (".") } },
  { "fsopen", SYS_fsopen, { P ("tmpfs"), 0 } },
  { "open_tree", SYS_open_tree, { AT_FDCWD, P ("/"), 1 } },
  { "mq_open", SYS_mq_open,
      { P ("syrinx-escape"), O_CREAT | O_RDWR, 0600, 0 } },
  { "memfd_create", SYS_memfd_create, { P ("syrinx"), 0 } },
  { "acct", SYS_acct, { 0 } },
  { "swapoff", SYS_swapoff, { P ("/none") } },

  /* the job's file */
  { "fchmod", SYS_fchmod, { JOB, 0777 } },
  { "fchown", SYS_fchown, { JOB, -1, -1 } },
  { "futimens", SYS_utimensat, { JOB, 0, P (epoch), 0 } },
  { "fsetxattr", SYS_fsetxattr, { JOB, P ("user.a"), P ("x"), 1, 0 } },
  { "fgetxattr", SYS_fgetxattr, { JOB, P ("user.a"), P (room), 100 } },
  { "ftruncate", SYS_ftruncate, { JOB, 0 } },
  { "fallocate", SYS_fallocate, { JOB, 0, 0, 1 } },
  { "flock", SYS_flock, { JOB, LOCK_EX | LOCK_NB } },
  { "F_SETLK", SYS_fcntl, { JOB, F_SETLK, P (&lock) } },
  { "F_OFD_SETLK", SYS_fcntl, { JOB, F_OFD_SETLK, P (&lock) } },
  { "F_DUPFD", SYS_fcntl, { JOB, F_DUPFD, 0 } },
  { "fsync", SYS_fsync, { JOB } },
  { "readahead", SYS_readahead, { JOB, 0, 1 << 20 } },
  { "fadvise64", SYS_fadvise64, { JOB, 0, 0, 4 } },
  { "execveat", SYS_execveat,
      { JOB, P (""), P (arguments), 0, AT_EMPTY_PATH } },
  { "fchdir", SYS_fchdir, { JOB } },
  { "getdents64", SYS_getdents64, { JOB, P (room), sizeof room } },
  { "fstatfs", SYS_fstatfs, { JOB, P (room) } },
  { "sendfile", SYS_sendfile, { SOCKET_FD, JOB, 0, 1 } },
  { "splice", SYS_splice, { SOCKET_FD, 0, SOCKET_FD, 0, 1, 0 } },
  { "copy_file_range", SYS_copy_file_range, { JOB, 0, JOB, 0, 1, 0 } },
  { "dup", SYS_dup, { JOB } },
  { "dup2", SYS_dup2, { JOB, 20 } },

  /* sockets and other meeting places */
  { "socket: unix", SYS_socket, { AF_UNIX, SOCK_DGRAM, 0 } },
  { "socket: inet", SYS_socket, { AF_INET, SOCK_STREAM, 0 } },
  { "socket: netlink", SYS_socket, { AF_NETLINK, SOCK_RAW, 0 } },
  { "socket: packet", SYS_socket, { AF_PACKET, SOCK_RAW, 0 } },
  { "socket: alg", SYS_socket, { AF_ALG, SOCK_SEQPACKET, 0 } },
  { "socket: vsock", SYS_socket, { AF_VSOCK, SOCK_STREAM, 0 } },
  { "socketpair: datagrams", SYS_socketpair,
      { AF_UNIX, SOCK_DGRAM, 0, P (pair) } },
  { "socketpair: packets", SYS_socketpair,
      { AF_UNIX, SOCK_SEQPACKET, 0, P (pair) } },
  { "bind to an abstract name", SYS_bind,
      { SOCKET_FD, P (&hidden), sizeof hidden } },
  { "connect", SYS_connect, { SOCKET_FD, P (&journal), sizeof journal } },
  { "listen", SYS_listen, { SOCKET_FD, 1 } },
  { "accept4", SYS_accept4, { SOCKET_FD, 0, 0, 0 } },
  { "shutdown", SYS_shutdown, { SOCKET_FD, SHUT_RD } },
  { "setsockopt", SYS_setsockopt,
      { SOCKET_FD, SOL_SOCKET, SO_PASSCRED, P (&one), sizeof one } },
  { "getsockopt: the peer", SYS_getsockopt,
      { SOCKET_FD, SOL_SOCKET, SO_PEERCRED, P (room), P (room + 64) } },
  { "getpeername", SYS_getpeername, { SOCKET_FD, P (room), P (room + 256) } },
  { "sendto with an address", SYS_sendto,
      { SOCKET_FD, P (room), 1, 0, P (&journal), sizeof journal } },
  { "sendto another descriptor", SYS_sendto, { 2, P (room), 1, 0, 0, 0 } },
  { "sendmsg with a name", SYS_sendmsg, { SOCKET_FD, P (&named), 0 } },
  { "sendmsg with a descriptor", SYS_sendmsg, { SOCKET_FD, P (&laden), 0 } },
  { "sendmmsg", SYS_sendmmsg, { SOCKET_FD, P (&several), 1, 0 } },
  { "recvfrom", SYS_recvfrom, { SOCKET_FD, P (room), 1, MSG_DONTWAIT, 0, 0 } },
  { "recvmmsg", SYS_recvmmsg, { SOCKET_FD, P (&several), 1, MSG_DONTWAIT, 0 } },
  { "recvmsg elsewhere", SYS_recvmsg, { 2, P (&named), MSG_DONTWAIT } },
  { "shmget", SYS_shmget, { 0, 4096, 01600 } },
  { "semget", SYS_semget, { 0, 1, 01600 } },
  { "msgget", SYS_msgget, { 0, 01600 } },
  { "pipe2 of packets", SYS_pipe2, { P (pair), O_DIRECT } },
  { "eventfd2", SYS_eventfd2, { 0, 0 } },
  { "epoll_create1", SYS_epoll_create1, { 0 } },
  { "signalfd4", SYS_signalfd4, { -1, P (room), 8, 0 } },
  { "timerfd_create", SYS_timerfd_create, { CLOCK_MONOTONIC, 0 } },
  { "timer_create", SYS_timer_create, { CLOCK_MONOTONIC, 0, P (room) } },
  { "setitimer", SYS_setitimer, { ITIMER_REAL, P (room + 512), 0 } },

  /* calls with a large attack surface */
  { "io_uring_setup", SYS_io_uring_setup, { 1, P (room) } },
  { "io_setup", SYS_io_setup, { 1, P (room + 1024) } },
  { "userfaultfd", SYS_userfaultfd, { 1 } },
  { "bpf", SYS_bpf, { 0, P (room), 64 } },
  { "perf_event_open", SYS_perf_event_open, { P (room), 0, -1, -1, 0 } },
  { "keyctl", SYS_keyctl, { 0, -3, 1 } },
  { "add_key", SYS_add_key, { P ("user"), P ("syrinx"), P ("x"), 1, -3 } },
  { "request_key", SYS_request_key, { P ("user"), P ("syrinx"), 0, -3 } },
  { "seccomp", SYS_seccomp, { 0, 0, 0 } },
  { "landlock_create_ruleset", SYS_landlock_create_ruleset, { 0, 0, 1 } },
  { "unshare", SYS_unshare, { CLONE_NEWUSER } },
  { "unshare of files", SYS_unshare, { CLONE_FILES } },
  { "setns", SYS_setns, { JOB, 0 } },
  { "personality", SYS_personality, { 0xffffffff } },
  { "arch_prctl", SYS_arch_prctl, { 0x1003, P (room) } },
  { "modify_ldt", SYS_modify_ldt, { 0, P (room), 64 } },
  { "quotactl", SYS_quotactl, { 0, 0, 0, 0 } },
  { "init_module", SYS_init_module, { P (room), 1, P ("") } },
  { "reboot", SYS_reboot, { 0, 0, 0, 0 } },
  { "syslog", SYS_syslog, { 3, P (room), 100 } },
  { "sysinfo", SYS_sysinfo, { P (room) } },
  { "uname", SYS_uname, { P (room) } },
  { "setresuid", SYS_setresuid, { -1, -1, -1 } },
  { "setgroups", SYS_setgroups, { 0, 0 } },
  { "capset", SYS_capset, { P (room), 0 } },
  { "capget", SYS_capget, { P (room), 0 } },
  { "futex: a priority is inherited", SYS_futex,
      { P (room + 2048), FUTEX_LOCK_PI_PRIVATE, 0, 0 } },

  /* code and memory */
  { "mmap: executable", SYS_mmap,
      { 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0 } },
  { "mprotect: executable", SYS_mprotect,
      { P (room), 0, PROT_READ | PROT_EXEC } },
  { "pkey_mprotect", SYS_pkey_mprotect, { P (room), 0, PROT_EXEC, -1 } },
  { "mlock", SYS_mlock, { P (room), 1 } },
  { "madvise: merge", SYS_madvise, { 0, 0, MADV_MERGEABLE } },
  { "mbind", SYS_mbind, { 0, 0, 0, 0, 0, 0 } },

  /* more processes */
  { "fork", SYS_fork, { 0 }, TRUE },
  { "vfork", SYS_vfork, { 0 }, TRUE },
  { "clone as fork does", SYS_clone, { SIGCHLD }, TRUE },
  { "clone without a signal", SYS_clone, { CLONE_PARENT }, TRUE },
  { "clone with a user namespace", SYS_clone, { CLONE_NEWUSER | SIGCHLD },
      TRUE },
  { "clone3", SYS_clone3, { P (clone_args), 88 }, TRUE },
};

guint
escape_count_ways (void)
{
  return G_N_ELEMENTS (ways);
}

const gchar *
escape_get_name (guint way)
{
  return ways[way].name;
}

gint
escape_try (guint way, const EscapeTarget *target)
{
  const Way *w = &ways[way];
  glong args[6], answer;

  for (guint i = 0; i < G_N_ELEMENTS (args); i++)
    args[i] = w->args[i] == DAEMON ? target->daemon
              : w->args[i] == JOB  ? target->file
                                   : w->args[i];
  memcpy (CMSG_DATA (&rights.head), &target->file, sizeof target->file);
  answer
      = syscall (w->call, args[0], args[1], args[2], args[3], args[4], args[5]);
  if (answer == 0 && w->makes_child)
    _exit (0); /* the child */
  return answer >= 0 ? 0 : errno;
}
