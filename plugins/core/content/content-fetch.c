/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Content: how a fragment is fetched.
 *
 * It is looked for in memory, then in the sources at hand. Only one thread at a
 * time does so for each fragment; other callers wait for its result. If none
 * has it, the caller is added to the waits before the sources that are away and
 * the makers are asked, so that an answer that comes during the asking finds
 * the wait. */
#include "content-private.h"

#include "core/base/error.h"

/* One call of syrinx_rendition_fetch(). */
typedef struct
{
  SyrinxRendition *rendition;
  gint number;
  SyrinxForm form;
  SyrinxFetchFunc func; /* (nullable) */
  gpointer user_data;
} Fetch;

/* --- Requests --- */

/* Reads the fragment's row from the index. FALSE with @error: the index could
 * not be read. */
static gboolean
look_up (SyrinxFragmentRequest *request, GError **error)
{
  SyrinxRendition *rendition = request->rendition;
  const SyrinxRenditionRow *row = rendition->row;
  g_autoptr (GError) cause = NULL;

  if (request->number == SYRINX_FRAGMENT_HEADER)
    return TRUE;
  request->is_known
      = syrinx_store_get_fragment (rendition->content->store, row->track_id,
          row->name, row->epoch, request->number, &request->fragment, &cause);
  if (request->is_known
      || g_error_matches (cause, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&cause));
  return FALSE;
}

static SyrinxFragmentRequest *
request_new (SyrinxRendition *rendition, gint number)
{
  SyrinxFragmentRequest *request = g_new0 (SyrinxFragmentRequest, 1);

  request->rendition = syrinx_rendition_ref (rendition);
  request->row = rendition->row;
  request->number = number;
  return request;
}

static void
request_free (SyrinxFragmentRequest *request)
{
  g_clear_pointer (&request->source, syrinx_fragment_source_unref);
  syrinx_rendition_unref (request->rendition);
  g_free (request);
}

static void
end_loading_locked (SyrinxFragmentRequest *request)
{
  g_hash_table_remove (
      request->rendition->loading, SYRINX_FRAGMENT_KEY (request->number));
}

/* Frees @request and wakes the callers that wait for its fragment; they fetch
 * again. */
static void
end_request (SyrinxFragmentRequest *request)
{
  GMutex *lock = &request->rendition->content->lock;

  g_mutex_lock (lock);
  end_loading_locked (request);
  syrinx_rendition_wake_unlocking (
      request->rendition, request->number, request->number + 1);
  g_mutex_unlock (lock);
  request_free (request);
}

/* The next source to ask. (nullable) (transfer none) */
static SyrinxFragmentSource *
peek_source_locked (SyrinxFragmentRequest *request, SyrinxSourceKind max_kind)
{
  GPtrArray *sources = request->rendition->content->sources;

  while (request->n_asked < sources->len) {
    SyrinxFragmentSource *source = sources->pdata[request->n_asked];
    if (source->kind > max_kind)
      return NULL;
    if (request->is_known || source->kind == SYRINX_SOURCE_MAKER)
      return source;
    request->n_asked++;
  }
  return NULL;
}

/* Moves @request on to the next source and stores it in request->source.
 * (nullable) (transfer full) */
static SyrinxFragmentSource *
take_source (SyrinxFragmentRequest *request, SyrinxSourceKind max_kind)
{
  GMutex *lock = &request->rendition->content->lock;
  SyrinxFragmentSource *source;

  g_clear_pointer (&request->source, syrinx_fragment_source_unref);
  g_mutex_lock (lock);
  source = peek_source_locked (request, max_kind);
  if (source) {
    request->n_asked++;
    request->source = syrinx_fragment_source_ref (source);
    syrinx_fragment_source_ref (source);
  }
  g_mutex_unlock (lock);
  return source;
}

/* --- What a source has given --- */

/* Checks @chunk by the digest in the index and, if they agree, enters it in
 * memory. */
static gboolean
admit (
    SyrinxFragmentSource *source, SyrinxFragmentRequest *request, GBytes *chunk)
{
  GMutex *lock = &request->rendition->content->lock;
  SyrinxArrival arrival = { .number = request->number, .chunk = chunk };

  if (!syrinx_rendition_check_digest (&arrival, request->fragment.sha256)) {
    if (source->refuse)
      source->refuse (source, request);
    return FALSE;
  }
  g_mutex_lock (lock);
  syrinx_rendition_admit_locked (request->rendition, &arrival);
  g_mutex_unlock (lock);
  return TRUE;
}

