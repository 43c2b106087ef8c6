/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A grant: what a verified token allows, until it expires or is revoked. And
 * the process's list of revocations. */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

typedef struct _SyrinxGrant SyrinxGrant;

/* A boxed type, for the property that gives a gate its grant. */
#define SYRINX_TYPE_GRANT (syrinx_grant_get_type ())
GType syrinx_grant_get_type (void);

typedef enum
{
  SYRINX_SCOPE_LISTEN = 1 << 0,
  SYRINX_SCOPE_ORIGINAL = 1 << 1,
  SYRINX_SCOPE_ADMIN = 1 << 2,
} SyrinxScope;

/* Unknown words are ignored, as RFC 6749 section 3.3 permits. */
SyrinxScope syrinx_scope_parse (const gchar *text);

/* A grant that is live until @expires_at_s (Unix time; G_MAXINT64: no end). It
 * is registered, so that a later revocation of @jti or @subject reaches it.
 * (transfer full) */
SyrinxGrant *syrinx_grant_new (const gchar *subject, const gchar *jti,
    SyrinxScope scope, const gchar *track_pattern, const gchar *region,
    gint64 issued_at_s, gint64 expires_at_s);
SyrinxGrant *syrinx_grant_ref (SyrinxGrant *grant);
void syrinx_grant_unref (SyrinxGrant *grant);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxGrant, syrinx_grant_unref)

const gchar *syrinx_grant_get_subject (SyrinxGrant *grant);
const gchar *syrinx_grant_get_region (SyrinxGrant *grant); /* (nullable) */
/* The round trip to the client that the token claims, or -1. To be set before
 * other threads see the grant. */
gint syrinx_grant_get_rtt_ms (SyrinxGrant *grant);
void syrinx_grant_set_rtt_ms (SyrinxGrant *grant, gint rtt_ms);
/* The number of concurrent sessions that the token claims for its subject, or
 * 0. To be set before other threads see the grant. */
guint syrinx_grant_get_max_sessions (SyrinxGrant *grant);
void syrinx_grant_set_max_sessions (SyrinxGrant *grant, guint max_sessions);
gint64 syrinx_grant_get_expires_at_s (SyrinxGrant *grant);
gboolean syrinx_grant_has_scope (SyrinxGrant *grant, SyrinxScope scope);
gboolean syrinx_grant_allows_track (SyrinxGrant *grant, const gchar *track_id);
/* Whether the grant has a track pattern other than "*", so that there may be
 * tracks that it does not allow. */
gboolean syrinx_grant_is_narrow (SyrinxGrant *grant);

/* Hot: one atomic read and one comparison. @now_s is Unix time. */
gboolean syrinx_grant_is_live (SyrinxGrant *grant, gint64 now_s);

/* Why the grant is no longer live: "expired" or "revoked". (nullable)
 * Static. */
const gchar *syrinx_grant_get_denial (SyrinxGrant *grant, gint64 now_s);

/* Has @func called once, in the revoking thread and with no lock held, when
 * @grant is revoked; at once if it is revoked already. After the returned id
 * has been removed, @func is not running and will not be called. */
gulong syrinx_grant_watch (SyrinxGrant *grant,
    void (*func) (SyrinxGrant *grant, gpointer user_data), gpointer user_data);
void syrinx_grant_unwatch (SyrinxGrant *grant, gulong id);

/* No token may live longer. */
#define SYRINX_LONGEST_TOKEN_S (10 * 366 * 24 * G_GINT64_CONSTANT (3600))

/* Revocation, for the whole process. By jti: that token. By subject: every
 * token issued at or before @issued_until_s; a later call with an earlier time
 * does not shorten that. A token may be dated ahead by as much as clocks may
 * differ (SyrinxTokenPolicy), so pass syrinx_get_revocation_end_s() to revoke
 * all tokens issued up to now. */
void syrinx_revoke_jti (const gchar *jti, gint64 expires_at_s);
void syrinx_revoke_subject (const gchar *subject, gint64 issued_until_s);
/* The @issued_until_s that covers every token issued up to now. */
gint64 syrinx_get_revocation_end_s (guint leeway_s);
/* The time up to which tokens of @subject are revoked, or 0. */
gint64 syrinx_get_revoked_until_s (const gchar *subject);
/* The number of revocations kept. Those that no longer apply to any valid token
 * are removed from time to time. */
guint syrinx_count_revocations (void);
gboolean
syrinx_is_revoked (const gchar *subject, const gchar *jti, gint64 issued_at_s);

G_END_DECLS
