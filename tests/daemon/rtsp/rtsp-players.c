/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtsp-players.h"

#include <glib/gstdio.h>

#define PACKET_SAMPLES 960 /* of Opus, 20 ms */

Sound *
hear_by_ffmpeg (const gchar *transport, const gchar *url)
{
  g_autofree gchar *quoted = g_shell_quote (url);
  g_autoptr (GBytes) bytes
      = shell ("ffmpeg -nostdin -v error -rtsp_transport %s -i %s -f f32le "
               "-ac 1 -ar %d -",
          transport, quoted, SOUND_RATE);
  Sound *sound = g_new (Sound, 1);

  sound->n = g_bytes_get_size (bytes) / sizeof (gfloat);
  sound->samples
      = g_memdup2 (g_bytes_get_data (bytes, NULL), sound->n * sizeof (gfloat));
  return sound;
}

Sound *
hear_by_rtspsrc (const gchar *transport, const gchar *url)
{
  g_autofree gchar *wav = NULL;
  gint fd = g_file_open_tmp ("syrinx-rtspsrc-XXXXXX.wav", &wav, NULL);
  Sound *sound;

  g_assert_cmpint (fd, >=, 0);
  g_close (fd, NULL);
  /* With UDP over TLS it sometimes reports, after the end of the stream, that
   * it could not send PAUSE; the recording is complete. */
  g_bytes_unref (
      shell ("gst-launch-1.0 -q rtspsrc location='%s' protocols=%s latency=500 "
             "tls-validation-flags=0 ! rtpopusdepay ! opusdec plc=false ! "
             "audioconvert ! wavenc ! filesink location=%s || test -s %s",
          url, transport, wav, wav));
  sound = decode (wav);
  g_unlink (wav);
  return sound;
}

void
assert_whole (const gchar *what, const Sound *heard, const Sound *original)
{
  gdouble alike = correlate (heard, PRE_SKIP, original);
  gint64 longer = (gint64)heard->n - PRE_SKIP - (gint64)original->n;

  g_test_message (
      "%s: %+" G_GINT64_FORMAT " samples, %.3f", what, longer, alike);
  g_assert_cmpint (ABS (longer), <=, PACKET_SAMPLES);
  g_assert_cmpfloat (alike, >, 0.85);
}
