/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A session's fragment: here at once, or told about when it has been made and
 * its turn has come. Main thread only. */
#pragma once

#include "sessions.h"
#include "daemon/gateway/turns.h"

G_BEGIN_DECLS

typedef struct _SyrinxFragmentWait SyrinxFragmentWait;

typedef struct
{
  SyrinxTurns *turns; /* (nullable): it is not to be sent as it is */
  SyrinxSession *session;
  SyrinxRendition *rendition;
  gint number;
} SyrinxFragmentRequest;

/* Once: @bytes (a chunk, or clear where the content's key is not used), or
 * NULL and why not. The wait is over and
 * freed. */
typedef void (*SyrinxFragmentFunc) (
    GBytes *bytes, const GError *error, gpointer user_data);

/* *@bytes (transfer full) if it is here and may go. Else, if it will, the wait,
 * at whose end @func is called. Neither: @error is set. Errors of both: as
 * syrinx_rendition_fetch(); TIMED_OUT after 20 s or SYRINX_TURN_TIMEOUT_MS;
 * TOO_MANY; EXPIRED if the session has ended meanwhile. */
SyrinxFragmentWait *
syrinx_fragment_get (const SyrinxFragmentRequest *request, GBytes **bytes,
    SyrinxFragmentFunc func, gpointer user_data, GError **error);
/* @func will not be called. */
void syrinx_fragment_wait_cancel (SyrinxFragmentWait *wait);

G_END_DECLS
