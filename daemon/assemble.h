/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every session of elements is given, whatever its shape: its track, its
 * grant and its place. Main thread only. */
#pragma once

#include "sessions.h"

#include "pipelines/session.h"

G_BEGIN_DECLS

/* What `src` reads, and from which second on. */
void syrinx_assemble_source (SyrinxSession *session, const gchar *state_dir,
    SyrinxRendition *rendition, gdouble start_s);
/* The listener's grant as it is now: again after each renewal. */
void syrinx_assemble_gate (SyrinxSession *session, SyrinxListener *listener);
/* The listener's region and round trip. */
void syrinx_assemble_queue (SyrinxSession *session, SyrinxListener *listener);
/* Counts for the listener what `out` has sent. Once, at the end. */
void syrinx_assemble_count (SyrinxSession *session, SyrinxListener *listener);

/* On the main context, for whom the elements of the session @id have come to
 * their end; @is_broken: not to that of the track. */
typedef void (*SyrinxEndedFunc) (
    const gchar *id, gboolean is_broken, gpointer user_data);
typedef struct
{
  SyrinxEndedFunc func;
  gpointer user_data;
} SyrinxEndings;
/* A SyrinxSessionFunc whose user_data is a SyrinxEndings that outlives the
 * session and the main context's next turn. In the thread that posted. */
void syrinx_assemble_says (const gchar *id, GstMessageType type,
    const GstStructure *structure, gpointer endings);

G_END_DECLS
