/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A session's fragment: here at once, or told about when it has been made.
 * Main thread only. */
#pragma once

#include "sessions.h"

G_BEGIN_DECLS

typedef struct _SyrinxFragmentWait SyrinxFragmentWait;

/* Once: @bytes (a chunk, or clear where the content's key is not used), or
 * NULL and why not. The wait is over and
 * freed. */
typedef void (*SyrinxFragmentFunc) (
    GBytes *bytes, const GError *error, gpointer user_data);

/* *@bytes (transfer full) if it is here. Else, if it can be made, the wait, at
 * whose end @func is called. Neither: @error is set. TIMED_OUT after 20 s. */
SyrinxFragmentWait *syrinx_fragment_get (SyrinxListener *listener,
    SyrinxRendition *rendition, gint number, GBytes **bytes,
    SyrinxFragmentFunc func, gpointer user_data, GError **error);
/* @func will not be called. */
void syrinx_fragment_wait_cancel (SyrinxFragmentWait *wait);

G_END_DECLS
