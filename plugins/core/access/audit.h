/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The audit log: who got which key when, and what was done to tokens and keys.
 * JSON lines, appended whole, in a file for its owner alone; never a secret.
 * Any thread. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct _SyrinxAudit SyrinxAudit;

/* One line; what is NULL or 0 is left out. A token's id (jti) is no secret. */
typedef struct
{
  const gchar *event; /* key-given, token-issued, token-revoked, key-rotated */
  const gchar *subject, *session, *client;
  const gchar *track, *rendition;
  guint epoch;
  const gchar *key;  /* content, session, srtp, master */
  const gchar *form; /* raw, jwe, sdes, mikey, any */
  const gchar *jti, *scope;
  gint64 expires_at;    /* Unix time in seconds */
  guint64 n_keys;       /* rotated */
  const gchar *through; /* http, rtsp, bus, files */
} SyrinxAuditEntry;

/* @setting: a path, "none" (nothing is kept), or NULL for STATE_DIR/audit.log.
 * (transfer full) Errors: FAILED; DENIED if others can read the file. */
SyrinxAudit *syrinx_audit_open (
    const gchar *state_dir, const gchar *setting, GError **error);
void syrinx_audit_free (SyrinxAudit *audit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxAudit, syrinx_audit_free)

/* Appends the line with the time. A failure is a warning, once until it works
 * again, and no error: listeners are served while the disk is full. @audit:
 * (nullable). Returns: FALSE if the line is lost. */
gboolean syrinx_audit_note (SyrinxAudit *audit, const SyrinxAuditEntry *entry);
/* The claims of a token as it was signed; its signature is not looked at.
 * (transfer full) (nullable): it is none. */
JsonObject *syrinx_audit_read_claims (const gchar *token);
/* The same as syrinx_audit_note() with jti, subject, scope and expiry of a
 * token as it was signed;
 * its signature is not looked at. */
void syrinx_audit_note_token (
    SyrinxAudit *audit, const gchar *token, const gchar *through);

G_END_DECLS
