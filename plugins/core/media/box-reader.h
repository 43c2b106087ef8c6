/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading boxes of the ISO base media file format (ISO/IEC 14496-12, section
 * 4.2) from bytes that strangers wrote. A reader never leaves its box, nothing
 * recurses, and nothing is copied or allocated. Any thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SYRINX_BOX_TYPE(a, b, c, d)                                            \
  ((guint32)(a) << 24 | (b) << 16 | (c) << 8 | (d))

/* What is left to be read. A plain value: a copy reads on by itself. */
typedef struct
{
  const guint8 *data;
  gsize left;
} SyrinxReader;

static inline gboolean
syrinx_reader_has (const SyrinxReader *reader, gsize n_bytes)
{
  return reader->left >= n_bytes;
}

/* FALSE, and nothing is left, if there are not as many. */
static inline gboolean
syrinx_reader_skip (SyrinxReader *reader, gsize n_bytes)
{
  if (!syrinx_reader_has (reader, n_bytes)) {
    reader->left = 0;
    return FALSE;
  }
  reader->data += n_bytes;
  reader->left -= n_bytes;
  return TRUE;
}

/* A big-endian number of @n_bytes (at most 8). Past the end everything reads as
 * 0 and nothing is left; who needs a field asks syrinx_reader_has() first. Hot.
 */
static inline guint64
syrinx_reader_take (SyrinxReader *reader, guint n_bytes)
{
  const guint8 *data = reader->data;
  guint64 value = 0;

  if (!syrinx_reader_skip (reader, n_bytes))
    return 0;
  for (guint i = 0; i < n_bytes; i++)
    value = value << 8 | data[i];
  return value;
}

/* The next box's type and body. FALSE at the end, or if its size is not within
 * @reader: then reader->left is not 0. Sizes of 64 bits, and those that say "to
 * the end", are not within. */
gboolean
syrinx_box_next (SyrinxReader *reader, guint32 *type, SyrinxReader *body);
/* Finds the only box of @type among those of @reader, which must all be whole.
 */
gboolean
syrinx_box_find (SyrinxReader reader, guint32 type, SyrinxReader *body);
/* The same through @n_path boxes, each within the one before. */
gboolean syrinx_box_find_path (
    SyrinxReader reader, const guint32 *path, guint n_path, SyrinxReader *body);

G_END_DECLS
