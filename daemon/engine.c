/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The engine. */
#include "engine.h"

#include "daemon/ingest/suffixes.h"

#include "audit-reader.h"
#include "daemon/gateway/cpu-load.h"

#include "core/access/access-code.h"
#include "core/base/error.h"
#include "core/base/json.h"
#include "core/keys/keyring.h"

#include <glib/gstdio.h>
#include <unistd.h>

#define SCHEDULER "default" /* the scheduler shared by all streams */

#define DRAIN_RETRY_MS                                                         \
  30000 /* then asks again for a place that another took                       \
         */

struct _SyrinxEngine
{
  GObject parent;
  gboolean is_draining;
  SyrinxConfig *config;
  SyrinxStore *store;
  SyrinxContent *content;
  SyrinxJournal *journal;
  SyrinxTally *tally;
  SyrinxIngest *ingest;
  SyrinxSessions *sessions;
  SyrinxStreams *streams;
  SyrinxAdmission *admission;
  guint rtsp_ports[2]; /* RTSP's, RTSPS'; 0: none */
  SyrinxCpuLoad cpu_load;
  SyrinxGateway *gateway;
  SyrinxDesk *desk;
  SyrinxScheduler *scheduler; /* held, so that its weights stay */
  SyrinxTurns *turns;
  SyrinxAuditReader *audit;
  SyrinxIssuer *issuer;
  gchar *own_jwks;       /* the JWK Set that checks this node's tokens */
  SyrinxTlsContext *tls; /* (nullable) */
};

G_DEFINE_FINAL_TYPE (SyrinxEngine, syrinx_engine, G_TYPE_OBJECT)

/* --- Events --- */

static void
note_server (SyrinxEngine *self, const gchar *state)
{
  syrinx_journal_note (self->journal,
      &(SyrinxEvent){ .kind = SYRINX_EVENT_SERVER, .state = state });
}

void
syrinx_engine_get_scan (SyrinxEngine *self, SyrinxEventScan *scan)
{
  g_object_get (self->ingest, "scanning", &scan->is_scanning, "files-done",
      &scan->n_done, "files-total", &scan->n_total, "files-failed",
      &scan->n_failed, NULL);
}

static void
note_library (SyrinxEngine *self, SyrinxEventKind kind)
{
  SyrinxEvent event = { .kind = kind };

  if (!syrinx_journal_is_read (self->journal, SYRINX_EVENT_BIT (kind)))
    return;
  syrinx_engine_get_scan (self, &event.scan);
  syrinx_journal_note (self->journal, &event);
}

static void
ingest_progressed (SyrinxIngest *ingest, GParamSpec *pspec, SyrinxEngine *self)
{
  note_library (self, SYRINX_EVENT_SCAN_PROGRESS);
}

static void
ingest_scan_done (SyrinxIngest *ingest, SyrinxEngine *self)
{
  note_library (self, SYRINX_EVENT_SCAN_DONE);
}

static void
ingest_changed (SyrinxIngest *ingest, SyrinxEngine *self)
{
  note_library (self, SYRINX_EVENT_LIBRARY_CHANGED);
}

static void
watch_ingest (SyrinxEngine *self)
{
  g_signal_connect (
      self->ingest, "notify::scanning", G_CALLBACK (ingest_progressed), self);
  g_signal_connect (
      self->ingest, "notify::files-done", G_CALLBACK (ingest_progressed), self);
  g_signal_connect (
      self->ingest, "scan-done", G_CALLBACK (ingest_scan_done), self);
  g_signal_connect (self->ingest, "changed", G_CALLBACK (ingest_changed), self);
}

/* --- Tokens --- */

static void
note_issued (SyrinxEngine *self, const gchar *token)
{
  g_autoptr (JsonObject) claims = syrinx_audit_read_claims (token);
  SyrinxEvent event = { .kind = SYRINX_EVENT_TOKEN_ISSUED, .through = "bus" };

  if (claims) {
    event.subject = syrinx_json_get_string (claims, "sub");
    event.jti = syrinx_json_get_string (claims, "jti");
    event.scope = syrinx_json_get_string (claims, "scope");
    syrinx_json_get_int (claims, "exp", &event.expires_at_s);
  }
  syrinx_journal_note (self->journal, &event);
}

