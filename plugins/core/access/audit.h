/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The audit log: who received which key when, and what was done to tokens and
 * keys. JSON lines, appended whole, in a file that only its owner can read; it
 * never contains a secret. Any thread. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct _SyrinxAudit SyrinxAudit;

/* One line; members that are NULL or 0 are omitted. A token's id (jti) is not
 * secret. */
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
  guint64 n_keys;       /* number of keys rotated */
  const gchar *through; /* http, rtsp, bus, files */
} SyrinxAuditEntry;

/* @setting: a path, "none" (nothing is logged), or NULL for
 * STATE_DIR/audit.log. (transfer full) Errors: FAILED; DENIED if others can
 * read the file. */
SyrinxAudit *syrinx_audit_open (
    const gchar *state_dir, const gchar *setting, GError **error);
void syrinx_audit_free (SyrinxAudit *audit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxAudit, syrinx_audit_free)

/* Appends a line with the present time. A failure is logged as a warning, once
 * until writing works again, so that clients are served while the disk is full.
 * @audit: (nullable). Returns: FALSE if the line is lost. */
gboolean syrinx_audit_note (SyrinxAudit *audit, const SyrinxAuditEntry *entry);
/* Reads the claims of a signed token without verifying its signature. (transfer
 * full) (nullable): NULL if @token is not a token. */
JsonObject *syrinx_audit_read_claims (const gchar *token);
/* As syrinx_audit_note(), with the jti, subject, scope and expiry of a signed
 * token, whose signature is not verified. */
void syrinx_audit_note_token (
    SyrinxAudit *audit, const gchar *token, const gchar *through);

G_END_DECLS
