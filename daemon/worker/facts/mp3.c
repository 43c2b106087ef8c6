/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* MPEG audio layer 3 (ISO/IEC 11172-3, 13818-3): every frame's head from the
 * first to the last, ID3 tags around them. */
#include "facts.h"

#include "daemon/worker/gapless.h"

#include <gst/tag/tag.h>

#include <string.h>

#define ID3V2_HEAD_BYTES 10
#define ID3V1_BYTES      128
#define MAX_ID3          4

typedef struct
{
  guint rate_hz, channels, samples, n_bytes;
} Frame;

static gboolean
read_frame (const guint8 *p, Frame *frame)
{
  static const guint16 kbps[2][15]
      = { { 0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320 },
          { 0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160 } };
  static const guint rates[3] = { 44100, 48000, 32000 };
  guint version = p[1] >> 3 & 3, bitrate = p[2] >> 4, rate = p[2] >> 2 & 3;
  guint lsf = version != 3;

  if (p[0] != 0xff || (p[1] & 0xe6) != 0xe2 || version == 1 || bitrate == 0
      || bitrate == 15 || rate == 3)
    return FALSE;
  frame->rate_hz = rates[rate] >> (version == 3 ? 0 : version == 2 ? 1 : 2);
  frame->channels = p[3] >> 6 == 3 ? 1 : 2;
  frame->samples = lsf ? 576 : 1152;
  frame->n_bytes
      = frame->samples / 8 * kbps[lsf][bitrate] * 1000 / frame->rate_hz
        + (p[2] >> 1 & 1);
  return TRUE;
}

/* The tags before the first frame. */
static gboolean
skip_id3v2 (SyrinxWindow *window, guint64 *at, SyrinxFacts *facts)
{
  for (guint i = 0; i < MAX_ID3; i++) {
    const guint8 *p = syrinx_window_get (window, *at, ID3V2_HEAD_BYTES);
    gsize n_bytes;

    if (!p)
      return FALSE;
    if (memcmp (p, "ID3", 3) != 0)
      return TRUE;
    n_bytes = ID3V2_HEAD_BYTES + (p[5] & 0x10 ? ID3V2_HEAD_BYTES : 0)
              + ((p[6] & 0x7f) << 21 | (p[7] & 0x7f) << 14 | (p[8] & 0x7f) << 7
                  | (p[9] & 0x7f));
    if (!syrinx_facts_add_id3 (window, *at, n_bytes, facts))
      return FALSE;
    *at += n_bytes;
  }
  return FALSE;
}

/* Where the frames end. FALSE: there is a tag that is not read here. */
static gboolean
find_end (SyrinxWindow *window, guint64 *end, SyrinxFacts *facts)
{
  const guint8 *p;

  *end = window->size_bytes;
  p = *end > ID3V1_BYTES
          ? syrinx_window_get (window, *end - ID3V1_BYTES, ID3V1_BYTES)
          : NULL;
  if (p && memcmp (p, "TAG", 3) == 0) {
    g_autoptr (GstTagList) tags = gst_tag_list_new_from_id3v1 (p);

    if (tags)
      gst_tag_list_insert (facts->tags, tags, GST_TAG_MERGE_KEEP);
    *end -= ID3V1_BYTES;
  }
  p = *end > 32 ? syrinx_window_get (window, *end - 32, 32) : NULL;
  return p && memcmp (p, "APETAGEX", 8) != 0;
}

/* The head that some encoders put before the sound: no sound itself. */
static gboolean
is_index (SyrinxWindow *window, guint64 at, guint n_bytes)
{
  const guint8 *p = syrinx_window_get (window, at, MIN (n_bytes, 64));

  for (guint i = 4; p && i + 4 <= MIN (n_bytes, 64); i++)
    if (memcmp (p + i, "Xing", 4) == 0 || memcmp (p + i, "Info", 4) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
count_frames (SyrinxWindow *window, guint64 at, guint64 end, SyrinxFacts *facts)
{
  const guint64 first = at;
  Frame frame;

  while (at < end) {
    const guint8 *p = syrinx_window_get (window, at, 4);

    if (!p || !read_frame (p, &frame) || frame.n_bytes > end - at
        || (facts->rate_hz && frame.rate_hz != facts->rate_hz)
        || (facts->channels && frame.channels != facts->channels))
      return FALSE;
    facts->rate_hz = frame.rate_hz;
    facts->channels = frame.channels;
    if (at != first || !is_index (window, at, frame.n_bytes))
      facts->n_samples += frame.samples;
    at += frame.n_bytes;
  }
  return TRUE;
}

gboolean
syrinx_facts_read_mp3 (SyrinxWindow *window, SyrinxFacts *facts)
{
  guint64 at = 0, end;
  guint delay, excess;

  if (!skip_id3v2 (window, &at, facts) || !find_end (window, &end, facts)
      || !count_frames (window, at, end, facts))
    return FALSE;
  syrinx_gapless_read (window->fd, &delay, &excess);
  if (excess >= facts->n_samples)
    return FALSE;
  facts->codec = "mp3";
  facts->n_samples -= excess;
  return TRUE;
}