gchar *
syrinx_engine_issue_token (
    SyrinxEngine *self, const SyrinxTokenRequest *request, GError **error)
{
  SyrinxTokenRequest filled = *request;
  gchar *token;

  if (!filled.audience)
    filled.audience = self->config->audience;
  if (!filled.issuer)
    filled.issuer = self->config->issuer;
  token = syrinx_issuer_issue (self->issuer, &filled, error);
  if (token)
    note_issued (self, token);
  return token;
}

gchar *
syrinx_engine_issue_code (
    SyrinxEngine *self, const SyrinxTokenRequest *request, GError **error)
{
  g_autofree gchar *token = syrinx_engine_issue_token (self, request, error);

  return token ? syrinx_access_code_new (self->config->state_dir, token,
             g_get_real_time () / G_USEC_PER_SEC + request->ttl_s, error)
               : NULL;
}

gboolean
syrinx_engine_revoke (
    SyrinxEngine *self, const gchar *jti, const gchar *subject, GError **error)
{
  gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;
  gint64 until_s
      = jti ? now_s + 3650 * G_GINT64_CONSTANT (86400)
            : syrinx_get_revocation_end_s (self->config->clock_leeway_s);

  if (!syrinx_store_put_revocation (self->store, jti, subject, until_s, error))
    return FALSE;
  if (jti)
    syrinx_revoke_jti (jti, until_s);
  else
    syrinx_revoke_subject (subject, until_s);
  syrinx_journal_note (
      self->journal, &(SyrinxEvent){ .kind = SYRINX_EVENT_TOKEN_REVOKED,
                         .jti = jti,
                         .subject = subject,
                         .through = "bus" });
  return TRUE;
}

/* --- Admission --- */

static SyrinxAdmissionLimits
limits_of (const SyrinxConfig *config)
{
  return (SyrinxAdmissionLimits){ .max_sessions = config->max_sessions,
    .max_egress_kbps = config->max_egress_kbps,
    .max_cpu_percent = config->max_cpu_percent,
    .max_waiters = config->admission_queue,
    .max_wait_ms = config->admission_wait_ms };
}

static guint
kbps_of (SyrinxSession *session)
{
  SyrinxSessionFacts facts;

  syrinx_session_get_facts (session, &facts);
  return syrinx_admission_kbps_of (facts.rendition);
}

static void
session_added (
    SyrinxSessions *sessions, SyrinxSession *session, SyrinxEngine *self)
{
  syrinx_admission_enter (self->admission, kbps_of (session));
}

static void
session_removed (
    SyrinxSessions *sessions, SyrinxSession *session, SyrinxEngine *self)
{
  syrinx_admission_leave (
      self->admission, kbps_of (session), g_get_monotonic_time ());
  syrinx_turns_drop (self->turns, session);
}

static gdouble
take_cpu_load (gpointer data)
{
  return syrinx_cpu_load_take (data);
}

static void
make_admission (SyrinxEngine *self)
{
  const SyrinxAdmissionLimits limits = limits_of (self->config);

  syrinx_cpu_load_init (&self->cpu_load);
  self->admission
      = syrinx_admission_new (&limits, take_cpu_load, &self->cpu_load);
  g_signal_connect (self->sessions, "added", G_CALLBACK (session_added), self);
  g_signal_connect (
      self->sessions, "removed", G_CALLBACK (session_removed), self);
}

void
syrinx_engine_drain (SyrinxEngine *self)
{
  const SyrinxAdmissionLimits none = { .max_wait_ms = DRAIN_RETRY_MS };

  self->is_draining = TRUE;
  note_server (self, "draining");
  syrinx_admission_set_limits (self->admission, &none);
}

gboolean
syrinx_engine_is_draining (SyrinxEngine *self)
{
  return self->is_draining;
}

/* --- Reloading --- */

static SyrinxKeyringSettings
get_keyring_settings (SyrinxEngine *self, const SyrinxConfig *config)
{
  return (SyrinxKeyringSettings){ .state_dir = self->config->state_dir,
    .master_key = config->master_key,
    .master_key_next = config->master_key_next,
    .is_group_ok = config->master_key_group_ok };
}

