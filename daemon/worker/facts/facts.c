/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Facts by structure: which reader, and what several of them need. */
#include "facts.h"

#include <gst/tag/tag.h>

#include <string.h>

#define MAX_SAMPLES ((guint64)1 << 40)

typedef struct
{
  gsize offset;
  const gchar *magic;
  gboolean (*read) (SyrinxWindow *window, SyrinxFacts *facts);
} Reader;

/* The last one looks for itself. */
static const Reader readers[] = { { 0, "fLaC", syrinx_facts_read_flac },
  { 0, "OggS", syrinx_facts_read_ogg }, { 4, "ftyp", syrinx_facts_read_mp4 },
  { 0, "RIFF", syrinx_facts_read_wav }, { 0, "", syrinx_facts_read_mp3 } };

void
syrinx_facts_clear (SyrinxFacts *facts)
{
  g_clear_pointer (&facts->tags, gst_tag_list_unref);
  g_clear_pointer (&facts->packets, g_array_unref);
}

static const Reader *
find_reader (SyrinxWindow *window)
{
  const guint8 *head = syrinx_window_get (window, 0, 12);

  for (guint i = 0; head && i < G_N_ELEMENTS (readers); i++)
    if (memcmp (head + readers[i].offset, readers[i].magic,
            strlen (readers[i].magic))
        == 0)
      return &readers[i];
  return NULL;
}

gboolean
syrinx_facts_read (gint fd, SyrinxFacts *facts)
{
  g_autofree SyrinxWindow *window = syrinx_window_new (fd);
  const Reader *reader = window ? find_reader (window) : NULL;

  if (!reader)
    return FALSE;
  facts->tags = gst_tag_list_new_empty ();
  if (reader->read (window, facts) && facts->n_samples > 0
      && facts->n_samples <= MAX_SAMPLES && facts->rate_hz >= 4000
      && facts->rate_hz <= 768000 && facts->channels >= 1
      && facts->channels <= 64)
    return TRUE;
  syrinx_facts_clear (facts);
  memset (facts, 0, sizeof *facts);
  return FALSE;
}

static gboolean
insert (SyrinxFacts *facts, GstTagList *tags)
{
  if (!tags)
    return FALSE;
  gst_tag_list_insert (facts->tags, tags, GST_TAG_MERGE_KEEP);
  gst_tag_list_unref (tags);
  return TRUE;
}

gboolean
syrinx_facts_add_id3 (
    SyrinxWindow *window, guint64 at, gsize n_bytes, SyrinxFacts *facts)
{
  g_autoptr (GBytes) bytes = n_bytes <= SYRINX_FACTS_MAX_TAG_BYTES
                                 ? syrinx_window_read (window, at, n_bytes)
                                 : NULL;
  g_autoptr (GstBuffer) buffer
      = bytes ? gst_buffer_new_wrapped_bytes (bytes) : NULL;

  return buffer && insert (facts, gst_tag_list_from_id3v2_tag (buffer));
}

gboolean
syrinx_facts_add_comments (const guint8 *data, gsize n_bytes,
    const guint8 *magic, gsize magic_bytes, SyrinxFacts *facts)
{
  return insert (facts, gst_tag_list_from_vorbiscomment (
                            data, n_bytes, magic, magic_bytes, NULL));
}
