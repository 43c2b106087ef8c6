/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sample tables. */
#include "mp4-table.h"

#include "facts.h"

#define BOX(a, b, c, d) GST_MAKE_FOURCC (d, c, b, a)

/* A box of version, flags, a count, and as many entries. */
typedef struct
{
  const guint8 *data;
  guint32 n;
} Table;

static gboolean
find_table (
    SyrinxSpan stbl, guint32 type, gsize head, gsize entry, Table *table)
{
  SyrinxSpan box;

  if (!syrinx_box_find (stbl, type, &box) || box.n_bytes < head)
    return FALSE;
  table->n = GST_READ_UINT32_BE (box.data + head - 4);
  table->data = box.data + head;
  return table->n > 0 && table->n <= (box.n_bytes - head) / entry;
}

/* All of @units, but the last may be cut short. */
static gboolean
has_even_times (SyrinxSpan stbl, guint32 units, guint64 n_packets)
{
  Table times;
  guint64 n = 0;

  if (!find_table (stbl, BOX ('s', 't', 't', 's'), 8, 8, &times))
    return FALSE;
  for (guint32 i = 0; i < times.n; i++) {
    guint32 count = GST_READ_UINT32_BE (times.data + 8 * (gsize)i);
    guint32 each = GST_READ_UINT32_BE (times.data + 8 * (gsize)i + 4);

    if (each != units && (i + 1 < times.n || count != 1 || each > units))
      return FALSE;
    n += count;
  }
  return n == n_packets;
}

static gboolean
find_chunks (SyrinxSpan stbl, Table *chunks, gboolean *wide)
{
  *wide = !find_table (stbl, BOX ('s', 't', 'c', 'o'), 8, 4, chunks);
  return !*wide || find_table (stbl, BOX ('c', 'o', '6', '4'), 8, 8, chunks);
}

/* The packets of the chunk at @at. */
static gboolean
add_chunk (GArray *pieces, const Table *sizes, guint64 at, guint32 n,
    guint64 size_bytes)
{
  if (n > sizes->n - pieces->len)
    return FALSE;
  for (; n > 0; n--) {
    SyrinxPiece piece
        = { at, GST_READ_UINT32_BE (sizes->data + 4 * (gsize)pieces->len) };

    if (piece.n_bytes == 0 || piece.n_bytes > SYRINX_MAX_PACKET_BYTES
        || at > size_bytes || piece.n_bytes > size_bytes - at)
      return FALSE;
    at += piece.n_bytes;
    g_array_append_val (pieces, piece);
  }
  return TRUE;
}

/* A run of stsc holds from its first chunk, counted from 1, to the next run. */
static gboolean
add_chunks (
    GArray *pieces, SyrinxSpan stbl, const Table *sizes, guint64 size_bytes)
{
  Table runs, chunks;
  gboolean wide;
  guint32 run = 0;

  if (!find_table (stbl, BOX ('s', 't', 's', 'c'), 8, 12, &runs)
      || !find_chunks (stbl, &chunks, &wide)
      || GST_READ_UINT32_BE (runs.data) != 1)
    return FALSE;
  for (guint32 i = 0; i < chunks.n; i++) {
    const guint8 *p = chunks.data + (gsize)i * (wide ? 8 : 4);
    guint64 at = wide ? GST_READ_UINT64_BE (p) : GST_READ_UINT32_BE (p);

    if (run + 1 < runs.n
        && GST_READ_UINT32_BE (runs.data + 12 * (gsize)(run + 1)) == i + 1)
      run++;
    if (!add_chunk (pieces, sizes, at,
            GST_READ_UINT32_BE (runs.data + 12 * (gsize)run + 4), size_bytes))
      return FALSE;
  }
  return pieces->len == sizes->n;
}

GArray *
syrinx_mp4_table_read (SyrinxSpan stbl, guint32 units, guint64 size_bytes)
{
  g_autoptr (GArray) pieces = g_array_new (FALSE, FALSE, sizeof (SyrinxPiece));
  Table sizes;

  /* one size for all would stand before the count */
  if (!find_table (stbl, BOX ('s', 't', 's', 'z'), 12, 4, &sizes)
      || GST_READ_UINT32_BE (sizes.data - 8) != 0
      || !has_even_times (stbl, units, sizes.n)
      || !add_chunks (pieces, stbl, &sizes, size_bytes))
    return NULL;
  return g_steal_pointer (&pieces);
}
