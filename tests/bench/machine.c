/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define YARDSTICK_BYTES  (16 * 1024 * 1024)
#define YARDSTICK_PIECE  (64 * 1024)
#define MAX_STALL        0.4
#define TRIES_FOR_A_WISH 3

static gint64
cpu_us (void)
{
  struct timespec now;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &now);
  return now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

gdouble
machine_yardstick_us (void)
{
  g_autofree guint8 *piece = g_malloc0 (YARDSTICK_PIECE);
  gint64 best_us = G_MAXINT64;

  for (guint try = 0; try < 3; try++) {
    g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
    gint64 before_us = cpu_us ();
    for (gsize n = 0; n < YARDSTICK_BYTES; n += YARDSTICK_PIECE)
      g_checksum_update (checksum, piece, YARDSTICK_PIECE);
    g_checksum_get_string (checksum);
    best_us = MIN (best_us, cpu_us () - before_us);
  }
  return best_us;
}

/* Microseconds since boot in which some task waited for a core; 0 if the kernel
 * does not tell. */
static guint64
get_stalled_us (void)
{
  g_autofree gchar *text = NULL;
  const gchar *total;

  if (!g_file_get_contents ("/proc/pressure/cpu", &text, NULL, NULL))
    return 0;
  total = strstr (text, "total=");
  return total ? g_ascii_strtoull (total + strlen ("total="), NULL, 10) : 0;
}

gboolean
rounds_next (Rounds *rounds, guint n_wanted)
{
  gint64 now_us = g_get_monotonic_time ();
  guint64 stalled_us = get_stalled_us ();

  if (rounds->n_tries++ > 0) {
    gdouble share = (gdouble)(stalled_us - rounds->stalled_us)
                    / MAX (now_us - rounds->began_us, 1);
    gboolean is_busy = share > MAX_STALL;
    gboolean may_repeat = rounds->n_tries <= n_wanted * TRIES_FOR_A_WISH;
    rounds->n_repeated += is_busy && may_repeat;
    rounds->n_busy += is_busy && !may_repeat;
    rounds->index += !(is_busy && may_repeat);
  }
  rounds->began_us = now_us;
  rounds->stalled_us = stalled_us;
  if (rounds->index < n_wanted)
    return TRUE;
  if (rounds->n_repeated || rounds->n_busy)
    printf ("the machine was busy: %u rounds repeated, %u kept all the same\n",
        rounds->n_repeated, rounds->n_busy);
  return FALSE;
}
