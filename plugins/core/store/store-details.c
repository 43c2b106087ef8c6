/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index: details of a track, which are shown for single tracks only. */
#include "store-private.h"

#include <string.h>

static void
clear_chapter (gpointer data)
{
  g_free (((SyrinxChapter *)data)->title);
}

SyrinxTrackDetails *
syrinx_track_details_new (void)
{
  return g_new0 (SyrinxTrackDetails, 1);
}

void
syrinx_track_details_free (SyrinxTrackDetails *details)
{
  if (!details)
    return;
  g_free (details->date);
  g_free (details->original_date);
  g_free (details->title_sort);
  g_free (details->album_sort);
  g_strfreev (details->artist_sorts);
  g_strfreev (details->album_artist_sorts);
  g_free (details->mb_recording_id);
  g_free (details->mb_track_id);
  g_free (details->mb_release_group_id);
  g_strfreev (details->mb_artist_ids);
  g_strfreev (details->mb_album_artist_ids);
  g_free (details->lyrics);
  g_free (details->synced_lyrics);
  g_clear_pointer (&details->chapters, g_array_unref);
  g_free (details);
}

void
syrinx_track_details_add_chapter (
    SyrinxTrackDetails *details, guint64 start_ns, guint64 end_ns, gchar *title)
{
  SyrinxChapter chapter = { start_ns, end_ns, title };

  if (!details->chapters) {
    details->chapters = g_array_new (FALSE, FALSE, sizeof (SyrinxChapter));
    g_array_set_clear_func (details->chapters, clear_chapter);
  }
  g_array_append_val (details->chapters, chapter);
}

/* --- Writing --- */

/* One line per chapter: "START END TITLE". (transfer full) (nullable) */
static gchar *
join_chapters (const GArray *chapters)
{
  GString *text;

  if (!chapters || chapters->len == 0)
    return NULL;
  text = g_string_new (NULL);
  for (guint i = 0; i < chapters->len; i++) {
    const SyrinxChapter *chapter = &g_array_index (chapters, SyrinxChapter, i);
    g_autofree gchar *title
        = g_strdelimit (g_strdup (chapter->title), "\n", ' ');

    g_string_append_printf (text,
        "%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %s\n", chapter->start_ns,
        chapter->end_ns, title ? title : "");
  }
  return g_string_free (text, FALSE);
}

static void
bind_list (SyrinxStatement *st, gint n, gchar **list)
{
  g_autofree gchar *text = syrinx_list_join (list);

  syrinx_bind_copy (st, n, text);
}

static gboolean
write_details (SyrinxConnection *writer, gint64 number,
    const SyrinxTrackDetails *details, GError **error)
{
  SyrinxStatement *st = syrinx_connection_get (writer, "put-details");
  g_autofree gchar *chapters = join_chapters (details->chapters);
  gint n = 1;

  syrinx_bind_int (st, n++, number);
  syrinx_bind_text (st, n++, details->date);
  syrinx_bind_text (st, n++, details->original_date);
  syrinx_bind_text (st, n++, details->title_sort);
  syrinx_bind_text (st, n++, details->album_sort);
  bind_list (st, n++, details->artist_sorts);
  bind_list (st, n++, details->album_artist_sorts);
  sqlite3_bind_double (st->stmt, n++, details->bpm);
  syrinx_bind_text (st, n++, details->mb_recording_id);
  syrinx_bind_text (st, n++, details->mb_track_id);
  syrinx_bind_text (st, n++, details->mb_release_group_id);
  bind_list (st, n++, details->mb_artist_ids);
  bind_list (st, n++, details->mb_album_artist_ids);
  syrinx_bind_text (st, n++, details->lyrics);
  syrinx_bind_text (st, n++, details->synced_lyrics);
  syrinx_bind_copy (st, n++, chapters);
  return syrinx_statement_run (writer, st, error);
}

gboolean
syrinx_track_write_details (SyrinxConnection *writer, gint64 number,
    const SyrinxTrackDetails *details, gboolean is_new, GError **error)
{
  SyrinxStatement *st;

  if (details)
    return write_details (writer, number, details, error);
  if (is_new)
    return TRUE;
  st = syrinx_connection_get (writer, "drop-details");
  syrinx_bind_int (st, 1, number);
  return syrinx_statement_run (writer, st, error);
}

/* --- Reading --- */

static gchar **
read_list (SyrinxStatement *st, const gchar *column)
{
  return syrinx_list_split (syrinx_column_peek (st, column));
}

static void
split_chapters (SyrinxTrackDetails *details, const gchar *text)
{
  g_auto (GStrv) lines = g_strsplit (text ? text : "", "\n", -1);

  for (guint i = 0; lines[i] && *lines[i]; i++) {
    gchar *end;
    guint64 start_ns = g_ascii_strtoull (lines[i], &end, 10);
    guint64 end_ns = g_ascii_strtoull (end, &end, 10);

    syrinx_track_details_add_chapter (
        details, start_ns, end_ns, g_strdup (*end == ' ' ? end + 1 : end));
  }
}

static SyrinxTrackDetails *
details_from_row (SyrinxStatement *st)
{
  SyrinxTrackDetails *details = syrinx_track_details_new ();

  details->date = syrinx_column_text (st, "date");
  details->original_date = syrinx_column_text (st, "original_date");
  details->title_sort = syrinx_column_text (st, "title_sort");
  details->album_sort = syrinx_column_text (st, "album_sort");
  details->artist_sorts = read_list (st, "artist_sorts");
  details->album_artist_sorts = read_list (st, "album_artist_sorts");
  details->bpm = syrinx_column_double (st, "bpm");
  details->mb_recording_id = syrinx_column_text (st, "mb_recording_id");
  details->mb_track_id = syrinx_column_text (st, "mb_track_id");
  details->mb_release_group_id = syrinx_column_text (st, "mb_release_group_id");
  details->mb_artist_ids = read_list (st, "mb_artist_ids");
  details->mb_album_artist_ids = read_list (st, "mb_album_artist_ids");
  details->lyrics = syrinx_column_text (st, "lyrics");
  details->synced_lyrics = syrinx_column_text (st, "synced_lyrics");
  split_chapters (details, syrinx_column_peek (st, "chapters"));
  return details;
}

gboolean
syrinx_track_read_details (SyrinxConnection *reader, gint64 number,
    SyrinxTrackDetails **details, GError **error)
{
  SyrinxStatement *st = syrinx_connection_get (reader, "details");
  GError *local = NULL;

  syrinx_bind_int (st, 1, number);
  if (syrinx_statement_next (reader, st, &local))
    *details = details_from_row (st);
  sqlite3_reset (st->stmt);
  if (!local)
    return TRUE;
  g_propagate_error (error, local);
  return FALSE;
}
