/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The engine: the daemon without its faces. HTTP, RTSP and D-Bus call it and
 * read its journal. Main thread only. */
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

/* Opens (or creates) the state directory. @config is (transfer full), also on
 * an error. (transfer full) Errors say what to do. */
SyrinxEngine *syrinx_engine_new (SyrinxConfig *config, GError **error);
/* Streams that play go on; no session begins any more. */
void syrinx_engine_drain (SyrinxEngine *engine);
gboolean syrinx_engine_is_draining (SyrinxEngine *engine);
void syrinx_engine_stop (SyrinxEngine *engine);

SyrinxConfig *
syrinx_engine_get_config (SyrinxEngine *engine); /* all (transfer none) */
/* The journal in which every event is noted, and from which it is read. */
SyrinxJournal *syrinx_engine_get_journal (SyrinxEngine *engine);
/* Counts of events since the start. */
SyrinxTally *syrinx_engine_get_tally (SyrinxEngine *engine);
SyrinxStore *syrinx_engine_get_store (SyrinxEngine *engine);
SyrinxContent *syrinx_engine_get_content (SyrinxEngine *engine);
/* The running scan, or the last one. */
void syrinx_engine_get_scan (SyrinxEngine *engine, SyrinxEventScan *scan);
SyrinxIngest *syrinx_engine_get_ingest (SyrinxEngine *engine);
SyrinxSessions *syrinx_engine_get_sessions (SyrinxEngine *engine);
SyrinxStreams *syrinx_engine_get_streams (SyrinxEngine *engine);
/* The port of the address in rtsp_url or, if @tls, in rtsps_url. 0: that
 * listener is turned off. */
guint syrinx_engine_get_rtsp_port (SyrinxEngine *engine, gboolean tls);
void
syrinx_engine_set_rtsp_port (SyrinxEngine *engine, gboolean tls, guint port);
SyrinxAdmission *syrinx_engine_get_admission (SyrinxEngine *engine);
/* The scheduler that all streams share. */
SyrinxScheduler *syrinx_engine_get_scheduler (SyrinxEngine *engine);
/* Decides which session may send its next fragment. */
SyrinxTurns *syrinx_engine_get_turns (SyrinxEngine *engine);
/* Authenticates requests and limits their rate, for all faces. */
SyrinxGateway *syrinx_engine_get_gateway (SyrinxEngine *engine);
/* Begins sessions, for all faces. */
SyrinxDesk *syrinx_engine_get_desk (SyrinxEngine *engine);
/* The context of the configured certificate. A reload replaces its contents;
 * the object stays. (transfer none) (nullable): no certificate is
 * configured. */
SyrinxTlsContext *syrinx_engine_get_tls_context (SyrinxEngine *engine);

/* (transfer full) */
gchar *syrinx_engine_issue_token (
    SyrinxEngine *engine, const SyrinxTokenRequest *request, GError **error);
/* A short code that stands for a token of @request. (transfer full) */
gchar *syrinx_engine_issue_code (
    SyrinxEngine *engine, const SyrinxTokenRequest *request, GError **error);
/* Revokes one token (@jti) or all tokens of @subject; the other is NULL. Ends
 * what is playing by them, and is kept in the index. */
gboolean syrinx_engine_revoke (SyrinxEngine *engine, const gchar *jti,
    const gchar *subject, GError **error);
/* Reads configuration, certificate and keys again. On an error everything stays
 * as it was. */
gboolean syrinx_engine_reload (SyrinxEngine *engine, GError **error);

G_END_DECLS
