/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index: what distinguishes albums and artists, and the ids that are
 * derived from it. The ids depend only on the tags and the folder, so that they
 * are the same after a complete new scan. */
#include "store-private.h"

#include "core/base/identifier.h"

#include <string.h>

#define VARIOUS_ARTISTS "Various Artists"

/* (transfer full) 22 characters */
static gchar *
hash_id (const gchar *kind, const gchar *text)
{
  g_autofree gchar *all = g_strconcat (kind, "\n", text, NULL);
  guint8 digest[SYRINX_SHA256_BYTES];

  syrinx_sha256 (all, strlen (all), digest);
  return syrinx_base64url_encode (digest, SYRINX_ID_BYTES);
}

/* --- Folders of discs --- */

/* Whether @name is a folder of one disc: "CD1", "Disc 2", "disk_03 - Live". */
static gboolean
is_disc_name (const gchar *name)
{
  static const gchar *const kinds[]
      = { "cd", "disc", "disk", "dvd", "lp", "vinyl", "side" };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    gsize n_bytes = strlen (kinds[i]);
    const gchar *rest = name + n_bytes;

    if (g_ascii_strncasecmp (name, kinds[i], n_bytes) != 0)
      continue;
    rest += strspn (rest, " ._-#");
    rest += strspn (rest, "0123456789");
    if (g_ascii_isdigit (rest[-1])
        && (*rest == '\0' || strchr (" ._-:()[]", *rest)))
      return TRUE;
  }
  return FALSE;
}

/* The length of @name ("Album (Disc 2)" or "Album CD2") without the disc. */
static gsize
cut_disc (const gchar *name, gsize n_bytes)
{
  for (gsize i = n_bytes; i > 1; i--) {
    g_autofree gchar *end = NULL;

    if (!strchr (" ([-_", name[i - 1]))
      continue;
    end = g_strndup (name + i, n_bytes - i);
    if (!is_disc_name (end))
      continue;
    while (i > 0 && strchr (" ([-_", name[i - 1]))
      i--;
    return i > 0 ? i : n_bytes;
  }
  return n_bytes;
}

gchar *
syrinx_album_folder (const gchar *path)
{
  g_autofree gchar *folder = g_path_get_dirname (path);
  g_autofree gchar *name = g_path_get_basename (folder);
  gsize n_bytes = strlen (folder), n_kept;

  if (g_str_equal (folder, "."))
    return g_strdup ("");
  if (is_disc_name (name)) {
    g_autofree gchar *parent = g_path_get_dirname (folder);

    return g_str_equal (parent, ".") ? g_strdup ("")
                                     : g_steal_pointer (&parent);
  }
  n_kept = cut_disc (name, strlen (name));
  return g_strndup (folder, n_bytes - (strlen (name) - n_kept));
}

/* --- Albums and artists --- */

const gchar *
syrinx_track_get_album_artist (const SyrinxTrack *track)
{
  if (track->album_artists && track->album_artists[0])
    return track->album_artists[0];
  if (track->album_artist && *track->album_artist)
    return track->album_artist;
  if (track->is_compilation)
    return VARIOUS_ARTISTS;
  if (track->artists && track->artists[0])
    return track->artists[0];
  return track->artist ? track->artist : "";
}

gchar *
syrinx_album_id (
    const SyrinxTrack *track, const gchar *artist_key, const gchar *album_key)
{
  g_autofree gchar *folder = NULL, *text = NULL;

  if (*album_key && track->mb_release_id)
    return hash_id ("release", track->mb_release_id);
  if (!*album_key)
    return hash_id ("no album", artist_key);
  folder = syrinx_album_folder (track->path);
  text = g_strjoin ("\n", artist_key, album_key, folder, NULL);
  return hash_id ("album", text);
}

gchar *
syrinx_artist_id (const gchar *artist_key)
{
  return hash_id ("artist", artist_key);
}

gchar *
syrinx_track_get_album_id (const SyrinxTrack *track)
{
  g_autofree gchar *artist_key = NULL, *album_key = NULL;

  if (!track->album || !*track->album)
    return NULL;
  artist_key = syrinx_text_key (syrinx_track_get_album_artist (track));
  album_key = syrinx_text_key (track->album);
  return syrinx_album_id (track, artist_key, album_key);
}

gchar *
syrinx_get_artist_id (const gchar *name)
{
  g_autofree gchar *key = syrinx_text_key (name);

  return *key ? syrinx_artist_id (key) : NULL;
}
