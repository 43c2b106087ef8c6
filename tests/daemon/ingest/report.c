/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A worker's report is checked and becomes a track. */
#include "daemon/ingest/report-tags.h"
#include "daemon/ingest/worker-report.h"

#include "core/base/error.h"

#include <string.h>

/* A report of one second of FLAC plus @more, an a{sv} as text. */
static SyrinxTrack *
read_report (const gchar *more, const gchar *name)
{
  GVariantDict dict;
  g_autoptr (GVariant) tags
      = g_variant_parse (G_VARIANT_TYPE_VARDICT, more, NULL, NULL, NULL);
  g_autoptr (GVariant) report = NULL;
  g_autoptr (GError) error = NULL;
  SyrinxTrack *track;

  g_assert_nonnull (tags);
  g_variant_dict_init (&dict, tags);
  g_variant_dict_insert (&dict, "codec", "s", "flac");
  g_variant_dict_insert (&dict, "rate", "u", 8000);
  g_variant_dict_insert (&dict, "channels", "u", 1);
  g_variant_dict_insert (&dict, "samples", "t", G_GUINT64_CONSTANT (8000));
  report = g_variant_ref_sink (g_variant_dict_end (&dict));
  track = syrinx_report_read (report, name, g_get_tmp_dir (), &error);
  g_assert_no_error (error);
  return track;
}

