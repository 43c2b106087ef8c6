/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Content: the callers that wait for a fragment, and the failures that they
 * have yet to be told. */
#include "content-private.h"

typedef struct
{
  gint number;
  SyrinxFetchFunc func;
  gpointer user_data;
  guint64 serial;
  GThread *runs_in; /* (nullable) the thread in which func runs now */
  GError *failure;  /* (nullable) for the next fetch of the same caller */
} Wait;

static void
wait_free (Wait *wait)
{
  g_clear_error (&wait->failure);
  g_free (wait);
}

void
syrinx_rendition_clear_waits (SyrinxRendition *rendition)
{
  g_warn_if_fail (rendition->waits == NULL);
  g_list_free_full (rendition->owed, (GDestroyNotify)wait_free);
  g_clear_error (&rendition->failure);
}

void
syrinx_rendition_wake_unlocking (
    SyrinxRendition *rendition, gint first, gint end)
{
  SyrinxContent *content = rendition->content;
  guint64 end_serial = rendition->next_serial;
  GList *link = rendition->waits;

  while (link) {
    Wait *wait = link->data;
    if (wait->runs_in || wait->number < first || wait->number >= end
        || wait->serial >= end_serial) {
      link = link->next;
      continue;
    }
    wait->runs_in = g_thread_self ();
    g_mutex_unlock (&content->lock);
    wait->func (rendition, wait->number, wait->user_data);
    g_mutex_lock (&content->lock);
    rendition->waits = g_list_remove (rendition->waits, wait);
    wait_free (wait);
    g_cond_broadcast (&content->wait_done);
    link = rendition->waits;
  }
}

void
syrinx_rendition_add_wait_locked (SyrinxRendition *rendition, gint number,
    SyrinxFetchFunc func, gpointer user_data)
{
  Wait *wait;

  if (!func)
    return;
  wait = g_new0 (Wait, 1);
  wait->number = number;
  wait->func = func;
  wait->user_data = user_data;
  wait->serial = rendition->next_serial++;
  rendition->waits = g_list_append (rendition->waits, wait);
}

static Wait *
find_owed_locked (SyrinxRendition *rendition, gint number, gpointer user_data)
{
  for (GList *link = rendition->owed; link; link = link->next) {
    Wait *wait = link->data;
    if (wait->user_data == user_data && wait->number == number)
      return wait;
  }
  return NULL;
}

/* Keeps @failure for each caller that waits for a fragment in [first, end). */
static void
owe_failure_locked (
    SyrinxRendition *rendition, gint first, gint end, const GError *failure)
{
  for (GList *link = rendition->waits; link; link = link->next) {
    Wait *wait = link->data;
    Wait *owed;
    if (wait->runs_in || wait->number < first || wait->number >= end
        || find_owed_locked (rendition, wait->number, wait->user_data))
      continue;
    owed = g_new0 (Wait, 1);
    owed->number = wait->number;
    owed->user_data = wait->user_data;
    owed->failure = g_error_copy (failure);
    rendition->owed = g_list_prepend (rendition->owed, owed);
  }
}

static void
forget_owed_locked (SyrinxRendition *rendition, gpointer user_data)
{
  for (GList *link = rendition->owed; link;) {
    GList *next = link->next;
    Wait *wait = link->data;
    if (wait->user_data == user_data) {
      rendition->owed = g_list_delete_link (rendition->owed, link);
      wait_free (wait);
    }
    link = next;
  }
}

void
syrinx_rendition_cancel (SyrinxRendition *rendition, gpointer user_data)
{
  SyrinxContent *content = rendition->content;
  GList *link;

  g_mutex_lock (&content->lock);
  for (link = rendition->waits; link;) {
    Wait *wait = link->data;
    if (wait->user_data != user_data) {
      link = link->next;
    } else if (wait->runs_in) {
      g_cond_wait (&content->wait_done, &content->lock);
      link = rendition->waits;
    } else {
      rendition->waits = g_list_remove (rendition->waits, wait);
      wait_free (wait);
      link = rendition->waits;
    }
  }
  forget_owed_locked (rendition, user_data);
  g_mutex_unlock (&content->lock);
}

gboolean
syrinx_rendition_take_failure_locked (SyrinxRendition *rendition, gint number,
    SyrinxFetchFunc func, gpointer user_data, GError **error)
{
  Wait *owed = func ? find_owed_locked (rendition, number, user_data) : NULL;

  if (owed) {
    g_propagate_error (error, g_steal_pointer (&owed->failure));
    rendition->owed = g_list_remove (rendition->owed, owed);
    wait_free (owed);
    return TRUE;
  }
  if (func || !rendition->failure || number < rendition->failed_first
      || number >= rendition->failed_end)
    return FALSE;
  g_propagate_error (error, g_steal_pointer (&rendition->failure));
  return TRUE;
}

void
syrinx_rendition_fail (
    SyrinxRendition *rendition, gint first, guint count, const GError *error)
{
  SyrinxContent *content = rendition->content;
  gint end = first + (gint)MIN (count, rendition->row->n_fragments);

  g_mutex_lock (&content->lock);
  g_clear_error (&rendition->failure);
  rendition->failure = g_error_copy (error);
  rendition->failed_first = rendition->row->header ? first : MIN (first, -1);
  rendition->failed_end = end;
  owe_failure_locked (rendition, rendition->failed_first, end, error);
  syrinx_rendition_wake_unlocking (rendition, rendition->failed_first, end);
  g_mutex_unlock (&content->lock);
}
