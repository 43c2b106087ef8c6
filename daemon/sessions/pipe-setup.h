/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every pipe of a session is set up with, whatever its shape: track,
 * grant, region. Main thread only. */
#pragma once

#include "sessions.h"

#include "pipelines/pipe.h"

G_BEGIN_DECLS

/* Sets what `src` reads, and its start in seconds. */
void syrinx_pipe_setup_source (SyrinxPipe *pipe, const gchar *state_dir,
    SyrinxRendition *rendition, gdouble start_s);
/* Sets the gate to the session's present grant; to be called again after each
 * renewal. */
void syrinx_pipe_setup_gate (SyrinxPipe *pipe, SyrinxSession *session);
/* Sets the listener's region and round trip. */
void syrinx_pipe_setup_queue (SyrinxPipe *pipe, SyrinxSession *session);
/* Adds to the session's count what `out` has sent since the last call;
 * *@counted_bytes must be 0 at first, and keeps the sum. */
void syrinx_pipe_setup_count (
    SyrinxPipe *pipe, SyrinxSession *session, guint64 *counted_bytes);

/* Called on the main context when the pipe of the session @id has ended;
 * @is_broken: before the end of the track. */
typedef void (*SyrinxEndedFunc) (
    const gchar *id, gboolean is_broken, gpointer user_data);
typedef struct
{
  SyrinxEndedFunc func;
  gpointer user_data;
} SyrinxEndings;
/* A SyrinxPipeFunc; its user_data is a SyrinxEndings that outlives the pipe and
 * the next iteration of the main context. Called in the thread that posted the
 * message. */
void syrinx_pipe_setup_says (const gchar *id, GstMessageType type,
    const GstStructure *structure, gpointer endings);

G_END_DECLS
