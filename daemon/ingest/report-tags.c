/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks and reads the tags of a worker's report. */
#include "report-tags.h"

#include "report-text.h"
#include "worker-report.h"

#include "daemon/worker/protocol.h"
#include "daemon/worker/report-limits.h"

#include <math.h>
#include <string.h>

#define MAX_NUMBER 9999
#define UUID_CHARS 36

static gchar *
read_text (GVariant *report, const gchar *key)
{
  const gchar *value;
  g_autofree gchar *clean = NULL;

  if (!g_variant_lookup (report, key, "&s", &value))
    return NULL;
  clean
      = syrinx_report_clean_text (value, strlen (value), SYRINX_MAX_TAG_BYTES);
  return *clean ? g_steal_pointer (&clean) : NULL;
}

static gchar **
read_list (GVariant *report, const gchar *key)
{
  g_autofree const gchar **values = NULL;
  g_autoptr (GStrvBuilder) list = NULL;

  if (!g_variant_lookup (report, key, "^a&s", &values))
    return NULL;
  list = g_strv_builder_new ();
  for (guint i = 0; values[i] && i < SYRINX_MAX_REPORT_LIST; i++) {
    g_autofree gchar *clean = syrinx_report_clean_text (
        values[i], strlen (values[i]), SYRINX_MAX_TAG_BYTES);

    g_strv_builder_add (list, clean);
  }
  return g_strv_builder_end (list);
}

static gint
read_number (GVariant *report, const gchar *key)
{
  gint value = 0;

  g_variant_lookup (report, key, "i", &value);
  return value > 0 && value <= MAX_NUMBER ? value : 0;
}

/* --- MusicBrainz --- */

static gboolean
is_uuid (const gchar *text)
{
  for (guint i = 0; i < UUID_CHARS; i++) {
    gboolean is_dash = i == 8 || i == 13 || i == 18 || i == 23;

    if (is_dash ? text[i] != '-' : !g_ascii_isxdigit (text[i]))
      return FALSE;
  }
  return text[UUID_CHARS] == '\0';
}

/* Lower case, so that equal ids compare equal. (transfer full) (nullable) */
static gchar *
read_uuid (GVariant *report, const gchar *key)
{
  const gchar *value;

  if (!g_variant_lookup (report, key, "&s", &value) || !is_uuid (value))
    return NULL;
  return g_ascii_strdown (value, -1);
}

static gchar **
read_uuids (GVariant *report, const gchar *key)
{
  g_auto (GStrv) values = read_list (report, key);
  g_autoptr (GStrvBuilder) list = NULL;

  if (!values)
    return NULL;
  list = g_strv_builder_new ();
  for (guint i = 0; values[i]; i++) {
    g_autofree gchar *lower = g_ascii_strdown (values[i], -1);

    if (is_uuid (lower))
      g_strv_builder_add (list, lower);
  }
  return g_strv_builder_end (list);
}

/* --- Numbers and dates --- */

gint
syrinx_report_find_year (const gchar *text)
{
  for (const gchar *p = text ? text : ""; *p;) {
    gsize n_digits = strspn (p, "0123456789");
    gint year = n_digits == 4 || n_digits == 8
                    ? (p[0] - '0') * 1000 + (p[1] - '0') * 100
                          + (p[2] - '0') * 10 + p[3] - '0'
                    : 0;

    if (year >= 1000)
      return year;
    p += MAX (n_digits, 1);
  }
  return 0;
}

static gboolean
read_gain (GVariant *report, const gchar *gain_key, const gchar *peak_key,
    gdouble *gain_db, gdouble *peak)
{
  gdouble gain, top = 1;

  if (!g_variant_lookup (report, gain_key, "d", &gain) || !isfinite (gain)
      || fabs (gain) > 64)
    return FALSE;
  g_variant_lookup (report, peak_key, "d", &top);
  *gain_db = gain;
  *peak = isfinite (top) && top >= 0 && top <= 100 ? top : 1;
  return TRUE;
}

/* --- Long texts --- */

/* Keeps line breaks. */
static gchar *
read_lyrics (GVariant *report, const gchar *key)
{
  const gchar *value;
  g_autoptr (GString) text = NULL;
  g_auto (GStrv) lines = NULL;
  g_autofree gchar *valid = NULL;

  if (!g_variant_lookup (report, key, "&s", &value))
    return NULL;
  valid = g_utf8_make_valid (
      value, MIN (strlen (value), SYRINX_MAX_REPORT_LYRICS_BYTES));
  text = g_string_new (NULL);
  lines = g_strsplit (valid, "\n", -1);
  for (guint i = 0; lines[i]; i++) {
    g_autofree gchar *line
        = syrinx_report_clean_text (lines[i], strlen (lines[i]), G_MAXINT);

    g_string_append_printf (text, "%s\n", line);
  }
  while (text->len > 0 && text->str[text->len - 1] == '\n')
    g_string_truncate (text, text->len - 1);
  return text->len > 0 ? g_strdup (text->str) : NULL;
}