static SyrinxSourceAnswer
ask_one (SyrinxFragmentSource *source, SyrinxFragmentRequest *request,
    GBytes **chunk, GError **error)
{
  SyrinxSourceAnswer answer = source->ask (source, request, chunk, error);

  if (answer != SYRINX_ANSWER_HERE || admit (source, request, *chunk))
    return answer;
  g_clear_pointer (chunk, g_bytes_unref);
  return SYRINX_ANSWER_NOT_HERE;
}

/* Asks the sources at hand. FALSE with @error, or TRUE with *@chunk (transfer
 * full) (nullable). */
static gboolean
ask_at_hand (SyrinxFragmentRequest *request, GBytes **chunk, GError **error)
{
  SyrinxSourceAnswer answer = SYRINX_ANSWER_NOT_HERE;
  SyrinxFragmentSource *next;

  if (!look_up (request, error))
    return FALSE;
  while (answer == SYRINX_ANSWER_NOT_HERE
         && (next = take_source (request, SYRINX_SOURCE_AT_HAND))) {
    g_autoptr (SyrinxFragmentSource) source = next;
    answer = ask_one (source, request, chunk, error);
  }
  return answer != SYRINX_ANSWER_FAILED;
}

/* --- Sources that are away, and makers --- */

static void
set_not_made (SyrinxFragmentRequest *request, GError **error)
{
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND,
      "fragment %d of %s has not been made yet; play it once through a "
      "syrinxd on this state directory",
      request->number, request->rendition->name);
}

static void
end_loading (SyrinxFragmentRequest *request)
{
  GMutex *lock = &request->rendition->content->lock;

  g_mutex_lock (lock);
  end_loading_locked (request);
  g_mutex_unlock (lock);
}

static void
fail_request (SyrinxFragmentRequest *request, GError *cause)
{
  g_autoptr (GError) error = cause;

  if (!error)
    set_not_made (request, &error);
  end_loading (request);
  syrinx_rendition_fail (request->rendition, request->number, 1, error);
  request_free (request);
}

/* A maker wakes all waiting callers by committing or failing; it never answers
 * @request itself. */
static void
ask_maker (SyrinxFragmentSource *source, SyrinxFragmentRequest *request)
{
  end_loading (request);
  source->ask (source, request, NULL, NULL);
  request_free (request);
}

/* Asks the sources that are away, then the makers. Takes @request. */
static void
ask_others (SyrinxFragmentRequest *request)
{
  SyrinxSourceAnswer answer = SYRINX_ANSWER_NOT_HERE;
  g_autoptr (GBytes) chunk = NULL;
  g_autoptr (GError) error = NULL;
  SyrinxFragmentSource *next;

  while (answer == SYRINX_ANSWER_NOT_HERE
         && (next = take_source (request, SYRINX_SOURCE_MAKER))) {
    g_autoptr (SyrinxFragmentSource) source = next;
    if (source->kind == SYRINX_SOURCE_MAKER) {
      ask_maker (source, request);
      return;
    }
    answer = ask_one (source, request, &chunk, &error);
  }
  if (answer == SYRINX_ANSWER_HERE)
    end_request (request);
  else if (answer != SYRINX_ANSWER_LATER)
    fail_request (request, g_steal_pointer (&error));
}

void
syrinx_fragment_request_answer (SyrinxFragmentRequest *request, GBytes *chunk)
{
  if (chunk && admit (request->source, request, chunk))
    end_request (request);
  else
    ask_others (request);
}

/* --- Fetching --- */

static void
add_wait_locked (const Fetch *fetch)
{
  syrinx_rendition_add_wait_locked (
      fetch->rendition, fetch->number, fetch->func, fetch->user_data);
}

/* TRUE: *@bytes is set, or the caller was added to the waits. FALSE: the caller
 * must load the fragment; *@chunk is its encrypted form, if that is in
 * memory. */
static gboolean
begin (const Fetch *fetch, GBytes **bytes, GBytes **chunk)
{
  SyrinxRendition *rendition = fetch->rendition;
  GMutex *lock = &rendition->content->lock;
  gpointer key = SYRINX_FRAGMENT_KEY (fetch->number);
  gboolean is_loading;

  g_mutex_lock (lock);
  *bytes
      = syrinx_rendition_recall_locked (rendition, fetch->number, fetch->form);
  is_loading = !*bytes && g_hash_table_contains (rendition->loading, key);
  if (is_loading)
    add_wait_locked (fetch);
  if (!*bytes && !is_loading) {
    *chunk = syrinx_rendition_recall_locked (
        rendition, fetch->number, SYRINX_FORM_CHUNK);
    g_hash_table_add (rendition->loading, key);
  }
  g_mutex_unlock (lock);
  return *bytes || is_loading;
}

