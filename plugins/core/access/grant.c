/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Grants and revocations. There is one registry per process, so that a
 * revocation reaches every grant that was made before it. */
#include "grant.h"

#include <string.h>

/* Expired revocations are removed whenever there are twice as many revocations
 * as the last removal left. None that may still apply is removed. */
#define MIN_SWEEP 64
#define LEEWAY_S  3600 /* the most by which clocks may differ */

typedef struct
{
  gulong id;
  SyrinxGrant *grant;
  void (*func) (SyrinxGrant *grant, gpointer user_data);
  gpointer user_data;
  GThread *runs_in; /* (nullable) the thread in which func runs */
} Watch;

struct _SyrinxGrant
{
  /* constant after init */
  gchar *subject, *jti, *region;
  GPatternSpec *tracks;
  SyrinxScope scope;
  gint rtt_ms;        /* -1: unknown */
  guint max_sessions; /* 0: unknown */
  gint64 issued_at_s, expires_at_s;

  /* atomic */
  gatomicrefcount refs;
  gint revoked;
};

static struct
{
  GMutex lock;
  GCond watch_done;

  /* protected by lock */
  GHashTable *grants;   /* set of live SyrinxGrant, no references */
  GHashTable *jtis;     /* jti → gint64 expires_at_s */
  GHashTable *subjects; /* subject → gint64 issued_until_s */
  GHashTable *watches;  /* id → Watch */
  gulong next_id;
  guint sweep_at; /* number of revocations that starts a removal */
} registry;

static gint64 *
new_int64 (gint64 value)
{
  return g_memdup2 (&value, sizeof value);
}

static void
lock_registry (void)
{
  g_mutex_lock (&registry.lock);
  if (registry.grants)
    return;
  registry.grants = g_hash_table_new (NULL, NULL);
  registry.jtis
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  registry.subjects
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  registry.watches = g_hash_table_new_full (NULL, NULL, NULL, g_free);
}

static gboolean
is_revoked_locked (const gchar *subject, const gchar *jti, gint64 issued_at_s)
{
  const gint64 *until_s
      = subject ? g_hash_table_lookup (registry.subjects, subject) : NULL;

  return (jti && g_hash_table_contains (registry.jtis, jti))
         || (until_s && issued_at_s <= *until_s);
}

gboolean
syrinx_is_revoked (const gchar *subject, const gchar *jti, gint64 issued_at_s)
{
  gboolean revoked;

  lock_registry ();
  revoked = is_revoked_locked (subject, jti, issued_at_s);
  g_mutex_unlock (&registry.lock);
  return revoked;
}

/* Calls the func of @watch without the lock, then removes @watch. */
static void
run_watch_unlocking (Watch *watch)
{
  SyrinxGrant *grant = watch->grant;
  gulong id = watch->id;

  watch->runs_in = g_thread_self ();
  g_mutex_unlock (&registry.lock);
  watch->func (grant, watch->user_data);
  g_mutex_lock (&registry.lock);
  g_hash_table_remove (registry.watches, GSIZE_TO_POINTER (id));
  g_cond_broadcast (&registry.watch_done);
}

/* The ids of watches whose grants are revoked. (transfer full) */
static GArray *
list_revoked_locked (void)
{
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (gulong));
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, registry.watches);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    const Watch *watch = value;
    if (!watch->runs_in && g_atomic_int_get (&watch->grant->revoked))
      g_array_append_val (ids, watch->id);
  }
  return ids;
}

/* Runs the watches that still exist: they may be removed while another runs. */
static void
run_watches_unlocking (GArray *ids)
{
  for (guint i = 0; i < ids->len; i++) {
    Watch *watch = g_hash_table_lookup (
        registry.watches, GSIZE_TO_POINTER (g_array_index (ids, gulong, i)));
    if (watch && !watch->runs_in)
      run_watch_unlocking (watch);
  }
}

/* Marks the grants that are revoked now and runs their watches. Releases the
 * lock. */
