/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A worker that has been taken over: it enters the real sandbox and then does
 * what the plan of a job tells it. */
#include "daemon/worker/protocol.h"
#include "daemon/worker/sandbox.h"
#include "escape-ways.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STEP_BYTES  (16 << 20)
#define MAX_THREADS 4000

static GVariant *
try_ways (const EscapeTarget *target)
{
  GVariantDict results;

  g_variant_dict_init (&results, NULL);
  for (guint i = 0; i < escape_count_ways (); i++)
    g_variant_dict_insert (
        &results, escape_get_name (i), "i", escape_try (i, target));
  return g_variant_dict_end (&results);
}

static gpointer
idle (gpointer data)
{
  for (;;)
    poll (NULL, 0, -1);
  return NULL;
}

static GVariant *
count_of (guint n)
{
  GVariantDict results;

  g_variant_dict_init (&results, NULL);
  g_variant_dict_insert (&results, "n", "u", n);
  return g_variant_dict_end (&results);
}

static GVariant *
make_threads (void)
{
  pthread_attr_t attr;
  pthread_t thread;
  guint n = 0;

  pthread_attr_init (&attr);
  pthread_attr_setstacksize (&attr, 32768);
  while (n < MAX_THREADS && pthread_create (&thread, &attr, idle, NULL) == 0)
    n++;
  return count_of (n);
}

/* In MiB. */
static GVariant *
take_memory (void)
{
  guint n = 0;

  while (mmap (NULL, STEP_BYTES, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
             != MAP_FAILED
         && n < 1 << 20)
    n++;
  return count_of (n * (STEP_BYTES >> 20));
}

/* Of x86: only kernel trampolines may call them, other callers are killed. */
#define URETPROBE 335
#define UPROBE    336

/* Each call by its number, with arguments that match no condition of the
 * filter. */
static GVariant *
sweep (void)
{
  static const gint deadly[] = { SYS_exit, SYS_exit_group, SYS_rt_sigreturn,
    SYS_restart_syscall, SYS_munmap, SYS_mremap, SYS_brk, URETPROBE, UPROBE };
  guint n = 0;

  for (glong call = 0; call < 600; call++) {
    gboolean skipped = FALSE;

    for (guint i = 0; i < G_N_ELEMENTS (deadly); i++)
      skipped |= deadly[i] == call;
    if (!skipped && syscall (call, -1L, -1L, -1L, -1L, -1L, -1L) < 0
        && errno == EPERM)
      continue;
    n++;
  }
  return count_of (n);
}

static void
flood (void)
{
  static const guint8 fragment[65536];

  while (syrinx_message_send (SYRINX_WORKER_FD, SYRINX_MESSAGE_FRAGMENT,
      fragment, sizeof fragment, -1, NULL))
    ;
}

/* (transfer full) */
static GVariant *
obey (const gchar *mode, const EscapeTarget *target)
{
  if (g_str_equal (mode, "ways"))
    return try_ways (target);
  if (g_str_equal (mode, "threads"))
    return make_threads ();
  if (g_str_equal (mode, "memory"))
    return take_memory ();
  if (g_str_equal (mode, "sweep"))
    return sweep ();
  if (g_str_equal (mode, "flood"))
    flood ();
  return count_of (0);
}

static gboolean
serve (void)
{
  g_auto (SyrinxMessage) job = { .fd = -1 };
  g_autoptr (GVariant) plan = NULL;
  EscapeTarget target = { 0 };
  const gchar *mode = "";

  if (!syrinx_message_receive_job (SYRINX_WORKER_FD, &job, NULL)
      || !(plan = syrinx_message_get_dict (&job)))
    return FALSE;
  g_variant_lookup (plan, "mode", "&s", &mode);
  g_variant_lookup (plan, "daemon", "i", &target.daemon);
  target.file = job.fd;
  return syrinx_message_send_variant (
      SYRINX_WORKER_FD, SYRINX_MESSAGE_RESULT, obey (mode, &target), -1, NULL);
}

int
main (void)
{
  guint32 walls;

  if (!syrinx_sandbox_tie_to_parent () || !syrinx_sandbox_enter (NULL))
    return 1;
  walls = syrinx_sandbox_get_walls ();
  syrinx_message_send (
      SYRINX_WORKER_FD, SYRINX_MESSAGE_READY, &walls, sizeof walls, -1, NULL);
  while (serve ())
    ;
  _exit (0);
}
