/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Common players on encrypted sessions of a real syrinxd: they play the file's
 * audio. ffmpeg and GStreamer are in listening.c, browsers in tests/clients. */
#include "harness.h"

#include <glib/gstdio.h>

#define N_SAMPLES     12
#define FRAME_SAMPLES 960 /* of Opus, 20 ms */
#define VLC_ATTEMPTS  3
#define OPUS_PRE_SKIP 312
#define AAC_PRIMING   1024 /* which is silent */
#define FRAGMENT_S    4

typedef struct
{
  Daemon *daemon;
  JsonObject *session;
  gchar *folder, *wav; /* folder: writable for everybody */
  Sound *original;
} Fixture;

static void
set_up (Fixture *self, gconstpointer words)
{
  g_autofree gchar *token = NULL, *id = NULL, *file = NULL;

  self->daemon = daemon_new (NULL, NULL);
  daemon_wait_for_tracks (self->daemon, N_SAMPLES);
  token = daemon_token (self->daemon, "ann", "listen");
  id = daemon_find (self->daemon, token, words);
  self->session = daemon_session (self->daemon, token, id, NULL);
  file = sample_file ("Pipes at Dawn", "06 Lullaby for a Queue.flac");
  self->original = decode (file);
  self->folder = g_dir_make_tmp ("syrinx-players-XXXXXX", NULL);
  g_assert_nonnull (self->folder);
  g_assert_cmpint (g_chmod (self->folder, 0777), ==, 0);
  self->wav = g_build_filename (self->folder, "played.wav", NULL);
}

static void
tear_down (Fixture *self, gconstpointer words)
{
  g_bytes_unref (shell ("rm -rf '%s'", self->folder));
  sound_free (self->original);
  json_object_unref (self->session);
  daemon_free (self->daemon);
  g_free (self->folder);
  g_free (self->wav);
}

/* The WAV file has the original's samples from @offset on. */
static void
assert_was_played (Fixture *self, gsize offset, gdouble alike)
{
  g_autoptr (Sound) heard = decode (self->wav);
  gdouble correlation = correlate (self->original, offset, heard);
  gint64 longer = (gint64)heard->n - (gint64)(self->original->n - offset);

  g_test_message ("%+" G_GINT64_FORMAT " samples, %.3f", longer, correlation);
  g_assert_cmpint (ABS (longer), <=, FRAME_SAMPLES);
  g_assert_cmpfloat (correlation, >, alike);
}

static void
mpv_plays (Fixture *self, const gchar *url)
{
  g_bytes_unref (shell ("mpv --no-config --no-video --really-quiet --untimed "
                        "--ao=pcm --ao-pcm-file='%s' '%s' >&2",
      self->wav, url));
}

static void
mpv_plays_hls (Fixture *self, gconstpointer words)
{
  mpv_plays (self, json_object_get_string_member (self->session, "hls_url"));
  assert_was_played (self, 0, 0.97);
}

/* mpv 0.35 ignores the edit list, and plays the priming, too. */
static void
mpv_plays_aac_by_hls (Fixture *self, gconstpointer words)
{
  g_autofree gchar *url
      = g_strdup (json_object_get_string_member (self->session, "hls_url"));
  g_autofree gchar *list = NULL;
  g_autoptr (Sound) heard = NULL;

  g_assert_true (g_str_has_suffix (url, "/master.m3u8"));
  *g_strrstr (url, "/") = '\0';
  list = g_strconcat (url, "/aac-128/index.m3u8", NULL);
  mpv_plays (self, list);
  heard = decode (self->wav);
  g_test_message ("%.3f", correlate (heard, AAC_PRIMING, self->original));
  g_assert_cmpfloat (correlate (heard, AAC_PRIMING, self->original), >, 0.97);
  g_assert_cmpuint (heard->n, >=, self->original->n + AAC_PRIMING);
}

static void
play_by_vlc (Fixture *self, guint from_s)
{
  g_bytes_unref (
      shell ("as=; [ $(id -u) != 0 ] || as='setpriv --reuid=65534 "
             "--regid=65534 --clear-groups'; rm -f '%s'; HOME='%s' $as vlc -I "
             "dummy --no-video --aout=afile --audiofile-file='%s' "
             "--start-time=%u --play-and-exit '%s' vlc://quit >&2",
          self->wav, self->folder, self->wav, from_s,
          json_object_get_string_member (self->session, "hls_url")));
}

static gboolean
is_whole (Fixture *self, guint from_s)
{
  g_autoptr (Sound) heard = decode (self->wav);

  return heard->n + from_s * SOUND_RATE + FRAME_SAMPLES > self->original->n;
}

/* From a fragment in the middle on, in real time. VLC 3 sometimes takes a
 * fragment that is still arriving for the end, whatever the server: if it left
 * something out it may try again, but what it played must be right. It refuses
 * to run as root. */
static void
vlc_plays_hls (Fixture *self, gconstpointer words)
{
  const guint from_s = 3 * FRAGMENT_S;

  for (guint i = 0; i < VLC_ATTEMPTS; i++) {
    play_by_vlc (self, from_s + 1);
    if (is_whole (self, from_s))
      break;
  }
  assert_was_played (self, from_s * SOUND_RATE - OPUS_PRE_SKIP, 0.97);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name)                                                              \
  g_test_add (                                                                 \
      "/players/" #name, Fixture, "lullaby queue", set_up, name, tear_down)
  ADD (mpv_plays_hls);
  ADD (mpv_plays_aac_by_hls);
  ADD (vlc_plays_hls);
  return g_test_run ();
}
