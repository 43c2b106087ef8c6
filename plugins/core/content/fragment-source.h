/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a rendition's fragments come from when they are not in memory: the
 * disk, a producer, and whatever else is added. Content asks its sources in
 * the order of their kinds, within a kind in the order in which they were
 * added, until one has the fragment or will have it. A source never makes
 * content wait: it answers at once, or later from a thread of its own, or that
 * it has not got it.
 *
 * What a source gives is a chunk as it lies on disk, encrypted. Content checks
 * its digest by the index before it enters memory, so a source need not; one
 * whose chunk is refused is told, and the next is asked. */
#pragma once

#include "content.h"

G_BEGIN_DECLS

typedef struct _SyrinxFragmentSource SyrinxFragmentSource;

typedef enum
{
  SYRINX_SOURCE_AT_HAND, /* answers at once; it may read a local file */
  SYRINX_SOURCE_AWAY,    /* may answer later; must answer in the end */
  SYRINX_SOURCE_MAKER    /* makes fragments that the index does not know, too:
                            its later answer is syrinx_rendition_commit() or
                            syrinx_rendition_fail() */
} SyrinxSourceKind;

typedef enum
{
  SYRINX_ANSWER_HERE,     /* *@chunk is set */
  SYRINX_ANSWER_LATER,    /* not of SYRINX_SOURCE_AT_HAND */
  SYRINX_ANSWER_NOT_HERE, /* the next source is asked */
  SYRINX_ANSWER_FAILED    /* @error is set, and nobody else is asked */
} SyrinxSourceAnswer;

/* One fragment that is looked for. Sources only read it. */
typedef struct
{
  SyrinxRendition *rendition; /* its own reference */
  const SyrinxRenditionRow *row;
  gint number; /* SYRINX_FRAGMENT_HEADER is asked of makers only */
  /* What the index knows. Without that only makers are asked, for nobody
   * could tell whether a chunk is the right one. */
  gboolean is_known;
  SyrinxFragmentRow fragment;

  /* (private) */
  SyrinxFragmentSource *source; /* that was asked last; its own reference */
  guint n_asked;
} SyrinxFragmentRequest;

/* The first member of each source. All functions are called with no lock held,
 * from any thread, several at a time. */
struct _SyrinxFragmentSource
{
  SyrinxSourceKind kind;
  /* Asks for a fragment. @request stays until the answer: with
   * SYRINX_ANSWER_LATER of a source that is away, until
   * syrinx_fragment_request_answer(); otherwise until this returns. *@chunk:
   * (transfer full). */
  SyrinxSourceAnswer (*ask) (SyrinxFragmentSource *source,
      SyrinxFragmentRequest *request, GBytes **chunk, GError **error);
  /* (nullable) What it gave has another digest than the index says. */
  void (*refuse) (
      SyrinxFragmentSource *source, const SyrinxFragmentRequest *request);
  void (*free) (SyrinxFragmentSource *source);
  gatomicrefcount refs; /* (private) */
};

/* @source (transfer full) was allocated by its maker, who filled in all but
 * ->refs. */
void syrinx_content_add_source (
    SyrinxContent *content, SyrinxFragmentSource *source);
/* It may still be asked by who began to before this. */
void syrinx_content_remove_source (
    SyrinxContent *content, SyrinxFragmentSource *source);

/* Answers once what SYRINX_ANSWER_LATER left open. Takes @request, and with it
 * perhaps the last reference of the source. @chunk (transfer none) (nullable):
 * it is not there after all, the next source is asked. Calls back who waits.
 * Any thread. */
void
syrinx_fragment_request_answer (SyrinxFragmentRequest *request, GBytes *chunk);

/* The two that every content has (source-disk.c, source-maker.c). (transfer
 * full) */
SyrinxFragmentSource *syrinx_disk_source_new (const gchar *state_dir);
SyrinxFragmentSource *
syrinx_maker_source_new (const SyrinxProducer *producer, gpointer user_data);

G_END_DECLS