static void
apply_and_unlock (void)
{
  GHashTableIter iter;
  g_autoptr (GArray) ids = NULL;
  gpointer key;

  g_hash_table_iter_init (&iter, registry.grants);
  while (g_hash_table_iter_next (&iter, &key, NULL)) {
    SyrinxGrant *grant = key;
    if (is_revoked_locked (grant->subject, grant->jti, grant->issued_at_s))
      g_atomic_int_set (&grant->revoked, TRUE);
  }
  ids = list_revoked_locked ();
  run_watches_unlocking (ids);
  g_mutex_unlock (&registry.lock);
}

static void
drop_before_locked (GHashTable *ends, gint64 end_s)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, ends);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (*(gint64 *)value < end_s)
      g_hash_table_iter_remove (&iter);
}

static guint
count_revocations_locked (void)
{
  return g_hash_table_size (registry.jtis)
         + g_hash_table_size (registry.subjects);
}

static void
sweep_locked (void)
{
  gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;

  if (count_revocations_locked () < MAX (registry.sweep_at, MIN_SWEEP))
    return;
  drop_before_locked (registry.jtis, now_s - LEEWAY_S);
  drop_before_locked (registry.subjects, now_s - SYRINX_LONGEST_TOKEN_S);
  registry.sweep_at = 2 * count_revocations_locked ();
}

guint
syrinx_count_revocations (void)
{
  guint n;

  lock_registry ();
  n = count_revocations_locked ();
  g_mutex_unlock (&registry.lock);
  return n;
}

void
syrinx_revoke_jti (const gchar *jti, gint64 expires_at_s)
{
  lock_registry ();
  sweep_locked ();
  g_hash_table_replace (
      registry.jtis, g_strdup (jti), new_int64 (expires_at_s));
  apply_and_unlock ();
}

static gint64
get_revoked_until_s_locked (const gchar *subject)
{
  const gint64 *until_s = g_hash_table_lookup (registry.subjects, subject);

  return until_s ? *until_s : 0;
}

gint64
syrinx_get_revoked_until_s (const gchar *subject)
{
  gint64 until_s;

  lock_registry ();
  until_s = get_revoked_until_s_locked (subject);
  g_mutex_unlock (&registry.lock);
  return until_s;
}

gint64
syrinx_get_revocation_end_s (guint leeway_s)
{
  return g_get_real_time () / G_USEC_PER_SEC + leeway_s;
}

void
syrinx_revoke_subject (const gchar *subject, gint64 issued_until_s)
{
  lock_registry ();
  sweep_locked ();
  issued_until_s = MAX (issued_until_s, get_revoked_until_s_locked (subject));
  g_hash_table_replace (
      registry.subjects, g_strdup (subject), new_int64 (issued_until_s));
  apply_and_unlock ();
}

SyrinxScope
syrinx_scope_parse (const gchar *text)
{
  static const struct
  {
    const gchar *word;
    SyrinxScope scope;
  } words[] = { { "listen", SYRINX_SCOPE_LISTEN },
    { "original", SYRINX_SCOPE_ORIGINAL }, { "admin", SYRINX_SCOPE_ADMIN } };
  g_auto (GStrv) given = g_strsplit_set (text, " ,", 32);
  SyrinxScope scope = 0;

  for (guint i = 0; given[i]; i++)
    for (guint w = 0; w < G_N_ELEMENTS (words); w++)
      if (g_str_equal (given[i], words[w].word))
        scope |= words[w].scope;
  return scope;
}

SyrinxGrant *
syrinx_grant_new (const gchar *subject, const gchar *jti, SyrinxScope scope,
    const gchar *track_pattern, const gchar *region, gint64 issued_at_s,
    gint64 expires_at_s)
{
  SyrinxGrant *grant = g_new0 (SyrinxGrant, 1);

  g_atomic_ref_count_init (&grant->refs);
  grant->subject = g_strdup (subject);
  grant->jti = g_strdup (jti);
  grant->region = g_strdup (region);
  if (track_pattern && !g_str_equal (track_pattern, "*"))
    grant->tracks = g_pattern_spec_new (track_pattern);
  grant->scope = scope;
  grant->rtt_ms = -1;
  grant->issued_at_s = issued_at_s;
  grant->expires_at_s = expires_at_s;
  lock_registry ();
  grant->revoked = is_revoked_locked (subject, jti, issued_at_s);
  g_hash_table_add (registry.grants, grant);
  g_mutex_unlock (&registry.lock);
  return grant;
}

