/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One thread that does jobs in order: it writes fragments durably and removes
 * them. Any thread may call. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SyrinxWriter SyrinxWriter;

SyrinxWriter *syrinx_writer_new (void);
/* No job may be left, except one that calls this itself. */
void syrinx_writer_free (SyrinxWriter *writer);
/* Queues a call of @func (@data). */
void syrinx_writer_push (
    SyrinxWriter *writer, void (*func) (gpointer data), gpointer data);
/* Waits until at most @max_jobs are queued or running. */
void syrinx_writer_wait (SyrinxWriter *writer, guint max_jobs);

G_END_DECLS
