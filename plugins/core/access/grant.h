/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A grant: what a checked token allows, for as long as it holds; and the
 * process's list of revocations. */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

typedef struct _SyrinxGrant SyrinxGrant;

/* Boxed, for the property by which a gate is given one. */
#define SYRINX_TYPE_GRANT (syrinx_grant_get_type ())
GType syrinx_grant_get_type (void);

typedef enum
{
  SYRINX_SCOPE_LISTEN = 1 << 0,
  SYRINX_SCOPE_ORIGINAL = 1 << 1,
  SYRINX_SCOPE_ADMIN = 1 << 2,
} SyrinxScope;

/* Unknown words are ignored, as RFC 6749 section 3.3 lets a server do. */
SyrinxScope syrinx_scope_parse (const gchar *text);

/* A grant that is live until @expires_at_s (Unix time; G_MAXINT64: for ever).
 * It is entered in the revocation list's view, so that a later revocation of
 * @jti or @subject reaches it. (transfer full) */
SyrinxGrant *syrinx_grant_new (const gchar *subject, const gchar *jti,
    SyrinxScope scope, const gchar *track_pattern, const gchar *region,
    gint64 issued_at_s, gint64 expires_at_s);
SyrinxGrant *syrinx_grant_ref (SyrinxGrant *grant);
void syrinx_grant_unref (SyrinxGrant *grant);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxGrant, syrinx_grant_unref)

const gchar *syrinx_grant_get_subject (SyrinxGrant *grant);
const gchar *syrinx_grant_get_region (SyrinxGrant *grant); /* (nullable) */
/* The listener's round trip as the token claims it, or -1. Set it before other
 * threads see the grant. */
gint syrinx_grant_get_rtt_ms (SyrinxGrant *grant);
void syrinx_grant_set_rtt_ms (SyrinxGrant *grant, gint rtt_ms);
/* How many sessions its subject may have at a time as the token claims it, or
 * 0. Set it likewise. */
guint syrinx_grant_get_max_sessions (SyrinxGrant *grant);
void syrinx_grant_set_max_sessions (SyrinxGrant *grant, guint max_sessions);
gint64 syrinx_grant_get_expires_at_s (SyrinxGrant *grant);
gboolean syrinx_grant_has_scope (SyrinxGrant *grant, SyrinxScope scope);
gboolean syrinx_grant_allows_track (SyrinxGrant *grant, const gchar *track_id);
/* Whether there may be tracks that it does not allow: it has a pattern, and not
 * "*". */
gboolean syrinx_grant_is_narrow (SyrinxGrant *grant);

/* Hot: an atomic read and a comparison. @now_s is Unix time. */
gboolean syrinx_grant_is_live (SyrinxGrant *grant, gint64 now_s);

/* (nullable) why it does not hold: "expired" or "revoked". Static. */
const gchar *syrinx_grant_get_denial (SyrinxGrant *grant, gint64 now_s);

/* @func is called once, in the revoking thread and with no lock held, when
 * @grant is revoked; at once if it is already. Remove with the returned id;
 * after that has returned @func does not run any more. */
gulong syrinx_grant_watch (SyrinxGrant *grant,
    void (*func) (SyrinxGrant *grant, gpointer user_data), gpointer user_data);
void syrinx_grant_unwatch (SyrinxGrant *grant, gulong id);

/* Beyond this no token lives. */
#define SYRINX_LONGEST_TOKEN_S (10 * 366 * 24 * G_GINT64_CONSTANT (3600))

/* Revocation, process-wide. By jti: that token. By subject: every token issued
 * at or before @issued_until_s; an earlier one of the same subject is never
 * taken back by that. A token may be dated ahead by as much as clocks are
 * allowed to differ (SyrinxTokenPolicy), so what is to be revoked now ends that
 * much later: syrinx_get_revocation_end_s(). */
void syrinx_revoke_jti (const gchar *jti, gint64 expires_at_s);
void syrinx_revoke_subject (const gchar *subject, gint64 issued_until_s);
/* The @issued_until_s for every token that can have been issued up to now. */
gint64 syrinx_get_revocation_end_s (guint leeway_s);
/* Until when tokens of @subject are revoked, or 0. */
gint64 syrinx_get_revoked_until_s (const gchar *subject);
/* How many are kept. Those go, now and then, that no token can meet any more.
 */
guint syrinx_count_revocations (void);
gboolean
syrinx_is_revoked (const gchar *subject, const gchar *jti, gint64 issued_at_s);

G_END_DECLS
