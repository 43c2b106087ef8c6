/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Turns tags into a report. */
#include "tags-report.h"

#include "lyrics.h"

#include "daemon/worker/protocol.h"
#include "daemon/worker/report-limits.h"

#include <math.h>
#include <string.h>

#define MAX_NUMBER      9999
#define MAX_GAIN_DB     64.0
#define MAX_PEAK        100.0
#define R128_STEPS      256.0 /* RFC 7845, section 5.2.1: Q7.8 decibels */
#define R128_TO_GAIN_DB 5.0   /* from -23 LUFS to ReplayGain's -18 */
#define JOINED          ", "
#define MAX_NAMES       5

/* The first of these names that exists is used. */
typedef struct
{
  const gchar *key;
  const gchar *names[MAX_NAMES];
} Rule;

static const Rule texts[] = { { "title", { "TITLE" } },
  { "album", { "ALBUM" } }, { "title-sort", { "TITLESORT" } },
  { "album-sort", { "ALBUMSORT" } },
  { "date", { "DATE", "RELEASEDATE", "YEAR", "ORIGINALDATE" } },
  { "original-date", { "ORIGINALDATE", "ORIGINALYEAR" } },
  { "mb-recording", { "MUSICBRAINZ_TRACKID", "MUSICBRAINZ TRACK ID" } },
  { "mb-track",
      { "MUSICBRAINZ_RELEASETRACKID", "MUSICBRAINZ RELEASE TRACK ID" } },
  { "mb-release", { "MUSICBRAINZ_ALBUMID", "MUSICBRAINZ ALBUM ID" } },
  { "mb-release-group",
      { "MUSICBRAINZ_RELEASEGROUPID", "MUSICBRAINZ RELEASE GROUP ID" } } };

static const Rule lists[] = { { "artists", { "ARTISTS", "ARTIST" } },
  { "album-artists",
      { "ALBUMARTISTS", "ALBUMARTIST", "ALBUM ARTIST", "ENSEMBLE" } },
  { "artist-sorts", { "ARTISTSORT" } },
  { "album-artist-sorts", { "ALBUMARTISTSORT" } } };

/* Values joined for display. */
static const Rule joined[] = { { "artist", { "ARTIST", "ARTISTS" } },
  { "album-artist",
      { "ALBUMARTIST", "ALBUM ARTIST", "ALBUMARTISTS", "ENSEMBLE" } },
  { "genre", { "GENRE" } } };

static const Rule identifiers[]
    = { { "mb-artists", { "MUSICBRAINZ_ARTISTID", "MUSICBRAINZ ARTIST ID" } },
        { "mb-album-artists",
            { "MUSICBRAINZ_ALBUMARTISTID", "MUSICBRAINZ ALBUM ARTIST ID" } } };

static const gchar *const *
find_all (SyrinxTags *tags, const Rule *rule)
{
  const gchar *const *all = NULL;

  for (guint i = 0; !all && i < MAX_NAMES && rule->names[i]; i++)
    all = syrinx_tags_get_all (tags, rule->names[i]);
  return all;
}

static gchar *
cut (const gchar *text, gsize max_bytes)
{
  return g_utf8_make_valid (text, (gssize)strnlen (text, max_bytes));
}

static void
add_text (GVariantBuilder *builder, const gchar *key, const gchar *text,
    gsize max_bytes)
{
  g_autofree gchar *value = cut (text, max_bytes);

  g_variant_builder_add (builder, "{sv}", key, g_variant_new_string (value));
}

static void
add_list (
    GVariantBuilder *builder, const gchar *key, const gchar *const *values)
{
  GVariantBuilder list;

  g_variant_builder_init (&list, G_VARIANT_TYPE_STRING_ARRAY);
  for (guint i = 0; values[i] && i < SYRINX_MAX_REPORT_LIST; i++) {
    g_autofree gchar *value = cut (values[i], SYRINX_MAX_TAG_BYTES);
    g_variant_builder_add (&list, "s", value);
  }
  g_variant_builder_add (builder, "{sv}", key, g_variant_builder_end (&list));
}

