/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine's speed, and whether other programs use it: a figure measured on
 * a busy machine is marked, and its round is repeated. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* CPU microseconds of a fixed piece of work (SHA-256 over 16 MiB), the best of
 * three, to which absolute times can be compared. */
gdouble machine_yardstick_us (void);

/* Rounds of a bench, each repeated while the machine is busy:
 *
 *   Rounds rounds = { 0 };
 *   while (rounds_next (&rounds, 5))
 *     own[rounds.index] = …;
 *
 * A round counts as busy if tasks waited for a core for more than 40 % of its
 * time (pressure-stall information of the kernel). After three times as many
 * tries as are wanted, busy rounds are kept. */
typedef struct
{
  guint index;  /* of the round that runs */
  guint n_busy; /* rounds that were kept although they were busy */
  guint n_repeated;
  /* private */
  guint n_tries;
  gint64 began_us;
  guint64 stalled_us;
} Rounds;

gboolean rounds_next (Rounds *rounds, guint n_wanted);

G_END_DECLS
