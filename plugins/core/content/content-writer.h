/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One thread that does jobs in the order in which they come: what makes
 * fragments durable and removes them. Any thread may call. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SyrinxWriter SyrinxWriter;

SyrinxWriter *syrinx_writer_new (void);
/* Only when there are no jobs left but the one that calls this. */
void syrinx_writer_free (SyrinxWriter *writer);
/* Has @func (@data) called, soon. */
void syrinx_writer_push (
    SyrinxWriter *writer, void (*func) (gpointer data), gpointer data);
/* Waits until no more than @max_jobs are left. */
void syrinx_writer_wait (SyrinxWriter *writer, guint max_jobs);

G_END_DECLS
