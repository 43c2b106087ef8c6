/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CPU use of this process as a share of the machine. Not locked. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  gdouble n_cores; /* usable ones, by affinity and cgroup */
  gint64 cpu_us, at_us;
} SyrinxCpuLoad;

void syrinx_cpu_load_init (SyrinxCpuLoad *load);
/* The mean share (0 to 1) of all cores since the last call. */
gdouble syrinx_cpu_load_take (SyrinxCpuLoad *load);

G_END_DECLS
