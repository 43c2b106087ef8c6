/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A fragment of a session: at once, or by a callback when it has been made and
 * its turn has come. */
#include "fragment-wait.h"

#include "core/base/error.h"

#define MAX_WAIT_S 20 /* until it is made */

struct _SyrinxFragmentWait
{
  SyrinxFragmentRequest asked; /* with references */
  SyrinxFragmentFunc func;
  gpointer user_data;
  GBytes *bytes;    /* available; waits for its turn */
  SyrinxTurn *turn; /* (nullable) */
};

static gboolean try_again (gpointer data);

/* Called in any thread: only schedules the main one. */
static void
fragment_came (SyrinxRendition *rendition, gint number, gpointer data)
{
  g_idle_add_full (G_PRIORITY_DEFAULT, try_again, data, NULL);
}

/* FALSE without an error: fragment_came() will be called. */
static gboolean
fetch (SyrinxFragmentWait *wait, GBytes **bytes, GError **error)
{
  SyrinxForm form = syrinx_session_get_encryption (wait->asked.session)
                            == SYRINX_ENCRYPTION_HLS_AES128
                        ? SYRINX_FORM_CHUNK
                        : SYRINX_FORM_CLEAR;

  return syrinx_rendition_fetch (wait->asked.rendition, wait->asked.number,
             form, bytes, fragment_came, wait, error)
         && *bytes;
}

/* Frees the wait before it calls the function, which may start a new one. */
static void
finish (SyrinxFragmentWait *wait, GBytes *bytes, const GError *error)
{
  SyrinxFragmentFunc func = wait->func;
  gpointer user_data = wait->user_data;

  syrinx_fragment_wait_cancel (wait);
  func (bytes, error, user_data);
}

/* --- Waiting for a turn --- */

static void
turn_came (const GError *error, gpointer data)
{
  SyrinxFragmentWait *wait = data;
  g_autoptr (GBytes) bytes = g_steal_pointer (&wait->bytes);

  wait->turn = NULL;
  finish (wait, error ? NULL : bytes, error);
}

/* Keeps @bytes until the turn comes. FALSE: it can't wait. */
static gboolean
ask_turn (SyrinxFragmentWait *wait, GBytes *bytes, GError **error)
{
  SyrinxSession *session = wait->asked.session;
  const SyrinxRenditionRow *row
      = syrinx_rendition_get_row (wait->asked.rendition);
  gint64 media_us
      = (gint64)row->fragment_units * G_USEC_PER_SEC / row->timescale;
  gboolean is_header = wait->asked.number == SYRINX_FRAGMENT_HEADER;
  const SyrinxTurnRequest request = { .session = session,
    .region = syrinx_session_get_region (session),
    .rtt_us = syrinx_session_get_rtt_ms (session) * G_GINT64_CONSTANT (1000),
    .media_start_us = is_header ? 0 : wait->asked.number * media_us,
    .media_us = is_header ? 0 : media_us,
    .size_bytes = g_bytes_get_size (bytes) };

  wait->turn
      = syrinx_turns_ask (wait->asked.turns, &request, turn_came, wait, error);
  if (wait->turn)
    wait->bytes = g_bytes_ref (bytes);
  return wait->turn != NULL;
}

static gboolean
needs_turn (const SyrinxFragmentRequest *request)
{
  return request->turns && syrinx_turns_is_needed (request->turns);
}

/* --- Waiting for production --- */

static void
forget_sources (SyrinxFragmentWait *wait)
{
  while (g_source_remove_by_user_data (wait))
    ;
}

static gboolean
try_again (gpointer data)
{
  SyrinxFragmentWait *wait = data;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;

  if (syrinx_session_has_ended (wait->asked.session))
    g_set_error_literal (&error, SYRINX_ERROR, SYRINX_ERROR_EXPIRED,
        "this session has ended; POST /v1/sessions for a new one");
  else if (!fetch (wait, &bytes, &error) && !error)
    return G_SOURCE_REMOVE;
  if (bytes && needs_turn (&wait->asked) && ask_turn (wait, bytes, &error))
    forget_sources (wait);
  else
    finish (wait, error ? NULL : bytes, error);
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

/* --- Asking --- */

void
syrinx_fragment_wait_cancel (SyrinxFragmentWait *wait)
{
  g_clear_pointer (&wait->turn, syrinx_turn_cancel);
  syrinx_rendition_cancel (wait->asked.rendition, wait);
  forget_sources (wait);
  g_clear_pointer (&wait->bytes, g_bytes_unref);
  syrinx_rendition_unref (wait->asked.rendition);
  g_object_unref (wait->asked.session);
  g_free (wait);
}

/* FALSE: @bytes is set and may be sent, or there is an error. */
static gboolean
must_wait (SyrinxFragmentWait *wait, GBytes **bytes, GError **error)
{
  GError *cause = NULL;

  if (fetch (wait, bytes, &cause)) {
    if (!needs_turn (&wait->asked))
      return FALSE;
    ask_turn (wait, *bytes, &cause);
    g_clear_pointer (bytes, g_bytes_unref);
  } else if (!cause) {
    g_timeout_add_seconds (MAX_WAIT_S, give_up, wait);
  }
  if (cause)
    g_propagate_error (error, cause);
  return !cause;
}

SyrinxFragmentWait *
syrinx_fragment_get (const SyrinxFragmentRequest *request, GBytes **bytes,
    SyrinxFragmentFunc func, gpointer user_data, GError **error)
{
  SyrinxFragmentWait *wait = g_new0 (SyrinxFragmentWait, 1);

  *bytes = NULL;
  wait->asked = *request;
  wait->func = func;
  wait->user_data = user_data;
  if (!must_wait (wait, bytes, error)) {
    g_free (wait);
    return NULL;
  }
  g_object_ref (request->session);
  syrinx_rendition_ref (request->rendition);
  return wait;
}
