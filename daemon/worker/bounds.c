/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finds the tags before and after a file's audio. */
#include "bounds.h"

#include <string.h>
#include <unistd.h>

#define MAX_TAGS          16 /* on each side */
#define ID3V2_HEAD_BYTES  10
#define ID3V1_BYTES       128
#define ID3V1_MORE_BYTES  227
#define APE_FOOT_BYTES    32
#define LYRICS_FOOT_BYTES 15 /* six digits, "LYRICS200" */
#define FLAG_FOOTER       0x10
#define APE_HAS_HEAD      0x80000000u

static gboolean
read_at (gint fd, gint64 at, guint8 *data, gsize n)
{
  return at >= 0 && pread (fd, data, n, at) == (gssize)n;
}

/* The size of an ID3v2 tag by its header or footer; 0: this is none. */
static gint64
get_id3v2_bytes (const guint8 *p, const gchar *magic)
{
  if (memcmp (p, magic, 3) != 0 || p[3] == 0xff || p[4] == 0xff
      || ((p[6] | p[7] | p[8] | p[9]) & 0x80))
    return 0;
  return ID3V2_HEAD_BYTES + (p[5] & FLAG_FOOTER ? ID3V2_HEAD_BYTES : 0)
         + ((gint64)p[6] << 21 | p[7] << 14 | p[8] << 7 | p[9]);
}

static gint64
get_front_bytes (gint fd, const SyrinxBounds *bounds)
{
  guint8 head[ID3V2_HEAD_BYTES];

  return read_at (fd, bounds->begin, head, sizeof head)
             ? get_id3v2_bytes (head, "ID3")
             : 0;
}

static gint64
get_id3v1_bytes (gint fd, gint64 end)
{
  guint8 p[4];

  if (!read_at (fd, end - ID3V1_BYTES, p, 3) || memcmp (p, "TAG", 3) != 0)
    return 0;
  if (read_at (fd, end - ID3V1_BYTES - ID3V1_MORE_BYTES, p, 4)
      && memcmp (p, "TAG+", 4) == 0)
    return ID3V1_BYTES + ID3V1_MORE_BYTES;
  return ID3V1_BYTES;
}

static gint64
get_ape_bytes (gint fd, gint64 end)
{
  guint8 p[APE_FOOT_BYTES];
  guint32 n_bytes, flags;

  if (!read_at (fd, end - APE_FOOT_BYTES, p, sizeof p)
      || memcmp (p, "APETAGEX", 8) != 0)
    return 0;
  memcpy (&n_bytes, p + 12, sizeof n_bytes);
  memcpy (&flags, p + 20, sizeof flags);
  n_bytes = GUINT32_FROM_LE (n_bytes);
  flags = GUINT32_FROM_LE (flags);
  return (gint64)n_bytes + (flags & APE_HAS_HEAD ? APE_FOOT_BYTES : 0);
}

static gint64
get_lyrics_bytes (gint fd, gint64 end)
{
  gchar p[LYRICS_FOOT_BYTES + 1] = { 0 };
  gint64 n_bytes = 0;

  if (!read_at (fd, end - LYRICS_FOOT_BYTES, (guint8 *)p, LYRICS_FOOT_BYTES)
      || strcmp (p + 6, "LYRICS200") != 0)
    return 0;
  for (guint i = 0; i < 6; i++) {
    if (!g_ascii_isdigit (p[i]))
      return 0;
    n_bytes = n_bytes * 10 + (p[i] - '0');
  }
  return n_bytes + LYRICS_FOOT_BYTES;
}

static gint64
get_back_bytes (gint fd, gint64 end)
{
  guint8 foot[ID3V2_HEAD_BYTES];
  gint64 n_bytes = get_id3v1_bytes (fd, end);

  if (!n_bytes)
    n_bytes = get_ape_bytes (fd, end);
  if (!n_bytes)
    n_bytes = get_lyrics_bytes (fd, end);
  if (!n_bytes && read_at (fd, end - ID3V2_HEAD_BYTES, foot, sizeof foot))
    n_bytes = get_id3v2_bytes (foot, "3DI");
  return n_bytes;
}

SyrinxBounds
syrinx_bounds_find (gint fd)
{
  /* the sandbox does not permit fstat() */
  SyrinxBounds bounds = { .end = MAX (lseek (fd, 0, SEEK_END), 0) };

  for (guint i = 0; i < MAX_TAGS; i++) {
    gint64 n_bytes = get_front_bytes (fd, &bounds);

    if (n_bytes == 0 || n_bytes >= bounds.end - bounds.begin)
      break;
    bounds.begin += n_bytes;
  }
  for (guint i = 0; i < MAX_TAGS; i++) {
    gint64 n_bytes = get_back_bytes (fd, bounds.end);

    if (n_bytes == 0 || n_bytes >= bounds.end - bounds.begin)
      break;
    bounds.end -= n_bytes;
  }
  return bounds;
}