/* Sets *@bytes to @chunk in the form that the caller wants. */
static gboolean
convert (const Fetch *fetch, GBytes *chunk, GBytes **bytes, GError **error)
{
  SyrinxRendition *rendition = fetch->rendition;
  GMutex *lock = &rendition->content->lock;

  if (fetch->form == SYRINX_FORM_CHUNK) {
    *bytes = g_bytes_ref (chunk);
    return TRUE;
  }
  *bytes = syrinx_rendition_decrypt (rendition, fetch->number, chunk, error);
  if (!*bytes)
    return FALSE;
  g_mutex_lock (lock);
  syrinx_rendition_keep_clear_locked (rendition, fetch->number, *bytes);
  g_mutex_unlock (lock);
  return TRUE;
}

/* Keeps the index's digest of a lost fragment: a new copy must have the
 * same. */
static void
note_lost_locked (const SyrinxFragmentRequest *request)
{
  g_hash_table_replace (request->rendition->lost,
      SYRINX_FRAGMENT_KEY (request->number),
      g_memdup2 (request->fragment.sha256, sizeof request->fragment.sha256));
}

/* Called when no source at hand had the fragment. Adds the caller to the waits,
 * unless the fragment was made meanwhile, its production has failed, or there
 * is no source left to ask. */
static gboolean
begin_wait_locked (const Fetch *fetch, SyrinxFragmentRequest *request,
    GBytes **bytes, GError **error)
{
  SyrinxRendition *rendition = fetch->rendition;

  if (request->is_known)
    note_lost_locked (request);
  *bytes
      = syrinx_rendition_recall_locked (rendition, fetch->number, fetch->form);
  if (*bytes)
    return TRUE;
  if (syrinx_rendition_take_failure_locked (
          rendition, fetch->number, fetch->func, fetch->user_data, error))
    return FALSE;
  if (!peek_source_locked (request, SYRINX_SOURCE_MAKER)) {
    set_not_made (request, error);
    return FALSE;
  }
  add_wait_locked (fetch);
  return TRUE;
}

/* Takes @request. */
static gboolean
fetch_from_others (const Fetch *fetch, SyrinxFragmentRequest *request,
    GBytes **bytes, GError **error)
{
  GMutex *lock = &fetch->rendition->content->lock;
  gboolean good;

  g_mutex_lock (lock);
  good = begin_wait_locked (fetch, request, bytes, error);
  g_mutex_unlock (lock);
  if (good && !*bytes)
    ask_others (request);
  else
    end_request (request);
  return good;
}

static gboolean
fetch_fragment (const Fetch *fetch, GBytes **bytes, GError **error)
{
  g_autoptr (GBytes) chunk = NULL;
  SyrinxFragmentRequest *request;
  gboolean good;

  if (begin (fetch, bytes, &chunk))
    return TRUE;
  request = request_new (fetch->rendition, fetch->number);
  good = chunk || ask_at_hand (request, &chunk, error);
  if (good && !chunk)
    return fetch_from_others (fetch, request, bytes, error);
  good = good && convert (fetch, chunk, bytes, error);
  end_request (request);
  return good;
}

gboolean
syrinx_rendition_fetch (SyrinxRendition *rendition, gint number,
    SyrinxForm form, GBytes **bytes, SyrinxFetchFunc func, gpointer user_data,
    GError **error)
{
  const Fetch fetch = { rendition, number, form, func, user_data };
  const SyrinxRenditionRow *row = rendition->row;

  *bytes = NULL;
  if (number < SYRINX_FRAGMENT_HEADER || number >= (gint)row->n_fragments) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND,
        "%s has %u fragments; there is no number %d", rendition->name,
        row->n_fragments, number);
    return FALSE;
  }
  syrinx_store_touch_rendition (
      rendition->content->store, row->track_id, row->name, row->epoch);
  return fetch_fragment (&fetch, bytes, error);
}

gboolean
syrinx_rendition_has (SyrinxRendition *rendition, gint number)
{
  const SyrinxRenditionRow *row = rendition->row;
  SyrinxContent *content = rendition->content;
  g_autoptr (GBytes) bytes = NULL;
  SyrinxFragmentRow fragment;
  gboolean is_lost;

  g_mutex_lock (&content->lock);
  bytes = syrinx_rendition_recall_locked (rendition, number, SYRINX_FORM_CHUNK);
  is_lost
      = g_hash_table_contains (rendition->lost, SYRINX_FRAGMENT_KEY (number));
  g_mutex_unlock (&content->lock);
  return bytes
         || (number != SYRINX_FRAGMENT_HEADER && !is_lost
             && syrinx_store_get_fragment (content->store, row->track_id,
                 row->name, row->epoch, number, &fragment, NULL));
}
