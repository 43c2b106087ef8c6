/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The LAME tag in an MP3's Xing frame
 * (http://gabriel.mp3-tech.org/mp3infotag.html): GStreamer 1.22's decoders play
 * the padding too. */
#include "gapless.h"

#include <string.h>
#include <unistd.h>

#define DECODER_DELAY 529
#define WINDOW_BYTES  4096

static guint64
get_id3v2_bytes (gint fd)
{
  guint8 h[10];

  if (pread (fd, h, sizeof h, 0) != sizeof h || memcmp (h, "ID3", 3) != 0)
    return 0;
  return 10 + (h[5] & 0x10 ? 10 : 0)
         + ((guint64)(h[6] & 0x7f) << 21 | (h[7] & 0x7f) << 14
             | (h[8] & 0x7f) << 7 | (h[9] & 0x7f));
}

/* Where "Xing" stands in a frame: after its head and side information. */
static gsize
get_xing_offset (const guint8 *frame)
{
  gboolean mpeg1 = (frame[1] & 0x18) == 0x18;
  gboolean mono = (frame[3] & 0xc0) == 0xc0;

  if (mpeg1)
    return 4 + (mono ? 17 : 32);
  return 4 + (mono ? 9 : 17);
}

static gsize
get_lame_offset (const guint8 *xing)
{
  guint8 flags = xing[7];

  return 8 + (flags & 1 ? 4 : 0) + (flags & 2 ? 4 : 0) + (flags & 4 ? 100 : 0)
         + (flags & 8 ? 4 : 0);
}

void
syrinx_gapless_read (gint fd, guint *delay, guint *excess)
{
  guint8 window[WINDOW_BYTES] = { 0 };
  gssize n = pread (fd, window, sizeof window, get_id3v2_bytes (fd));
  const guint8 *xing, *lame;
  guint before, after;

  *delay = *excess = 0;
  if (n < 512 || window[0] != 0xff || (window[1] & 0xe6) != 0xe2)
    return;
  xing = window + get_xing_offset (window);
  if (memcmp (xing, "Xing", 4) != 0 && memcmp (xing, "Info", 4) != 0)
    return;
  lame = xing + get_lame_offset (xing);
  if (memcmp (lame, "LAME", 4) != 0 && memcmp (lame, "Lav", 3) != 0)
    return;
  before = lame[21] << 4 | lame[22] >> 4;
  after = (lame[22] & 0x0f) << 8 | lame[23];
  *delay = before + DECODER_DELAY;
  *excess = before + MAX (after, DECODER_DELAY);
}
