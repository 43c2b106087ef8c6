/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The engine: what the daemon is, without its faces. HTTP, RTSP and D-Bus call
 * it and watch its signals. Main thread only. */
#pragma once

#include "daemon/gateway/admission.h"
#include "daemon/config/config.h"
#include "daemon/gateway/gateway.h"
#include "daemon/ingest/ingest.h"
#include "daemon/journal.h"
#include "daemon/tally.h"
#include "daemon/net/tls-context.h"
#include "daemon/sessions/desk.h"
#include "daemon/sessions/progressive.h"
#include "daemon/gateway/turns.h"

#include "core/content/content.h"
#include "core/schedule/scheduler.h"
#include "core/access/token.h"

G_BEGIN_DECLS

#define SYRINX_TYPE_ENGINE (syrinx_engine_get_type ())
G_DECLARE_FINAL_TYPE (SyrinxEngine, syrinx_engine, SYRINX, ENGINE, GObject)

/* Opens (or creates) the state directory. @config: (transfer full), also on an
 * error that comes late: (transfer full) Errors say what to
 * do. */
SyrinxEngine *syrinx_engine_new (SyrinxConfig *config, GError **error);
/* What plays goes on, and no session begins any more. */
void syrinx_engine_drain (SyrinxEngine *engine);
gboolean syrinx_engine_is_draining (SyrinxEngine *engine);
void syrinx_engine_stop (SyrinxEngine *engine);

SyrinxConfig *
syrinx_engine_get_config (SyrinxEngine *engine); /* all (transfer none) */
/* Where all that happens is noted, and read. */
SyrinxJournal *syrinx_engine_get_journal (SyrinxEngine *engine);
/* How much of it has happened since the start. */
SyrinxTally *syrinx_engine_get_tally (SyrinxEngine *engine);
SyrinxStore *syrinx_engine_get_store (SyrinxEngine *engine);
SyrinxContent *syrinx_engine_get_content (SyrinxEngine *engine);
/* The scan that runs, or the last one. */
void syrinx_engine_get_scan (SyrinxEngine *engine, SyrinxEventScan *scan);
SyrinxIngest *syrinx_engine_get_ingest (SyrinxEngine *engine);
SyrinxSessions *syrinx_engine_get_sessions (SyrinxEngine *engine);
SyrinxStreams *syrinx_engine_get_streams (SyrinxEngine *engine);
/* Of the address in rtsp_url, or (@tls) in rtsps_url; 0: there is none. */
guint syrinx_engine_get_rtsp_port (SyrinxEngine *engine, gboolean tls);
void
syrinx_engine_set_rtsp_port (SyrinxEngine *engine, gboolean tls, guint port);
SyrinxAdmission *syrinx_engine_get_admission (SyrinxEngine *engine);
/* The one of the streams. */
SyrinxScheduler *syrinx_engine_get_scheduler (SyrinxEngine *engine);
/* Whose turn it is to send a fragment. */
SyrinxTurns *syrinx_engine_get_turns (SyrinxEngine *engine);
/* The one way in. */
SyrinxGateway *syrinx_engine_get_gateway (SyrinxEngine *engine);
/* Where sessions begin. */
SyrinxDesk *syrinx_engine_get_desk (SyrinxEngine *engine);
/* Of the certificate that is configured; the same object after a reload, which
 * reads it again. (transfer none) (nullable): none is configured. */
SyrinxTlsContext *syrinx_engine_get_tls_context (SyrinxEngine *engine);

/* (transfer full) */
gchar *syrinx_engine_issue_token (
    SyrinxEngine *engine, const SyrinxTokenRequest *request, GError **error);
/* A short code that stands for such a token. (transfer full) */
gchar *syrinx_engine_issue_code (
    SyrinxEngine *engine, const SyrinxTokenRequest *request, GError **error);
/* One of @jti and @subject; takes effect on what is playing, and is kept. */
gboolean syrinx_engine_revoke (SyrinxEngine *engine, const gchar *jti,
    const gchar *subject, GError **error);
/* Reads configuration, certificate and keys again; on an error everything stays
 * as it was.
 */
gboolean syrinx_engine_reload (SyrinxEngine *engine, GError **error);

G_END_DECLS