/* The last step of a reload that can fail. */
static gboolean
reload_keyring (SyrinxEngine *self, const SyrinxConfig *fresh, GError **error)
{
  const SyrinxKeyringSettings settings = get_keyring_settings (self, fresh);

  return syrinx_content_reload_keyring (self->content, &settings, error);
}

/* FALSE: a certificate is configured and can't be loaded. */
static gboolean
load_tls (const SyrinxConfig *config, SyrinxTlsContext **tls, GError **error)
{
  gboolean is_wanted = config->tls_certificate && config->tls_key;

  *tls = is_wanted ? syrinx_tls_context_new (
             config->tls_certificate, config->tls_key, error)
                   : NULL;
  return *tls || !is_wanted;
}

/* Endpoints keep the context that they were made with, so its contents are
 * replaced. @fresh: (transfer full) (nullable) */
static void
adopt_tls (SyrinxEngine *self, SyrinxTlsContext *fresh)
{
  if (self->tls && fresh)
    syrinx_tls_context_replace (self->tls, fresh);
  else if (fresh)
    self->tls = fresh;
}

/* Applies the configuration to everything that has settings of its own. @before
 * (nullable): the regions of the configuration before. */
static void
apply (SyrinxEngine *self, const GPtrArray *before)
{
  const GPtrArray *regions = self->config->regions;
  SyrinxAdmissionLimits limits;

  for (guint i = 0; before && i < before->len; i++)
    syrinx_scheduler_set_region_weight (
        self->scheduler, ((SyrinxRegion *)before->pdata[i])->name, 1);
  for (guint i = 0; i < regions->len; i++) {
    const SyrinxRegion *region = regions->pdata[i];
    syrinx_scheduler_set_region_weight (
        self->scheduler, region->name, region->weight);
  }
  syrinx_scheduler_set_egress (self->scheduler,
      self->config->egress_budget_kbps * G_GUINT64_CONSTANT (1000));
  syrinx_turns_set_needed (self->turns, self->config->egress_budget_kbps > 0);
  syrinx_scheduler_set_priority_percent (
      self->scheduler, self->config->priority_percent);
  syrinx_sessions_set_max (self->sessions, self->config->max_sessions);
  limits = limits_of (self->config);
  if (!self->is_draining)
    syrinx_admission_set_limits (self->admission, &limits);
}

gboolean
syrinx_engine_reload (SyrinxEngine *self, GError **error)
{
  g_autoptr (SyrinxConfig) fresh
      = syrinx_config_load_again (self->config, error);
  SyrinxGatewayParts *parts
      = fresh ? syrinx_gateway_prepare (fresh, self->own_jwks, error) : NULL;
  /* Opened again even if the path is the same, since the old file may have been
   * moved away (log rotation). */
  SyrinxAudit *audit = parts ? syrinx_audit_open (
                           self->config->state_dir, fresh->audit_log, error)
                             : NULL;
  SyrinxTlsContext *tls = NULL;

  if (!audit || !load_tls (fresh, &tls, error)
      || !reload_keyring (self, fresh, error)) {
    g_clear_pointer (&tls, syrinx_tls_context_unref);
    g_clear_pointer (&audit, syrinx_audit_free);
    g_clear_pointer (&parts, syrinx_gateway_parts_free);
    return FALSE;
  }
  syrinx_audit_reader_set_audit (self->audit, audit);
  syrinx_gateway_adopt (self->gateway, parts);
  adopt_tls (self, tls);
  syrinx_config_adopt (self->config, fresh);
  apply (self, fresh->regions);
  g_message ("configuration and keys were read again");
  note_server (self, "reloaded");
  return TRUE;
}

/* --- Life --- */

/* The one beside this program in a build directory, else the installed one.
 * (transfer full) */
static gchar *
find_worker (void)
{
  const gchar *given = g_getenv ("SYRINX_WORKER");
  g_autofree gchar *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree gchar *dir = self ? g_path_get_dirname (self) : NULL;
  gchar *beside = dir ? g_build_filename (dir, "syrinx-worker", NULL) : NULL;

  if (given && *given) {
    g_free (beside);
    return g_strdup (given);
  }
  if (beside && g_file_test (beside, G_FILE_TEST_IS_EXECUTABLE))
    return beside;
  g_free (beside);
  return g_strdup (SYRINX_LIBEXECDIR "/syrinx-worker");
}

