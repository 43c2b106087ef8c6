/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index: the checks that a track must pass, and the cleaning of its
 * texts. */
#include "store-private.h"

#include "core/base/error.h"
#include "core/base/identifier.h"

#include <string.h>

#define MAX_TEXT_CHARS 500
#define MAX_PATH_BYTES 4096
#define MAX_LIST       64
#define LIST_SEPARATOR "\x1f"

/* Cleans text from tags: makes it valid UTF-8, bounds its length, and removes
 * the characters that marks use. (transfer full) (nullable) */
static gchar *
clean_text (const gchar *text)
{
  g_autofree gchar *valid = NULL;

  if (!text)
    return NULL;
  valid = g_utf8_make_valid (text, -1);
  syrinx_text_remove_marks (valid);
  if (strlen (valid) <= MAX_TEXT_CHARS
      || g_utf8_strlen (valid, -1) <= MAX_TEXT_CHARS)
    return g_steal_pointer (&valid);
  return g_utf8_substring (valid, 0, MAX_TEXT_CHARS);
}

gboolean
syrinx_track_check (const SyrinxTrack *track, GError **error)
{
  const gchar *wrong
      = !track->root || *track->root != '/' ? "root"
        : !track->path || !*track->path || strlen (track->path) > MAX_PATH_BYTES
            ? "path"
        : !track->title                                ? "title"
        : track->size_bytes < 0                        ? "size"
        : track->n_samples > G_MAXINT64                ? "length"
        : track->id && !syrinx_id_is_valid (track->id) ? "id"
                                                       : NULL;

  if (!wrong)
    return TRUE;
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
      "track %s: its %s is missing or out of range",
      track->path ? track->path : "(no path)", wrong);
  return FALSE;
}

/* Removes empty and repeated parts. (transfer full) (nullable) */
static gchar **
clean_list (gchar **list)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autoptr (GHashTable) seen
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; list && list[i] && i < MAX_LIST; i++) {
    g_autofree gchar *text = clean_text (list[i]);

    g_strdelimit (text, LIST_SEPARATOR, ' ');
    g_strstrip (text);
    if (*text && g_hash_table_add (seen, g_strdup (text)))
      g_strv_builder_add (builder, text);
  }
  return g_strv_builder_end (builder);
}

/* If the tags do not say how several names are shown, joins them. A list with a
 * single name that equals *@shown is freed. */
static void
settle_names (gchar **shown, gchar ***list)
{
  guint n = g_strv_length (*list);

  if (n > 0 && (!*shown || !**shown)) {
    g_free (*shown);
    *shown = g_strjoinv (", ", *list);
  }
  if (n == 0 || (n == 1 && g_str_equal ((*list)[0], *shown)))
    g_clear_pointer (list, g_strfreev);
}

void
syrinx_track_clean (SyrinxTrack *clean, const SyrinxTrack *track)
{
  *clean = *track;
  clean->title = clean_text (track->title);
  clean->artist = clean_text (track->artist);
  clean->album = clean_text (track->album);
  clean->album_artist = clean_text (track->album_artist);
  clean->genre = clean_text (track->genre);
  clean->artists = clean_list (track->artists);
  clean->album_artists = clean_list (track->album_artists);
  settle_names (&clean->artist, &clean->artists);
  settle_names (&clean->album_artist, &clean->album_artists);
}

void
syrinx_track_clean_clear (SyrinxTrack *clean)
{
  g_free (clean->title);
  g_free (clean->artist);
  g_free (clean->album);
  g_free (clean->album_artist);
  g_free (clean->genre);
  g_strfreev (clean->artists);
  g_strfreev (clean->album_artists);
}

gchar **
syrinx_list_split (const gchar *text)
{
  return text ? g_strsplit (text, LIST_SEPARATOR, -1) : NULL;
}

gchar *
syrinx_list_join (gchar **list)
{
  return list && list[0] ? g_strjoinv (LIST_SEPARATOR, list) : NULL;
}
