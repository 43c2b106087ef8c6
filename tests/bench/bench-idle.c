/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cost of a daemon with the samples while nothing plays. */
#include "figures.h"
#include "tests/daemon/harness.h"

#define SETTLE_SECONDS                                                         \
  25 /* file watch, checkpoint, threads of pools that linger */
#define SECONDS 20

int
main (void)
{
  g_autoptr (Daemon) daemon = daemon_new (NULL, NULL);
  GPid pid = daemon_get_pid (daemon);
  guint64 wakeups;
  gdouble cpu_s;

  daemon_wait_for_tracks (daemon, 12);
  g_usleep (SETTLE_SECONDS * G_USEC_PER_SEC);
  figures_begin ("idle");
  wakeups = process_wakeups (pid);
  cpu_s = process_cpu_s (pid);
  g_usleep (SECONDS * G_USEC_PER_SEC);
  figures_add (&(Figure){ "idle_resident", process_rss_kib (pid) / 1024., "MiB",
      NULL, 0, GOAL_AT_MOST, 40 });
  figures_add (&(Figure){ "idle_wakeups_per_minute",
      ((gdouble)process_wakeups (pid) - wakeups) * 60 / SECONDS, "1/min", NULL,
      0, GOAL_AT_MOST, 0 });
  figures_add (&(Figure){ "idle_cpu",
      (process_cpu_s (pid) - cpu_s) / SECONDS * 100, "%", NULL, 0 });
  figures_add (&(Figure){ "idle_threads", process_threads (pid), "", NULL, 0 });
  return 0;
}