static void
resume_in_thread (
    GTask *task, gpointer source, gpointer content, GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;

  if (!syrinx_content_resume_rotation (content, &error))
    g_warning (
        "the replacement of the master key is not done: %s", error->message);
}

/* Completes a rotation of the master key that the last run did not finish. */
static void
resume_rotation (SyrinxEngine *self)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, NULL, NULL);

  g_task_set_task_data (task, syrinx_content_ref (self->content),
      (GDestroyNotify)syrinx_content_unref);
  g_task_run_in_thread (task, resume_in_thread);
}

static gboolean
open_state (SyrinxEngine *self, GError **error)
{
  const gchar *dir = self->config->state_dir;
  const SyrinxKeyringSettings keys = get_keyring_settings (self, self->config);
  g_autoptr (SyrinxKeyring) keyring = NULL;
  SyrinxAudit *audit;

  if (g_mkdir_with_parents (dir, 0700) < 0) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_FAILED,
        "can't make the state directory %s: %s (choose one with --state-dir)",
        dir, g_strerror (errno));
    return FALSE;
  }
  self->store = syrinx_store_open (dir, TRUE, error);
  if (!self->store)
    return FALSE;
  audit = syrinx_audit_open (dir, self->config->audit_log, error);
  if (!audit)
    return FALSE;
  self->audit = syrinx_audit_reader_new (self->journal, audit);
  keyring = syrinx_keyring_open_for (&keys, self->store, error);
  if (!keyring)
    return FALSE;
  self->issuer = syrinx_issuer_open (dir, TRUE, error);
  self->own_jwks = self->issuer ? syrinx_issuer_get_jwks (self->issuer) : NULL;
  self->gateway = self->own_jwks ? syrinx_gateway_new (
                      self->config, self->journal, self->own_jwks, error)
                                 : NULL;
  if (!self->gateway || !syrinx_store_load_revocations (self->store, error))
    return FALSE;
  self->content = syrinx_content_new (self->store, keyring,
      self->config->cache_bytes, self->config->memory_bytes);
  syrinx_content_sweep (self->content);
  resume_rotation (self);
  return TRUE;
}

SyrinxEngine *
syrinx_engine_new (SyrinxConfig *config, GError **error)
{
  g_autoptr (SyrinxEngine) self = g_object_new (SYRINX_TYPE_ENGINE, NULL);
  g_autofree gchar *worker = find_worker ();

  self->config = config;
  for (guint i = 0; config->library[i]; i++)
    if (!g_file_test (config->library[i], G_FILE_TEST_IS_DIR))
      g_warning ("there is no library folder %s now; what the index knows of "
                 "it stays",
          config->library[i]);
  if (!open_state (self, error))
    return NULL;
  self->sessions = syrinx_sessions_new (
      self->content, self->journal, config->max_sessions);
  make_admission (self);
  self->desk = syrinx_desk_new (&(SyrinxDeskParts){ .config = config,
      .journal = self->journal,
      .gateway = self->gateway,
      .admission = self->admission,
      .sessions = self->sessions });
  if (!load_tls (config, &self->tls, error))
    return NULL;
  apply (self, NULL);
  self->streams = syrinx_streams_new (
      self->sessions, config->state_dir, config->pipelines_dir, error);
  if (!self->streams)
    return NULL;
  if (*self->config->suffixes)
    syrinx_suffixes_set ((const gchar *const *)self->config->suffixes);
  self->ingest = syrinx_ingest_new (self->content, self->journal,
      (const gchar *const *)config->library, worker, config->workers);
  syrinx_ingest_set_times (
      self->ingest, config->rescan_interval_s, config->forget_days);
  watch_ingest (self);
  return g_steal_pointer (&self);
}

