/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads boxes of the ISO base media file format (ISO/IEC 14496-12, section 4.2)
 * from untrusted bytes. A reader never leaves its box; nothing recurses, copies
 * or allocates. Any thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SYRINX_BOX_TYPE(a, b, c, d)                                            \
  ((guint32)(a) << 24 | (b) << 16 | (c) << 8 | (d))

/* The bytes left to read. A plain value: a copy advances independently. */
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

/* FALSE, and nothing is left, if there are fewer. */
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

/* Reads a big-endian number of @n_bytes (at most 8). Past the end the result is
 * 0 and nothing is left; check syrinx_reader_has() first for required fields.
 * Hot. */
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

/* The type and body of the next box. FALSE at the end, or if the box exceeds
 * @reader: then reader->left is not 0. 64-bit sizes, and size 0 ("to the end"),
 * are refused in this way. */
gboolean
syrinx_box_next (SyrinxReader *reader, guint32 *type, SyrinxReader *body);
/* Finds the only box of @type in @reader, whose boxes must all be complete. */
gboolean
syrinx_box_find (SyrinxReader reader, guint32 type, SyrinxReader *body);
/* The same for @n_path nested boxes. */
gboolean syrinx_box_find_path (
    SyrinxReader reader, const guint32 *path, guint n_path, SyrinxReader *body);

G_END_DECLS
