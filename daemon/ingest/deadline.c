/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls with a time limit. */
#include "deadline.h"

typedef struct
{
  gatomicrefcount refs; /* the caller's and the thread's */

  /* constant after start */
  gchar *key;
  SyrinxDeadlineFunc func;
  gpointer data;
  GDestroyNotify free;

  gint progress; /* atomic */

  GMutex lock;
  /* protected by lock */
  GCond changed;
  gboolean is_done, is_given_up;
} Call;

static GMutex stuck_lock;
/* protected by stuck_lock: key → number of abandoned threads that still run */
static GHashTable *stuck;

static void
call_unref (Call *call)
{
  if (!g_atomic_ref_count_dec (&call->refs))
    return;
  g_mutex_clear (&call->lock);
  g_cond_clear (&call->changed);
  g_free (call->key);
  g_free (call);
}

static void
count_stuck (const gchar *key, gint change)
{
  gint n;

  g_mutex_lock (&stuck_lock);
  if (!stuck)
    stuck = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  n = GPOINTER_TO_INT (g_hash_table_lookup (stuck, key)) + change;
  if (n > 0)
    g_hash_table_insert (stuck, g_strdup (key), GINT_TO_POINTER (n));
  else
    g_hash_table_remove (stuck, key);
  g_mutex_unlock (&stuck_lock);
}

static gboolean
is_stuck (const gchar *key)
{
  gboolean is;

  g_mutex_lock (&stuck_lock);
  is = stuck
       && GPOINTER_TO_INT (g_hash_table_lookup (stuck, key))
              >= SYRINX_MAX_STUCK;
  g_mutex_unlock (&stuck_lock);
  return is;
}

static gpointer
run (gpointer user_data)
{
  Call *call = user_data;
  gboolean given_up;

  call->func (call->data, &call->progress);
  g_mutex_lock (&call->lock);
  call->is_done = TRUE;
  given_up = call->is_given_up;
  g_cond_signal (&call->changed);
  g_mutex_unlock (&call->lock);
  if (given_up) {
    count_stuck (call->key, -1);
    call->free (call->data);
  }
  call_unref (call);
  return NULL;
}

/* Waits until the thread is done, or has made no progress for @idle_ms. */
static gboolean
wait_for (Call *call, guint idle_ms)
{
  gint seen = 0;
  gboolean is_done;

  g_mutex_lock (&call->lock);
  while (!call->is_done) {
    gint64 until_us = g_get_monotonic_time () + (gint64)idle_ms * 1000;
    gint now;

    while (!call->is_done
           && g_cond_wait_until (&call->changed, &call->lock, until_us))
      ;
    now = g_atomic_int_get (&call->progress);
    if (!call->is_done && now == seen)
      break;
    seen = now;
  }
  is_done = call->is_done;
  call->is_given_up = !is_done;
  if (!is_done)
    count_stuck (call->key, 1);
  g_mutex_unlock (&call->lock);
  return is_done;
}

gboolean
syrinx_deadline_run (const gchar *key, SyrinxDeadlineFunc func, gpointer data,
    GDestroyNotify free, guint idle_ms)
{
  Call *call;
  gboolean is_done;

  if (is_stuck (key)) {
    free (data);
    return FALSE;
  }
  call = g_new0 (Call, 1);
  g_atomic_ref_count_init (&call->refs);
  g_atomic_ref_count_inc (&call->refs);
  call->key = g_strdup (key);
  call->func = func;
  call->data = data;
  call->free = free;
  g_mutex_init (&call->lock);
  g_cond_init (&call->changed);
  g_thread_unref (g_thread_new ("syrinx-share", run, call));
  is_done = wait_for (call, idle_ms);
  call_unref (call);
  return is_done;
}