static void
add_texts (SyrinxTags *tags, GVariantBuilder *builder)
{
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    const gchar *const *all = find_all (tags, &texts[i]);
    if (all)
      add_text (builder, texts[i].key, all[0], SYRINX_MAX_TAG_BYTES);
  }
  for (guint i = 0; i < G_N_ELEMENTS (joined); i++) {
    const gchar *const *all = find_all (tags, &joined[i]);
    g_autofree gchar *text = all ? g_strjoinv (JOINED, (gchar **)all) : NULL;
    if (text)
      add_text (builder, joined[i].key, text, SYRINX_MAX_TAG_BYTES);
  }
}

/* ID3v2.3 puts several values into one text, separated by a slash or a
 * semicolon. */
static void
add_identifiers (
    GVariantBuilder *builder, const gchar *key, const gchar *const *all)
{
  g_autofree gchar *text = g_strjoinv (";", (gchar **)all);
  g_auto (GStrv) parts = g_strsplit_set (text, ";/ ", -1);
  g_autoptr (GPtrArray) list = g_ptr_array_new ();

  for (guint i = 0; parts[i]; i++)
    if (*parts[i])
      g_ptr_array_add (list, parts[i]);
  g_ptr_array_add (list, NULL);
  add_list (builder, key, (const gchar *const *)list->pdata);
}

static void
add_lists (SyrinxTags *tags, GVariantBuilder *builder)
{
  for (guint i = 0; i < G_N_ELEMENTS (lists); i++) {
    const gchar *const *all = find_all (tags, &lists[i]);
    if (all)
      add_list (builder, lists[i].key, all);
  }
  for (guint i = 0; i < G_N_ELEMENTS (identifiers); i++) {
    const gchar *const *all = find_all (tags, &identifiers[i]);
    if (all)
      add_identifiers (builder, identifiers[i].key, all);
  }
}

/* --- Numbers --- */

static void
add_number (GVariantBuilder *builder, const gchar *key, const gchar *text)
{
  guint64 value = text ? g_ascii_strtoull (text, NULL, 10) : 0;

  if (value > 0 && value <= MAX_NUMBER)
    g_variant_builder_add (
        builder, "{sv}", key, g_variant_new_int32 ((gint)value));
}

/* "7/12": the number, and how many there are. */
static void
add_position (SyrinxTags *tags, GVariantBuilder *builder, const gchar *name,
    const Rule *totals, const gchar *key)
{
  const gchar *text = syrinx_tags_get (tags, name);
  const gchar *slash = text ? strchr (text, '/') : NULL;
  const gchar *const *all = find_all (tags, totals);

  add_number (builder, key, text);
  add_number (builder, totals->key, slash ? slash + 1 : all ? all[0] : NULL);
}

static void
add_numbers (SyrinxTags *tags, GVariantBuilder *builder)
{
  static const Rule tracks
      = { "tracks", { "TRACKTOTAL", "TOTALTRACKS", "TRACKC" } };
  static const Rule discs = { "discs", { "DISCTOTAL", "TOTALDISCS", "DISCC" } };
  const gchar *compilation = syrinx_tags_get (tags, "COMPILATION");
  const gchar *bpm = syrinx_tags_get (tags, "BPM");
  gdouble beats = bpm ? g_ascii_strtod (bpm, NULL) : 0;

  add_position (tags, builder, "TRACKNUMBER", &tracks, "track");
  add_position (tags, builder, "DISCNUMBER", &discs, "disc");
  if (isfinite (beats) && beats > 0 && beats <= MAX_NUMBER)
    g_variant_builder_add (
        builder, "{sv}", "bpm", g_variant_new_double (beats));
  if (compilation && strcmp (compilation, "0") != 0)
    g_variant_builder_add (
        builder, "{sv}", "compilation", g_variant_new_boolean (TRUE));
}

/* --- Loudness --- */

/* "-7.5 dB" */
static gboolean
parse_gain (const gchar *text, gdouble *gain_db)
{
  gchar *end;

  *gain_db = text ? g_ascii_strtod (text, &end) : 0;
  return text && end != text && isfinite (*gain_db)
         && fabs (*gain_db) <= MAX_GAIN_DB;
}

