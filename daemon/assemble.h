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

G_END_DECLS