/* Skips chapters that are out of order or outside the file. */
static void
read_chapters (
    SyrinxTrack *track, SyrinxTrackDetails *details, GVariant *report)
{
  g_autoptr (GVariant) chapters
      = g_variant_lookup_value (report, "chapters", G_VARIANT_TYPE ("a(tts)"));
  gsize n = chapters ? g_variant_n_children (chapters) : 0;
  guint64 length_ns = syrinx_track_get_duration_ns (track), last_ns = 0;

  for (gsize i = 0; i < MIN (n, SYRINX_MAX_REPORT_CHAPTERS); i++) {
    guint64 start_ns, end_ns;
    const gchar *title;

    g_variant_get_child (chapters, i, "(tt&s)", &start_ns, &end_ns, &title);
    if (start_ns < last_ns || start_ns >= length_ns)
      continue;
    last_ns = start_ns;
    if (end_ns <= start_ns)
      end_ns = 0;
    syrinx_track_details_add_chapter (details, start_ns,
        MIN (end_ns, length_ns),
        syrinx_report_clean_text (title, strlen (title), SYRINX_MAX_TAG_BYTES));
  }
}

/* --- All tags --- */

static gboolean
is_empty (const SyrinxTrackDetails *details)
{
  static const SyrinxTrackDetails nothing;

  return memcmp (details, &nothing, sizeof nothing) == 0;
}

static SyrinxTrackDetails *
read_details (SyrinxTrack *track, GVariant *report)
{
  g_autoptr (SyrinxTrackDetails) details = syrinx_track_details_new ();

  details->date = read_text (report, "date");
  details->original_date = read_text (report, "original-date");
  details->title_sort = read_text (report, "title-sort");
  details->album_sort = read_text (report, "album-sort");
  details->artist_sorts = read_list (report, "artist-sorts");
  details->album_artist_sorts = read_list (report, "album-artist-sorts");
  g_variant_lookup (report, "bpm", "d", &details->bpm);
  if (!isfinite (details->bpm) || details->bpm <= 0
      || details->bpm > MAX_NUMBER)
    details->bpm = 0;
  details->mb_recording_id = read_uuid (report, "mb-recording");
  details->mb_track_id = read_uuid (report, "mb-track");
  details->mb_release_group_id = read_uuid (report, "mb-release-group");
  details->mb_artist_ids = read_uuids (report, "mb-artists");
  details->mb_album_artist_ids = read_uuids (report, "mb-album-artists");
  details->lyrics = read_lyrics (report, "lyrics");
  details->synced_lyrics = read_lyrics (report, "synced-lyrics");
  read_chapters (track, details, report);
  return is_empty (details) ? NULL : g_steal_pointer (&details);
}

static void
read_numbers (SyrinxTrack *track, GVariant *report)
{
  track->year = read_number (report, "year");
  track->track_number = read_number (report, "track");
  track->n_tracks = read_number (report, "tracks");
  track->disc_number = read_number (report, "disc");
  track->n_discs = read_number (report, "discs");
  g_variant_lookup (report, "compilation", "b", &track->is_compilation);
}

void
syrinx_report_read_tags (
    SyrinxTrack *track, GVariant *report, const gchar *name)
{
  gint number = 0;

  read_numbers (track, report);
  track->title = read_text (report, "title");
  if (!track->title) {
    track->title = syrinx_report_title_from_name (name, &number);
    if (track->track_number == 0)
      track->track_number = number;
  }
  track->artist = read_text (report, "artist");
  track->artists = read_list (report, "artists");
  track->album = read_text (report, "album");
  track->album_artist = read_text (report, "album-artist");
  track->album_artists = read_list (report, "album-artists");
  track->genre = read_text (report, "genre");
  track->mb_release_id = read_uuid (report, "mb-release");
  track->has_gain
      = read_gain (report, "gain", "peak", &track->gain_db, &track->peak);
  track->has_album_gain = read_gain (report, "album-gain", "album-peak",
      &track->album_gain_db, &track->album_peak);
  track->details = read_details (track, report);
  if (!track->details)
    return;
  if (track->year == 0)
    track->year = syrinx_report_find_year (track->details->date);
  track->original_year
      = syrinx_report_find_year (track->details->original_date);
}
