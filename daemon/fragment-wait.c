/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A session's fragment: here at once, or told about when it has been made. */
#include "fragment-wait.h"

#include "core/error.h"

#define MAX_WAIT_S 20

struct _SyrinxFragmentWait
{
  SyrinxListener *listener;
  SyrinxRendition *rendition;
  gint number;
  SyrinxFragmentFunc func;
  gpointer user_data;
};

static gboolean try_again (gpointer data);

/* In any thread: only hands over to the main one. */
static void
fragment_came (SyrinxRendition *rendition, gint number, gpointer data)
{
  g_idle_add_full (G_PRIORITY_DEFAULT, try_again, data, NULL);
}

/* FALSE with no error: fragment_came() will be called. */
static gboolean
fetch (SyrinxFragmentWait *wait, GBytes **bytes, GError **error)
{
  SyrinxForm form = syrinx_listener_get_encryption (wait->listener)
                            == SYRINX_ENCRYPTION_HLS_AES128
                        ? SYRINX_FORM_CHUNK
                        : SYRINX_FORM_CLEAR;

  return syrinx_rendition_fetch (wait->rendition, wait->number, form, bytes,
             fragment_came, wait, error)
         && *bytes;
}

/* Takes the wait apart before it tells: the listener of the news may start a
 * new one. */
static void
finish (SyrinxFragmentWait *wait, GBytes *bytes, const GError *error)
{
  SyrinxFragmentFunc func = wait->func;
  gpointer user_data = wait->user_data;

  syrinx_fragment_wait_cancel (wait);
  func (bytes, error, user_data);
}

static gboolean
try_again (gpointer data)
{
  SyrinxFragmentWait *wait = data;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;

  if (fetch (wait, &bytes, &error) || error)
    finish (wait, bytes, error);
  return G_SOURCE_REMOVE;
}

static gboolean
give_up (gpointer data)
{
  SyrinxFragmentWait *wait = data;
  g_autoptr (GError) error = g_error_new_literal (SYRINX_ERROR,
      SYRINX_ERROR_TIMED_OUT, "the fragment is still being made; ask again");

  finish (wait, NULL, error);
  return G_SOURCE_REMOVE;
}

void
syrinx_fragment_wait_cancel (SyrinxFragmentWait *wait)
{
  syrinx_rendition_cancel (wait->rendition, wait);
  while (g_source_remove_by_user_data (wait))
    ;
  syrinx_rendition_unref (wait->rendition);
  g_object_unref (wait->listener);
  g_free (wait);
}

SyrinxFragmentWait *
syrinx_fragment_get (SyrinxListener *listener, SyrinxRendition *rendition,
    gint number, GBytes **bytes, SyrinxFragmentFunc func, gpointer user_data,
    GError **error)
{
  SyrinxFragmentWait *wait = g_new0 (SyrinxFragmentWait, 1);
  GError *cause = NULL;

  *bytes = NULL;
  wait->listener = listener;
  wait->rendition = rendition;
  wait->number = number;
  if (fetch (wait, bytes, &cause) || cause) {
    g_free (wait);
    if (cause)
      g_propagate_error (error, cause);
    return NULL;
  }
  g_object_ref (listener);
  syrinx_rendition_ref (rendition);
  wait->func = func;
  wait->user_data = user_data;
  g_timeout_add_seconds (MAX_WAIT_S, give_up, wait);
  return wait;
}
