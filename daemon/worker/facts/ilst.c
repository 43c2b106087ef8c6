/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* moov/udta/meta/ilst. */
#include "ilst.h"

#include <gst/tag/tag.h>

#include <string.h>

#define BOX(a, b, c, d) GST_MAKE_FOURCC (d, c, b, a)
#define TYPE_UTF8       1
#define VALUE_HEAD      8 /* type, locale */

static const struct
{
  guint32 type;
  const gchar *tag;
} texts[] = { { BOX (0xa9, 'n', 'a', 'm'), GST_TAG_TITLE },
  { BOX (0xa9, 'A', 'R', 'T'), GST_TAG_ARTIST },
  { BOX (0xa9, 'a', 'l', 'b'), GST_TAG_ALBUM },
  { BOX ('a', 'A', 'R', 'T'), GST_TAG_ALBUM_ARTIST },
  { BOX (0xa9, 'g', 'e', 'n'), GST_TAG_GENRE } };

static gchar *
get_text (SyrinxSpan value)
{
  gsize n = value.n_bytes;

  return g_utf8_validate_len ((const gchar *)value.data, n, NULL)
             ? g_strndup ((const gchar *)value.data, n)
             : NULL;
}

static void
add_text (GstTagList *tags, const gchar *tag, SyrinxSpan value)
{
  g_autofree gchar *text = get_text (value);

  if (text && *text)
    gst_tag_list_add (tags, GST_TAG_MERGE_KEEP, tag, text, NULL);
}

static void
add_date (GstTagList *tags, SyrinxSpan value)
{
  g_autofree gchar *text = get_text (value);
  g_autoptr (GstDateTime) date
      = text ? gst_date_time_new_from_iso8601_string (text) : NULL;

  if (date)
    gst_tag_list_add (tags, GST_TAG_MERGE_KEEP, GST_TAG_DATE_TIME, date, NULL);
}

static void
add_number (GstTagList *tags, const gchar *tag, SyrinxSpan value)
{
  guint number = value.n_bytes >= 4 ? GST_READ_UINT16_BE (value.data + 2) : 0;

  if (number)
    gst_tag_list_add (tags, GST_TAG_MERGE_KEEP, tag, number, NULL);
}

static void
add_genre (GstTagList *tags, SyrinxSpan value)
{
  guint number = value.n_bytes >= 2 ? GST_READ_UINT16_BE (value.data) : 0;
  const gchar *genre = number ? gst_tag_id3_genre_get (number - 1) : NULL;

  if (genre)
    gst_tag_list_add (tags, GST_TAG_MERGE_KEEP, GST_TAG_GENRE, genre, NULL);
}

static void
add_cover (GstTagList *tags, SyrinxSpan value)
{
  g_autoptr (GstSample) sample
      = value.n_bytes <= G_MAXUINT ? gst_tag_image_data_to_image_sample (
            value.data, value.n_bytes, GST_TAG_IMAGE_TYPE_FRONT_COVER)
                                   : NULL;

  if (sample)
    gst_tag_list_add (tags, GST_TAG_MERGE_APPEND, GST_TAG_IMAGE, sample, NULL);
}

/* A tag that is named in words, such as replaygain_track_gain. */
static void
add_named (GstTagList *tags, SyrinxSpan item)
{
  SyrinxSpan name, value;
  g_autofree gchar *key = NULL, *text = NULL;
  const gchar *tag;

  if (!syrinx_box_find (item, BOX ('n', 'a', 'm', 'e'), &name)
      || name.n_bytes < 4
      || !syrinx_box_find (item, BOX ('d', 'a', 't', 'a'), &value)
      || value.n_bytes < VALUE_HEAD)
    return;
  key = g_ascii_strdown ((const gchar *)name.data + 4, name.n_bytes - 4);
  if (g_str_equal (key, "replaygain_track_gain"))
    tag = GST_TAG_TRACK_GAIN;
  else if (g_str_equal (key, "replaygain_track_peak"))
    tag = GST_TAG_TRACK_PEAK;
  else
    return;
  text = g_strndup (
      (const gchar *)value.data + VALUE_HEAD, value.n_bytes - VALUE_HEAD);
  gst_tag_list_add (
      tags, GST_TAG_MERGE_KEEP, tag, g_ascii_strtod (text, NULL), NULL);
}

static void
add_item (GstTagList *tags, guint32 type, SyrinxSpan item)
{
  SyrinxSpan value;
  guint32 kind;

  if (type == BOX ('-', '-', '-', '-')) {
    add_named (tags, item);
    return;
  }
  if (!syrinx_box_find (item, BOX ('d', 'a', 't', 'a'), &value)
      || value.n_bytes < VALUE_HEAD)
    return;
  kind = GST_READ_UINT32_BE (value.data);
  value.data += VALUE_HEAD;
  value.n_bytes -= VALUE_HEAD;
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    if (type == texts[i].type && kind == TYPE_UTF8)
      add_text (tags, texts[i].tag, value);
  if (type == BOX (0xa9, 'd', 'a', 'y') && kind == TYPE_UTF8)
    add_date (tags, value);
  else if (type == BOX ('t', 'r', 'k', 'n'))
    add_number (tags, GST_TAG_TRACK_NUMBER, value);
  else if (type == BOX ('d', 'i', 's', 'k'))
    add_number (tags, GST_TAG_ALBUM_VOLUME_NUMBER, value);
  else if (type == BOX ('g', 'n', 'r', 'e'))
    add_genre (tags, value);
  else if (type == BOX ('c', 'o', 'v', 'r'))
    add_cover (tags, value);
}

void
syrinx_ilst_read (SyrinxSpan moov, GstTagList *tags)
{
  SyrinxSpan box, item;
  guint32 type;

  if (!syrinx_box_find (moov, BOX ('u', 'd', 't', 'a'), &box)
      || !syrinx_box_find (box, BOX ('m', 'e', 't', 'a'), &box)
      || box.n_bytes < 4)
    return;
  box.data += 4; /* version and flags */
  box.n_bytes -= 4;
  if (!syrinx_box_find (box, BOX ('i', 'l', 's', 't'), &box))
    return;
  while (syrinx_box_next (&box, &type, &item))
    add_item (tags, type, item);
}
