/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CPU use of this process. */
#include "cpu-load.h"

#include <stdlib.h>
#include <sys/resource.h>

#define CGROUP_LIMIT                                                           \
  "/sys/fs/cgroup/cpu.max" /* "QUOTA PERIOD", "max PERIOD"                     \
                            */

static gdouble
count_cores (void)
{
  g_autofree gchar *text = NULL;
  gdouble n_cores = g_get_num_processors (), quota, period;
  gchar *rest = NULL;

  if (!g_file_get_contents (CGROUP_LIMIT, &text, NULL, NULL))
    return n_cores;
  quota = g_ascii_strtod (text, &rest);
  period = g_ascii_strtod (rest, NULL);
  return quota > 0 && period > 0 ? MIN (n_cores, quota / period) : n_cores;
}

static gint64
used_us (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * G_USEC_PER_SEC
         + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

void
syrinx_cpu_load_init (SyrinxCpuLoad *load)
{
  load->n_cores = count_cores ();
  load->cpu_us = used_us ();
  load->at_us = g_get_monotonic_time ();
}

gdouble
syrinx_cpu_load_take (SyrinxCpuLoad *load)
{
  gint64 cpu_us = used_us (), now_us = g_get_monotonic_time ();
  gdouble share = (cpu_us - load->cpu_us)
                  / (MAX (now_us - load->at_us, 1) * load->n_cores);

  load->cpu_us = cpu_us;
  load->at_us = now_us;
  return CLAMP (share, 0, 1);
}
