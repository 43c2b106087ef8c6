/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A fragment of a session: at once, or by a callback when it has been made and
 * its turn has come. Main thread only. */
#pragma once

#include "sessions.h"
#include "daemon/gateway/turns.h"

G_BEGIN_DECLS

typedef struct _SyrinxFragmentWait SyrinxFragmentWait;

typedef struct
{
  SyrinxTurns *turns; /* (nullable): it needs no turn to be sent */
  SyrinxSession *session;
  SyrinxRendition *rendition;
  gint number;
} SyrinxFragmentRequest;

/* Called once: @bytes (encrypted, or clear if the content's key is not used),
 * or NULL and an error. The wait has ended and been freed. */
typedef void (*SyrinxFragmentFunc) (
    GBytes *bytes, const GError *error, gpointer user_data);

/* Sets *@bytes (transfer full) if the fragment is available and may be sent
 * now. Otherwise returns a wait, at whose end @func is called. If neither,
 * @error is set. Errors, also those of @func: as syrinx_rendition_fetch();
 * TIMED_OUT after 20 s or SYRINX_TURN_TIMEOUT_MS; TOO_MANY; EXPIRED if the
 * session has ended meanwhile. */
SyrinxFragmentWait *
syrinx_fragment_get (const SyrinxFragmentRequest *request, GBytes **bytes,
    SyrinxFragmentFunc func, gpointer user_data, GError **error);
/* Ends the wait; @func is not called. */
void syrinx_fragment_wait_cancel (SyrinxFragmentWait *wait);

G_END_DECLS