SyrinxGrant *
syrinx_grant_ref (SyrinxGrant *grant)
{
  g_atomic_ref_count_inc (&grant->refs);
  return grant;
}

void
syrinx_grant_unref (SyrinxGrant *grant)
{
  if (!g_atomic_ref_count_dec (&grant->refs))
    return;
  lock_registry ();
  g_hash_table_remove (registry.grants, grant);
  g_mutex_unlock (&registry.lock);
  g_clear_pointer (&grant->tracks, g_pattern_spec_free);
  g_free (grant->subject);
  g_free (grant->jti);
  g_free (grant->region);
  g_free (grant);
}

G_DEFINE_BOXED_TYPE (
    SyrinxGrant, syrinx_grant, syrinx_grant_ref, syrinx_grant_unref)

gulong
syrinx_grant_watch (SyrinxGrant *grant,
    void (*func) (SyrinxGrant *grant, gpointer user_data), gpointer user_data)
{
  Watch *watch = g_new0 (Watch, 1);
  gulong id;

  watch->grant = grant;
  watch->func = func;
  watch->user_data = user_data;
  lock_registry ();
  watch->id = id = ++registry.next_id;
  g_hash_table_insert (registry.watches, GSIZE_TO_POINTER (id), watch);
  if (g_atomic_int_get (&grant->revoked))
    run_watch_unlocking (watch);
  g_mutex_unlock (&registry.lock);
  return id;
}

void
syrinx_grant_unwatch (SyrinxGrant *grant, gulong id)
{
  Watch *watch;

  lock_registry ();
  while ((watch = g_hash_table_lookup (registry.watches, GSIZE_TO_POINTER (id)))
         && watch->runs_in && watch->runs_in != g_thread_self ())
    g_cond_wait (&registry.watch_done, &registry.lock);
  if (watch && !watch->runs_in)
    g_hash_table_remove (registry.watches, GSIZE_TO_POINTER (id));
  g_mutex_unlock (&registry.lock);
}

const gchar *
syrinx_grant_get_subject (SyrinxGrant *grant)
{
  return grant->subject;
}

const gchar *
syrinx_grant_get_region (SyrinxGrant *grant)
{
  return grant->region;
}

void
syrinx_grant_set_rtt_ms (SyrinxGrant *grant, gint rtt_ms)
{
  grant->rtt_ms = rtt_ms;
}

gint
syrinx_grant_get_rtt_ms (SyrinxGrant *grant)
{
  return grant->rtt_ms;
}

void
syrinx_grant_set_max_sessions (SyrinxGrant *grant, guint max_sessions)
{
  grant->max_sessions = max_sessions;
}

guint
syrinx_grant_get_max_sessions (SyrinxGrant *grant)
{
  return grant->max_sessions;
}

gint64
syrinx_grant_get_expires_at_s (SyrinxGrant *grant)
{
  return grant->expires_at_s;
}

gboolean
syrinx_grant_has_scope (SyrinxGrant *grant, SyrinxScope scope)
{
  return (grant->scope & scope) == scope;
}

gboolean
syrinx_grant_allows_track (SyrinxGrant *grant, const gchar *track_id)
{
  return !grant->tracks
         || g_pattern_spec_match_string (grant->tracks, track_id);
}

gboolean
syrinx_grant_is_narrow (SyrinxGrant *grant)
{
  return grant->tracks != NULL;
}

gboolean
syrinx_grant_is_live (SyrinxGrant *grant, gint64 now_s)
{
  return now_s < grant->expires_at_s && !g_atomic_int_get (&grant->revoked);
}

const gchar *
syrinx_grant_get_denial (SyrinxGrant *grant, gint64 now_s)
{
  if (g_atomic_int_get (&grant->revoked))
    return "revoked";
  return now_s < grant->expires_at_s ? NULL : "expired";
}
