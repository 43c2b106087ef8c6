/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinx-worker on a kernel that has no seccomp, as far as it can tell. */
#include <errno.h>
#include <glib.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <unistd.h>

int
main (void)
{
  g_autofree gchar *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree gchar *here = g_path_get_dirname (self);
  g_autofree gchar *worker = g_build_filename (
      here, "..", "..", "..", "daemon", "syrinx-worker", NULL);
  scmp_filter_ctx ctx = seccomp_init (SCMP_ACT_ALLOW);

  if (seccomp_rule_add (ctx, SCMP_ACT_ERRNO (EINVAL), SCMP_SYS (seccomp), 0)
      || seccomp_rule_add (ctx, SCMP_ACT_ERRNO (EINVAL), SCMP_SYS (prctl), 1,
          SCMP_A0 (SCMP_CMP_EQ, PR_SET_SECCOMP))
      || seccomp_load (ctx))
    return 1;
  execl (worker, worker, NULL);
  return 1;
}
