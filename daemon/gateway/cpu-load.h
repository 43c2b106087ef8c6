/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much of the machine this process uses. Not locked. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  gdouble n_cores; /* that we may use: affinity and cgroup bound them */
  gint64 cpu_us, at_us;
} SyrinxCpuLoad;

void syrinx_cpu_load_init (SyrinxCpuLoad *load);
/* The mean share (0 to 1) of all cores since the last call. */
gdouble syrinx_cpu_load_take (SyrinxCpuLoad *load);

G_END_DECLS
