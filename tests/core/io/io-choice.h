/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of code that writes through the I/O loop run once with each backend. */
#pragma once

#include "core/io/io-loop.h"

#include <stdlib.h>

#define EXIT_SKIPPED 77

/* Ends the program as skipped if the kernel refuses the backend in $SYRINX_IO.
 * To be called before any other use of the loop. */
static inline void
skip_where_refused (void)
{
  const gchar *wish = g_getenv ("SYRINX_IO");
  SyrinxIoLoop *loop;
  SyrinxIoStats stats;

  if (!wish || g_str_equal (wish, "auto"))
    return;
  loop = syrinx_io_loop_get ();
  syrinx_io_loop_get_stats (loop, &stats);
  syrinx_io_loop_unref (loop);
  if (g_str_equal (stats.backend, wish))
    return;
  g_printerr ("skipped: the kernel refuses %s (see the warning above)\n", wish);
  exit (EXIT_SKIPPED);
}
