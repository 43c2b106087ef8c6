/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* FLAC (RFC 9639): STREAMINFO says how long it is, and the last frame, found by
 * both of its checksums, that it is so. */
#include "facts.h"

#include <gst/tag/tag.h>

#include <string.h>

#define STREAMINFO_BYTES 34
#define MAX_BLOCKS       1024
#define MAX_FRAME_HEAD   16
#define MIN_FRAME_BYTES  8

enum
{
  BLOCK_STREAMINFO = 0,
  BLOCK_COMMENT = 4,
  BLOCK_PICTURE = 6
};

typedef struct
{
  guint min_block, max_block;
  guint64 total;
} StreamInfo;

static gboolean
read_info (
    SyrinxWindow *window, guint64 at, StreamInfo *info, SyrinxFacts *facts)
{
  const guint8 *p = syrinx_window_get (window, at, STREAMINFO_BYTES);

  if (!p)
    return FALSE;
  info->min_block = GST_READ_UINT16_BE (p);
  info->max_block = GST_READ_UINT16_BE (p + 2);
  facts->rate_hz = GST_READ_UINT24_BE (p + 10) >> 4;
  facts->channels = (p[12] >> 1 & 7) + 1;
  info->total = (guint64)(p[13] & 0x0f) << 32 | GST_READ_UINT32_BE (p + 14);
  return info->min_block >= 16;
}

/* Type, MIME type, description, size, depth, colours, the picture. */
static void
add_picture (const guint8 *p, gsize n, SyrinxFacts *facts)
{
  guint32 type, skip;

  if (n < 4)
    return;
  type = GST_READ_UINT32_BE (p);
  p += 4;
  n -= 4;
  for (guint i = 0; i < 2; i++) {
    if (n < 4 || (skip = GST_READ_UINT32_BE (p)) > n - 4)
      return;
    p += 4 + skip;
    n -= 4 + skip;
  }
  if (n <= 20 || GST_READ_UINT32_BE (p + 16) != n - 20)
    return;
  gst_tag_list_add_id3_image (facts->tags, p + 20, n - 20, type);
}

static gboolean
read_block (SyrinxWindow *window, guint type, guint64 at, gsize n_bytes,
    SyrinxFacts *facts)
{
  g_autoptr (GBytes) bytes = NULL;
  gconstpointer data;

  if (type != BLOCK_COMMENT && type != BLOCK_PICTURE)
    return TRUE;
  bytes = syrinx_window_read (window, at, n_bytes);
  if (!bytes)
    return FALSE;
  data = g_bytes_get_data (bytes, NULL);
  if (type == BLOCK_COMMENT)
    return syrinx_facts_add_comments (data, n_bytes, NULL, 0, facts);
  add_picture (data, n_bytes, facts);
  return TRUE;
}

/* *@at: where the frames begin. */
static gboolean
read_blocks (
    SyrinxWindow *window, guint64 *at, StreamInfo *info, SyrinxFacts *facts)
{
  gboolean last = FALSE;

  *at = 4;
  for (guint i = 0; !last && i < MAX_BLOCKS; i++) {
    const guint8 *head = syrinx_window_get (window, *at, 4);
    guint type, n_bytes;

    if (!head)
      return FALSE;
    last = head[0] >> 7;
    type = head[0] & 0x7f;
    n_bytes = GST_READ_UINT24_BE (head + 1);
    *at += 4;
    if ((type == BLOCK_STREAMINFO) != (i == 0)
        || (i == 0 && !read_info (window, *at, info, facts))
        || !read_block (window, type, *at, n_bytes, facts))
      return FALSE;
    *at += n_bytes;
  }
  return last;
}

/* --- The last frame --- */

static guint8
get_crc8 (const guint8 *data, gsize n)
{
  guint crc = 0;

  for (gsize i = 0; i < n; i++) {
    crc ^= data[i];
    for (guint bit = 0; bit < 8; bit++)
      crc = crc & 0x80 ? crc << 1 ^ 0x07 : crc << 1;
  }
  return crc;
}

static guint16
get_crc16 (const guint8 *data, gsize n)
{
  static guint16 table[256];
  static gsize made;
  guint16 crc = 0;

  if (g_once_init_enter (&made)) {
    for (guint i = 0; i < 256; i++) {
      guint c = i << 8;
      for (guint bit = 0; bit < 8; bit++)
        c = c & 0x8000 ? c << 1 ^ 0x8005 : c << 1;
      table[i] = c;
    }
    g_once_init_leave (&made, 1);
  }
  for (gsize i = 0; i < n; i++)
    crc = crc << 8 ^ table[crc >> 8 ^ data[i]];
  return crc;
}

/* The frame's or sample's number, coded like UTF-8. 0: it is none. */
static guint
read_number (const guint8 *p, guint64 *number)
{
  guint length = 1;

  *number = p[0];
  if (p[0] < 0x80)
    return 1;
  while (length < 8 && p[0] & 0x80 >> length)
    length++;
  if (length < 2 || length > 7)
    return 0;
  *number = length == 7 ? 0 : p[0] & (0x7f >> length);
  for (guint i = 1; i < length; i++) {
    if ((p[i] & 0xc0) != 0x80)
      return 0;
    *number = *number << 6 | (p[i] & 0x3f);
  }
  return length;
}

/* Where the frame at @p ends, in samples. FALSE: it is no frame's head. */
static gboolean
read_frame_head (
    const guint8 *data, gsize n, const StreamInfo *info, guint64 *end)
{
  guint8 p[MAX_FRAME_HEAD] = { 0 };
  guint code, rate, at, block, used;
  guint64 number;

  if (data[0] != 0xff || (data[1] & 0xfe) != 0xf8)
    return FALSE;
  memcpy (p, data, MIN (n, sizeof p));
  code = p[2] >> 4;
  rate = p[2] & 0x0f;
  if (code == 0 || rate == 15 || !(used = read_number (p + 4, &number)))
    return FALSE;
  at = 4 + used;
  if (code == 1)
    block = 192;
  else if (code <= 5)
    block = 576 << (code - 2);
  else if (code == 6)
    block = p[at++] + 1;
  else if (code == 7)
    block = GST_READ_UINT16_BE (p + at) + 1, at += 2;
  else
    block = 256 << (code - 8);
  at += rate == 12 ? 1 : rate >= 13 ? 2 : 0;
  *end = (p[1] & 1 ? number : number * info->max_block) + block;
  return get_crc8 (p, at) == p[at];
}

static gboolean
find_end (SyrinxWindow *window, guint64 first_frame, const StreamInfo *info,
    guint64 *end)
{
  gsize n = MIN (SYRINX_WINDOW_BYTES, window->size_bytes - first_frame);
  const guint8 *p = syrinx_window_get (window, window->size_bytes - n, n);

  if (!p || n < MIN_FRAME_BYTES)
    return FALSE;
  for (gsize at = n - MIN_FRAME_BYTES + 1; at-- > 0;)
    if (read_frame_head (p + at, n - at, info, end)
        && get_crc16 (p + at, n - at - 2) == GST_READ_UINT16_BE (p + n - 2))
      return TRUE;
  return FALSE;
}

gboolean
syrinx_facts_read_flac (SyrinxWindow *window, SyrinxFacts *facts)
{
  StreamInfo info = { 0 };
  guint64 at, end;

  if (!read_blocks (window, &at, &info, facts) || at >= window->size_bytes
      || !find_end (window, at, &info, &end))
    return FALSE;
  facts->codec = "flac";
  facts->n_samples = end;
  return info.total == 0 || info.total == end;
}
