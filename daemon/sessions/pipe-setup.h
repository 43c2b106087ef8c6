/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every session of elements is given, whatever its shape: its track, its
 * grant and its place. Main thread only. */
#pragma once

#include "sessions.h"

#include "pipelines/pipe.h"

G_BEGIN_DECLS

/* What `src` reads, and from which second on. */
void syrinx_pipe_setup_source (SyrinxPipe *pipe, const gchar *state_dir,
    SyrinxRendition *rendition, gdouble start_s);
/* The listener's grant as it is now: again after each renewal. */
void syrinx_pipe_setup_gate (SyrinxPipe *pipe, SyrinxSession *session);
/* The listener's region and round trip. */
void syrinx_pipe_setup_queue (SyrinxPipe *pipe, SyrinxSession *session);
/* Counts for the listener what `out` has sent since the last time;
 * *@counted_bytes is 0 at first and keeps what was counted. */
void syrinx_pipe_setup_count (
    SyrinxPipe *pipe, SyrinxSession *session, guint64 *counted_bytes);

/* On the main context, for whom the elements of the session @id have come to
 * their end; @is_broken: not to that of the track. */
typedef void (*SyrinxEndedFunc) (
    const gchar *id, gboolean is_broken, gpointer user_data);
typedef struct
{
  SyrinxEndedFunc func;
  gpointer user_data;
} SyrinxEndings;
/* A SyrinxPipeFunc whose user_data is a SyrinxEndings that outlives the
 * session and the main context's next turn. In the thread that posted. */
void syrinx_pipe_setup_says (const gchar *id, GstMessageType type,
    const GstStructure *structure, gpointer endings);

G_END_DECLS