void
syrinx_engine_stop (SyrinxEngine *self)
{
  g_autoptr (GPtrArray) list = syrinx_sessions_list (self->sessions);

  for (guint i = 0; i < list->len; i++)
    syrinx_sessions_terminate (self->sessions,
        syrinx_session_get_id (list->pdata[i]), "the daemon stops");
  g_clear_pointer (&self->streams, syrinx_streams_free);
  syrinx_ingest_stop (self->ingest);
  syrinx_content_flush (self->content);
}

static void
engine_finalize (GObject *object)
{
  SyrinxEngine *self = SYRINX_ENGINE (object);

  if (self->ingest)
    g_signal_handlers_disconnect_by_data (self->ingest, self);
  g_clear_object (&self->ingest);
  g_clear_pointer (&self->streams, syrinx_streams_free);
  g_clear_pointer (&self->desk, syrinx_desk_free);
  g_clear_object (&self->sessions);
  g_clear_pointer (&self->tls, syrinx_tls_context_unref);
  g_clear_pointer (&self->admission, syrinx_admission_free);
  g_clear_pointer (&self->content, syrinx_content_unref);
  g_clear_pointer (&self->gateway, syrinx_gateway_free);
  g_clear_pointer (&self->own_jwks, g_free);
  g_clear_pointer (&self->issuer, syrinx_issuer_free);
  g_clear_pointer (&self->store, syrinx_store_unref);
  g_clear_pointer (&self->turns, syrinx_turns_free);
  g_clear_pointer (&self->scheduler, syrinx_scheduler_unref);
  g_clear_pointer (&self->audit, syrinx_audit_reader_free);
  g_clear_pointer (&self->tally, syrinx_tally_free);
  g_clear_pointer (&self->journal, syrinx_journal_free);
  g_clear_pointer (&self->config, syrinx_config_free);
  G_OBJECT_CLASS (syrinx_engine_parent_class)->finalize (object);
}

static void
syrinx_engine_class_init (SyrinxEngineClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = engine_finalize;
}

static void
syrinx_engine_init (SyrinxEngine *self)
{
  self->journal = syrinx_journal_new ();
  self->tally = syrinx_tally_new (self->journal);
  self->scheduler = syrinx_scheduler_get (SCHEDULER);
  self->turns = syrinx_turns_new (self->scheduler);
}

SyrinxConfig *
syrinx_engine_get_config (SyrinxEngine *self)
{
  return self->config;
}

SyrinxJournal *
syrinx_engine_get_journal (SyrinxEngine *self)
{
  return self->journal;
}

SyrinxTally *
syrinx_engine_get_tally (SyrinxEngine *self)
{
  return self->tally;
}

SyrinxStore *
syrinx_engine_get_store (SyrinxEngine *self)
{
  return self->store;
}

SyrinxContent *
syrinx_engine_get_content (SyrinxEngine *self)
{
  return self->content;
}

SyrinxIngest *
syrinx_engine_get_ingest (SyrinxEngine *self)
{
  return self->ingest;
}

SyrinxStreams *
syrinx_engine_get_streams (SyrinxEngine *self)
{
  return self->streams;
}

SyrinxScheduler *
syrinx_engine_get_scheduler (SyrinxEngine *self)
{
  return self->scheduler;
}

SyrinxTurns *
syrinx_engine_get_turns (SyrinxEngine *self)
{
  return self->turns;
}

SyrinxAdmission *
syrinx_engine_get_admission (SyrinxEngine *self)
{
  return self->admission;
}

SyrinxGateway *
syrinx_engine_get_gateway (SyrinxEngine *self)
{
  return self->gateway;
}

SyrinxDesk *
syrinx_engine_get_desk (SyrinxEngine *self)
{
  return self->desk;
}

SyrinxTlsContext *
syrinx_engine_get_tls_context (SyrinxEngine *self)
{
  return self->tls;
}

SyrinxSessions *
syrinx_engine_get_sessions (SyrinxEngine *self)
{
  return self->sessions;
}

guint
syrinx_engine_get_rtsp_port (SyrinxEngine *self, gboolean tls)
{
  return self->rtsp_ports[!!tls];
}

void
syrinx_engine_set_rtsp_port (SyrinxEngine *self, gboolean tls, guint port)
{
  self->rtsp_ports[!!tls] = port;
}