static gboolean
parse_r128 (const gchar *text, gdouble *gain_db)
{
  gchar *end = NULL;
  gint64 steps = text ? g_ascii_strtoll (text, &end, 10) : 0;

  *gain_db = (gdouble)steps / R128_STEPS + R128_TO_GAIN_DB;
  return text && end != text && fabs (*gain_db) <= MAX_GAIN_DB;
}

static gdouble
parse_peak (const gchar *text)
{
  gdouble peak = text ? g_ascii_strtod (text, NULL) : 1;

  return isfinite (peak) && peak > 0 && peak <= MAX_PEAK ? peak : 1;
}

static void
add_gain (SyrinxTags *tags, GVariantBuilder *builder, const gchar *scope,
    const gchar *gain_key, const gchar *peak_key)
{
  g_autofree gchar *name = g_strdup_printf ("REPLAYGAIN_%s_GAIN", scope);
  g_autofree gchar *peak = g_strdup_printf ("REPLAYGAIN_%s_PEAK", scope);
  g_autofree gchar *r128 = g_strdup_printf ("R128_%s_GAIN", scope);
  gdouble gain_db;

  if (!parse_gain (syrinx_tags_get (tags, name), &gain_db)
      && !parse_r128 (syrinx_tags_get (tags, r128), &gain_db))
    return;
  g_variant_builder_add (
      builder, "{sv}", gain_key, g_variant_new_double (gain_db));
  g_variant_builder_add (builder, "{sv}", peak_key,
      g_variant_new_double (parse_peak (syrinx_tags_get (tags, peak))));
}

/* --- Long ones --- */

static void
add_lyrics (SyrinxTags *tags, GVariantBuilder *builder)
{
  static const Rule plain
      = { "lyrics", { "LYRICS", "UNSYNCEDLYRICS", "UNSYNCED LYRICS" } };
  static const Rule synced = { "synced-lyrics", { "SYNCEDLYRICS" } };
  const gchar *const *all = find_all (tags, &plain);
  const gchar *const *timed = find_all (tags, &synced);
  const gchar *lrc = timed ? timed[0] : NULL;
  g_autofree gchar *stripped = NULL;

  if (!lrc && all && syrinx_lyrics_are_synced (all[0]))
    lrc = all[0];
  if (lrc)
    add_text (builder, "synced-lyrics", lrc, SYRINX_MAX_REPORT_LYRICS_BYTES);
  if (lrc && (!all || lrc == all[0]))
    stripped = syrinx_lyrics_strip (lrc);
  if (stripped || all)
    add_text (builder, "lyrics", stripped ? stripped : all[0],
        SYRINX_MAX_REPORT_LYRICS_BYTES);
}

static void
add_chapters (SyrinxTags *tags, GVariantBuilder *builder)
{
  GArray *chapters = syrinx_tags_get_chapters (tags);
  GVariantBuilder list;

  if (chapters->len == 0)
    return;
  g_variant_builder_init (&list, G_VARIANT_TYPE ("a(tts)"));
  for (guint i = 0; i < MIN (chapters->len, SYRINX_MAX_REPORT_CHAPTERS); i++) {
    const SyrinxTagsChapter *chapter
        = &g_array_index (chapters, SyrinxTagsChapter, i);
    g_autofree gchar *title = cut (chapter->title, SYRINX_MAX_TAG_BYTES);

    g_variant_builder_add (
        &list, "(tts)", chapter->start_ns, chapter->end_ns, title);
  }
  g_variant_builder_add (
      builder, "{sv}", "chapters", g_variant_builder_end (&list));
}

void
syrinx_tags_report (SyrinxTags *tags, GVariantBuilder *builder)
{
  GBytes *picture = syrinx_tags_get_picture (tags);

  add_texts (tags, builder);
  add_lists (tags, builder);
  add_numbers (tags, builder);
  add_gain (tags, builder, "TRACK", "gain", "peak");
  add_gain (tags, builder, "ALBUM", "album-gain", "album-peak");
  add_lyrics (tags, builder);
  add_chapters (tags, builder);
  if (picture)
    g_variant_builder_add (builder, "{sv}", "artwork",
        g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE,
            g_bytes_get_data (picture, NULL), g_bytes_get_size (picture), 1));
}
