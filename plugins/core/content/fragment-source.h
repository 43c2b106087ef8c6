/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a rendition's fragments come from when they are not in memory: the
 * disk, a producer, and any source that is added. Content asks its sources by
 * kind, and within a kind in the order in which they were added, until one has
 * the fragment or promises it. A source never blocks: it answers at once, or
 * later from its own thread.
 *
 * A source gives a chunk as it lies on disk, encrypted. Content checks its
 * digest against the index before it enters memory, so a source need not. A
 * source whose chunk is refused is told so, and the next one is asked. */
#pragma once

#include "content.h"

G_BEGIN_DECLS

typedef struct _SyrinxFragmentSource SyrinxFragmentSource;

typedef enum
{
  SYRINX_SOURCE_AT_HAND, /* answers at once; it may read a local file */
  SYRINX_SOURCE_AWAY,    /* may answer later; must answer in the end */
  SYRINX_SOURCE_MAKER    /* also makes fragments that are not in the index; its
                            later answer is syrinx_rendition_commit() or
                            syrinx_rendition_fail() */
} SyrinxSourceKind;

typedef enum
{
  SYRINX_ANSWER_HERE,     /* *@chunk is set */
  SYRINX_ANSWER_LATER,    /* never from a SYRINX_SOURCE_AT_HAND */
  SYRINX_ANSWER_NOT_HERE, /* the next source is asked */
  SYRINX_ANSWER_FAILED    /* @error is set, and no other source is asked */
} SyrinxSourceAnswer;

/* One fragment that is wanted. Sources only read it. */
typedef struct
{
  SyrinxRendition *rendition; /* the request's own reference */
  const SyrinxRenditionRow *row;
  gint number; /* only makers are asked for SYRINX_FRAGMENT_HEADER */
  /* The fragment's row in the index. Without one only makers are asked, since
   * no chunk could be verified. */
  gboolean is_known;
  SyrinxFragmentRow fragment;

  /* (private) */
  SyrinxFragmentSource *source; /* asked last; the request's own reference */
  guint n_asked;
} SyrinxFragmentRequest;

/* The first member of each source. All functions are called with no lock held,
 * from any thread, several at a time. */
struct _SyrinxFragmentSource
{
  SyrinxSourceKind kind;
  /* Asks for a fragment. @request is valid until this returns; if a source that
   * is away answers SYRINX_ANSWER_LATER, until
   * syrinx_fragment_request_answer(). *@chunk: (transfer full). */
  SyrinxSourceAnswer (*ask) (SyrinxFragmentSource *source,
      SyrinxFragmentRequest *request, GBytes **chunk, GError **error);
  /* (nullable) The chunk that it gave has another digest than the index. */
  void (*refuse) (
      SyrinxFragmentSource *source, const SyrinxFragmentRequest *request);
  void (*free) (SyrinxFragmentSource *source);
  gatomicrefcount refs; /* (private) */
};

/* Adds @source (transfer full), whose fields its maker has set, all but
 * ->refs. */
void syrinx_content_add_source (
    SyrinxContent *content, SyrinxFragmentSource *source);
/* Fetches that began before this may still ask @source. */
void syrinx_content_remove_source (
    SyrinxContent *content, SyrinxFragmentSource *source);

/* Completes a request that was answered SYRINX_ANSWER_LATER; call it once.
 * Takes @request, and with it perhaps the last reference of the source. @chunk
 * (transfer none) (nullable): NULL if the source has not got the fragment after
 * all; then the next source is asked. Calls the waiting callers' funcs. Any
 * thread. */
void
syrinx_fragment_request_answer (SyrinxFragmentRequest *request, GBytes *chunk);

/* The two sources that every content has (source-disk.c, source-maker.c).
 * (transfer full) */
SyrinxFragmentSource *syrinx_disk_source_new (const gchar *state_dir);
SyrinxFragmentSource *
syrinx_maker_source_new (const SyrinxProducer *producer, gpointer user_data);

G_END_DECLS
