/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A content's fragment sources, in the order in which they are asked. */
#include "content-private.h"

SyrinxFragmentSource *
syrinx_fragment_source_ref (SyrinxFragmentSource *source)
{
  g_atomic_ref_count_inc (&source->refs);
  return source;
}

void
syrinx_fragment_source_unref (SyrinxFragmentSource *source)
{
  if (g_atomic_ref_count_dec (&source->refs))
    source->free (source);
}

static void
add_source_locked (SyrinxContent *content, SyrinxFragmentSource *source)
{
  guint at = 0;

  g_atomic_ref_count_init (&source->refs);
  while (at < content->sources->len
         && ((SyrinxFragmentSource *)content->sources->pdata[at])->kind
                <= source->kind)
    at++;
  g_ptr_array_insert (content->sources, at, source);
}

void
syrinx_content_add_source (SyrinxContent *content, SyrinxFragmentSource *source)
{
  g_mutex_lock (&content->lock);
  add_source_locked (content, source);
  g_mutex_unlock (&content->lock);
}

/* The list may hold the last reference, so it is dropped without the lock. */
void
syrinx_content_remove_source (
    SyrinxContent *content, SyrinxFragmentSource *source)
{
  guint at;

  g_mutex_lock (&content->lock);
  if (g_ptr_array_find (content->sources, source, &at))
    syrinx_fragment_source_ref (source);
  else
    source = NULL;
  if (source)
    g_ptr_array_remove_index (content->sources, at);
  g_mutex_unlock (&content->lock);
  g_clear_pointer (&source, syrinx_fragment_source_unref);
}

/* The producer also plans renditions, so content keeps it besides its
 * source. */
void
syrinx_content_set_producer (
    SyrinxContent *content, const SyrinxProducer *producer, gpointer user_data)
{
  SyrinxFragmentSource *source
      = producer ? syrinx_maker_source_new (producer, user_data) : NULL;
  SyrinxFragmentSource *before;

  g_mutex_lock (&content->lock);
  before = content->maker;
  content->producer = producer ? *producer : (SyrinxProducer){ 0 };
  content->producer_data = user_data;
  content->maker = source;
  if (source)
    add_source_locked (content, source);
  g_mutex_unlock (&content->lock);
  if (before)
    syrinx_content_remove_source (content, before);
}
