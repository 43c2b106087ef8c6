/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tags by libavformat: of containers that TagLib does not read (Matroska, CAF,
 * DSF, …), or does not read completely. */
#include "file-tags.h"

#include <string.h>

/* libavformat's generic names. */
static const struct
{
  const gchar *theirs, *ours;
} names[] = { { "album_artist", "ALBUMARTIST" }, { "album-sort", "ALBUMSORT" },
  { "artist-sort", "ARTISTSORT" }, { "sort_album", "ALBUMSORT" },
  { "sort_album_artist", "ALBUMARTISTSORT" }, { "sort_artist", "ARTISTSORT" },
  { "sort_name", "TITLESORT" }, { "title-sort", "TITLESORT" },
  { "disc", "DISCNUMBER" }, { "part_number", "TRACKNUMBER" },
  { "track", "TRACKNUMBER" }, { "date_released", "DATE" },
  { "date_recorded", "DATE" }, { "year", "DATE" }, { "TDOR", "ORIGINALDATE" },
  { "lead_performer", "ARTIST" }, { "TBPM", "BPM" }, { "tmpo", "BPM" } };

static const gchar *
get_our_name (const gchar *theirs)
{
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_ascii_strcasecmp (theirs, names[i].theirs) == 0)
      return names[i].ours;
  return theirs;
}

/* Names with @prefix, which is what Matroska's tags are about ("ALBUM/"), or
 * those without one if that is "". */
static void
read_dictionary (
    SyrinxTags *tags, const AVDictionary *dictionary, const gchar *prefix)
{
  const AVDictionaryEntry *entry = NULL;

  while ((
      entry = av_dict_get (dictionary, prefix, entry, AV_DICT_IGNORE_SUFFIX))) {
    const gchar *theirs = entry->key + strlen (prefix);
    g_autofree gchar *name = g_ascii_strup (get_our_name (theirs), -1);

    if (!strchr (theirs, '/') && !syrinx_tags_get (tags, name))
      syrinx_tags_add (tags, name, entry->value);
  }
}

/* Adds the album's tags that the track does not have. */
static void
read_album (SyrinxTags *tags, const AVDictionary *dictionary)
{
  static const gchar *const moved[][2] = { { "ALBUM/TITLE", "ALBUM" },
    { "ALBUM/ARTIST", "ALBUMARTIST" }, { "ALBUM/TOTAL_PARTS", "TRACKTOTAL" },
    { "ALBUM/SORT_WITH", "ALBUMSORT" } };

  for (guint i = 0; i < G_N_ELEMENTS (moved); i++) {
    const AVDictionaryEntry *entry
        = av_dict_get (dictionary, moved[i][0], NULL, 0);

    if (entry && !syrinx_tags_get (tags, moved[i][1]))
      syrinx_tags_add (tags, moved[i][1], entry->value);
  }
}

static gboolean
is_picture (const AVStream *stream)
{
  return (stream->disposition & AV_DISPOSITION_ATTACHED_PIC)
         && stream->attached_pic.size > 0;
}

static guint
get_picture_type (const AVStream *stream)
{
  const AVDictionaryEntry *comment
      = av_dict_get (stream->metadata, "comment", NULL, 0);
  const AVDictionaryEntry *name
      = av_dict_get (stream->metadata, "filename", NULL, 0);

  if ((comment && strcmp (comment->value, "Cover (front)") == 0)
      || (name && g_str_has_prefix (name->value, "cover.")))
    return 3;
  return comment && strstr (comment->value, "icon") ? 1 : 0;
}

static void
read_pictures (SyrinxTags *tags, const AVFormatContext *format)
{
  for (guint i = 0; i < format->nb_streams; i++) {
    const AVStream *stream = format->streams[i];

    if (is_picture (stream))
      syrinx_tags_add_picture (tags, get_picture_type (stream),
          stream->attached_pic.data, (gsize)stream->attached_pic.size);
  }
}

static guint64
get_ns (gint64 time, AVRational base)
{
  static const AVRational ns = { 1, 1000000000 };

  return time > 0 ? (guint64)av_rescale_q (time, base, ns) : 0;
}

static void
read_chapters (SyrinxTags *tags, const AVFormatContext *format)
{
  for (guint i = 0; i < format->nb_chapters; i++) {
    const AVChapter *chapter = format->chapters[i];
    const AVDictionaryEntry *title
        = av_dict_get (chapter->metadata, "title", NULL, 0);

    syrinx_tags_add_chapter (tags, get_ns (chapter->start, chapter->time_base),
        get_ns (chapter->end, chapter->time_base), title ? title->value : "");
  }
}

/* A track's own tags come before those of what it is part of: each source adds
 * only names that those before it do not have. */
void
syrinx_tags_read_input (SyrinxTags *tags, SyrinxInput *input)
{
  static const gchar *const levels[] = { "TRACK/", "SONG/", "CHAPTER/", "" };
  const AVFormatContext *format = syrinx_input_get_format (input);
  const AVDictionary *stream = syrinx_input_get_stream (input)->metadata;

  for (guint i = 0; i < G_N_ELEMENTS (levels); i++)
    read_dictionary (tags, stream, levels[i]);
  for (guint i = 0; i < G_N_ELEMENTS (levels); i++)
    read_dictionary (tags, format->metadata, levels[i]);
  read_album (tags, format->metadata);
  read_pictures (tags, format);
  if (syrinx_tags_get_chapters (tags)->len == 0)
    read_chapters (tags, format);
}