static void
a_year_is_the_four_digits_that_stand_alone (void)
{
  static const struct
  {
    const gchar *text;
    gint year;
  } cases[] = { { "2004", 2004 }, { "2004-05-06", 2004 },
    { "06.05.2004", 2004 }, { "May 2004", 2004 }, { "2004-2006", 2004 },
    { "2004-13-45", 2004 }, { " 2004", 2004 }, { "20040506", 2004 },
    { "0000", 0 }, { "123456", 0 }, { "04", 0 }, { "", 0 }, { NULL, 0 },
    { "Oct 3, 1995", 1995 }, { "0000-00-00 1995", 1995 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpint (
        syrinx_report_find_year (cases[i].text), ==, cases[i].year);
}

static void
a_title_from_a_name_has_no_track_number (void)
{
  static const struct
  {
    const gchar *name, *title;
    gint number;
  } cases[] = { { "01 - Ode to Joy.opus", "Ode to Joy", 1 },
    { "A/B/12. Song.flac", "Song", 12 }, { "01 Song.mp3", "Song", 1 },
    { "07_Song.mp3", "Song", 7 }, { "1-03 Song.m4a", "Song", 3 },
    { "2-11 - Song.m4a", "Song", 11 }, { "3) Song.m4a", "Song", 3 },
    { "99 Luftballons.mp3", "99 Luftballons", 0 }, { "7-11.mp3", "7-11", 0 },
    { "50-Cent.mp3", "50-Cent", 0 }, { "1999.flac", "1999", 0 },
    { "1979 - Song.flac", "1979 - Song", 0 }, { "01.flac", "01", 0 },
    { "01 - .flac", "01 -", 0 }, { ".flac", ".flac", 0 },
    { "new\nline.flac", "new line", 0 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    gint number = -1;
    g_autofree gchar *title
        = syrinx_report_title_from_name (cases[i].name, &number);

    g_assert_cmpstr (title, ==, cases[i].title);
    g_assert_cmpint (number, ==, cases[i].number);
  }
}

static void
every_tag_of_a_report_is_taken (void)
{
  g_autoptr (SyrinxTrack) track = read_report (
      "{'title': <'T'>, 'artists': <['A', 'B']>, 'album-artist': <'AA'>,"
      "'album-artists': <['C', 'D']>, 'artist-sorts': <['a', 'b']>,"
      "'title-sort': <'t'>, 'compilation': <true>, 'tracks': <12>,"
      "'track': <3>, 'disc': <1>, 'discs': <2>, 'date': <'May 2004'>,"
      "'original-date': <'1971-02-03'>, 'bpm': <120.5>,"
      "'mb-release': <'F5093C06-23E3-404F-AEAA-40F72885EE3A'>,"
      "'mb-recording': <'f5093c06-23e3-404f-aeaa-40f72885ee3b'>,"
      "'mb-artists': <['f5093c06-23e3-404f-aeaa-40f72885ee3c', 'no']>,"
      "'lyrics': <'La\\nla\\n\\n'>, 'synced-lyrics': <'[00:01.00]La'>,"
      "'gain': <-6.5>, 'peak': <0.5>, 'album-gain': <-7.5>,"
      "'chapters': <[(uint64 0, uint64 0, 'One'),"
      "(uint64 500000000, uint64 2000000000, 'Two')]>}",
      "x.flac");
  const SyrinxTrackDetails *details = track->details;
  const SyrinxChapter *chapters;

  g_assert_null (track->artist);
  g_assert_cmpuint (g_strv_length (track->artists), ==, 2);
  g_assert_cmpstr (track->album_artist, ==, "AA");
  g_assert_cmpstr (track->album_artists[1], ==, "D");
  g_assert_true (track->is_compilation);
  g_assert_cmpint (track->year, ==, 2004);
  g_assert_cmpint (track->original_year, ==, 1971);
  g_assert_cmpint (track->track_number, ==, 3);
  g_assert_cmpint (track->n_tracks, ==, 12);
  g_assert_cmpint (track->disc_number, ==, 1);
  g_assert_cmpint (track->n_discs, ==, 2);
  g_assert_cmpstr (
      track->mb_release_id, ==, "f5093c06-23e3-404f-aeaa-40f72885ee3a");
  g_assert_true (track->has_gain && track->has_album_gain);
  g_assert_cmpfloat (track->gain_db, ==, -6.5);
  g_assert_cmpfloat (track->peak, ==, 0.5);
  g_assert_cmpfloat (track->album_gain_db, ==, -7.5);
  g_assert_cmpfloat (track->album_peak, ==, 1);
  g_assert_cmpstr (details->date, ==, "May 2004");
  g_assert_cmpstr (details->title_sort, ==, "t");
  g_assert_cmpstr (details->artist_sorts[1], ==, "b");
  g_assert_cmpfloat (details->bpm, ==, 120.5);
  g_assert_nonnull (details->mb_recording_id);
  g_assert_cmpuint (g_strv_length (details->mb_artist_ids), ==, 1);
  g_assert_cmpstr (details->lyrics, ==, "La\nla");
  g_assert_cmpstr (details->synced_lyrics, ==, "[00:01.00]La");
  g_assert_cmpuint (details->chapters->len, ==, 2);
  chapters = (const SyrinxChapter *)(gpointer)details->chapters->data;
  g_assert_cmpuint (chapters[1].start_ns, ==, 500000000);
  g_assert_cmpuint (chapters[1].end_ns, ==, 1000000000);
}

static void
what_makes_no_sense_is_left_out (void)
{
  g_autoptr (SyrinxTrack) track = read_report (
      "{'title': <'  '>, 'year': <-5>, 'track': <100000>, 'bpm': <-1.0>,"
      "'mb-release': <'f5093c06'>, 'mb-track': <'zzz'>, 'gain': <1e9>,"
      "'lyrics': <'\\n\\n'>, 'artists': <'no list'>, 'date': <''>,"
      "'chapters': <[(uint64 99000000000, uint64 0, 'beyond the end')]>}",
      "01 - From the name.flac");

  g_assert_cmpstr (track->title, ==, "From the name");
  g_assert_cmpint (track->track_number, ==, 1);
  g_assert_cmpint (track->year, ==, 0);
  g_assert_null (track->mb_release_id);
  g_assert_false (track->has_gain);
  g_assert_null (track->artists);
  g_assert_null (track->details);
}

static void
a_report_without_facts_is_refused (void)
{
  g_autoptr (GVariant) report = g_variant_ref_sink (
      g_variant_new_parsed ("{'title': <'T'>, 'codec': <'flac'>}"));
  g_autoptr (GError) error = NULL;

  g_assert_null (
      syrinx_report_read (report, "a.flac", g_get_tmp_dir (), &error));
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID);
}

#define ADD(test) g_test_add_func ("/report/" #test, test)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (a_year_is_the_four_digits_that_stand_alone);
  ADD (a_title_from_a_name_has_no_track_number);
  ADD (every_tag_of_a_report_is_taken);
  ADD (what_makes_no_sense_is_left_out);
  ADD (a_report_without_facts_is_refused);
  return g_test_run ();
}
