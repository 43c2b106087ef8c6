/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RIFF WAVE: PCM whose length is its chunk's, tags in LIST INFO or ID3. */
#include "facts.h"

#include <gst/tag/tag.h>

#include <string.h>

#define FMT_BYTES      16
#define FMT_EXT_BYTES  26
#define MAX_CHUNKS     4096
#define MAX_INFO_BYTES (1024 * 1024)

static const struct
{
  const gchar *id, *tag;
} info_tags[] = { { "INAM", GST_TAG_TITLE }, { "IART", GST_TAG_ARTIST },
  { "IPRD", GST_TAG_ALBUM }, { "IGNR", GST_TAG_GENRE } };

typedef struct
{
  guint block_bytes;
  guint64 data_bytes;
} Wave;

static gboolean
read_format (SyrinxWindow *window, guint64 at, guint n_bytes, Wave *wave,
    SyrinxFacts *facts)
{
  const guint8 *p
      = syrinx_window_get (window, at, MIN (n_bytes, FMT_EXT_BYTES));
  guint format, bits;

  if (!p || n_bytes < FMT_BYTES)
    return FALSE;
  format = GST_READ_UINT16_LE (p);
  if (format == 0xfffe && n_bytes >= FMT_EXT_BYTES)
    format = GST_READ_UINT16_LE (p + 24);
  facts->channels = GST_READ_UINT16_LE (p + 2);
  facts->rate_hz = GST_READ_UINT32_LE (p + 4);
  wave->block_bytes = GST_READ_UINT16_LE (p + 12);
  bits = GST_READ_UINT16_LE (p + 14);
  return (format == 1 || format == 3) && bits % 8 == 0 && bits > 0
         && wave->block_bytes == bits / 8 * facts->channels;
}

static void
add_text (SyrinxFacts *facts, const gchar *tag, const guint8 *text, gsize n)
{
  static const gchar *variables[] = { "GST_WAV_TAG_ENCODING",
    "GST_RIFF_TAG_ENCODING", "GST_TAG_ENCODING", NULL };
  g_autofree gchar *value = gst_tag_freeform_string_to_utf8 (
      (const gchar *)text, (gint)n, variables);

  if (value && *value)
    gst_tag_list_add (facts->tags, GST_TAG_MERGE_KEEP, tag, value, NULL);
}

static void
add_track (SyrinxFacts *facts, const guint8 *text, gsize n)
{
  g_autofree gchar *value = g_strndup ((const gchar *)text, n);
  guint64 number = g_ascii_strtoull (value, NULL, 10);

  if (number > 0 && number < 10000)
    gst_tag_list_add (facts->tags, GST_TAG_MERGE_KEEP, GST_TAG_TRACK_NUMBER,
        (guint)number, NULL);
}

static void
add_date (SyrinxFacts *facts, const guint8 *text, gsize n)
{
  g_autofree gchar *value = g_strndup ((const gchar *)text, n);
  g_autoptr (GstDateTime) date
      = gst_date_time_new_from_iso8601_string (g_strstrip (value));

  if (date)
    gst_tag_list_add (
        facts->tags, GST_TAG_MERGE_KEEP, GST_TAG_DATE_TIME, date, NULL);
}

static void
add_info (SyrinxFacts *facts, const guint8 *id, const guint8 *text, gsize n)
{
  n = strnlen ((const gchar *)text, n);
  if (n == 0)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (info_tags); i++)
    if (memcmp (id, info_tags[i].id, 4) == 0)
      add_text (facts, info_tags[i].tag, text, n);
  if (memcmp (id, "ITRK", 4) == 0 || memcmp (id, "IPRT", 4) == 0)
    add_track (facts, text, n);
  if (memcmp (id, "ICRD", 4) == 0)
    add_date (facts, text, n);
}

static gboolean
read_list (SyrinxWindow *window, guint64 at, gsize n_bytes, SyrinxFacts *facts)
{
  g_autoptr (GBytes) bytes = n_bytes <= MAX_INFO_BYTES
                                 ? syrinx_window_read (window, at, n_bytes)
                                 : NULL;
  const guint8 *p = bytes ? g_bytes_get_data (bytes, NULL) : NULL;
  gsize i = 4;

  if (!p || n_bytes < 4)
    return FALSE;
  if (memcmp (p, "INFO", 4) != 0)
    return TRUE;
  while (n_bytes - i >= 8) {
    gsize n = GST_READ_UINT32_LE (p + i + 4);

    if (n > n_bytes - i - 8)
      return FALSE;
    add_info (facts, p + i, p + i + 8, n);
    i += 8 + n + (n & 1);
    if (i > n_bytes)
      break;
  }
  return TRUE;
}

static gboolean
read_chunk (SyrinxWindow *window, const gchar *id, guint64 at, guint n_bytes,
    Wave *wave, SyrinxFacts *facts)
{
  if (g_str_equal (id, "fmt "))
    return read_format (window, at, n_bytes, wave, facts);
  if (g_str_equal (id, "LIST"))
    return read_list (window, at, n_bytes, facts);
  if (g_str_equal (id, "id3 ") || g_str_equal (id, "ID3 "))
    return syrinx_facts_add_id3 (window, at, n_bytes, facts);
  if (g_str_equal (id, "data")) {
    if (wave->data_bytes)
      return FALSE;
    wave->data_bytes = n_bytes;
  }
  return TRUE;
}

static gboolean
read_chunks (SyrinxWindow *window, Wave *wave, SyrinxFacts *facts)
{
  guint64 at = 12;

  for (guint i = 0; i < MAX_CHUNKS; i++) {
    const guint8 *head = syrinx_window_get (window, at, 8);
    gchar id[5] = { 0 };
    guint n_bytes;

    if (!head)
      return TRUE;
    memcpy (id, head, 4);
    n_bytes = GST_READ_UINT32_LE (head + 4);
    at += 8;
    if (n_bytes > window->size_bytes - at
        || !read_chunk (window, id, at, n_bytes, wave, facts))
      return FALSE;
    at += (guint64)n_bytes + (n_bytes & 1);
  }
  return FALSE;
}

gboolean
syrinx_facts_read_wav (SyrinxWindow *window, SyrinxFacts *facts)
{
  const guint8 *head = syrinx_window_get (window, 0, 12);
  Wave wave = { 0 };

  if (!head || memcmp (head + 8, "WAVE", 4) != 0
      || !read_chunks (window, &wave, facts) || wave.block_bytes == 0)
    return FALSE;
  facts->codec = "pcm";
  facts->n_samples = wave.data_bytes / wave.block_bytes;
  return TRUE;
}
