/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading boxes. */
#include "box-reader.h"

#define BOX_HEAD_BYTES 8 /* size and type */

gboolean
syrinx_box_next (SyrinxReader *reader, guint32 *type, SyrinxReader *body)
{
  SyrinxReader at = *reader;
  guint64 size_bytes = syrinx_reader_take (&at, 4);

  if (!syrinx_reader_has (reader, BOX_HEAD_BYTES) || size_bytes < BOX_HEAD_BYTES
      || size_bytes > reader->left)
    return FALSE;
  *type = syrinx_reader_take (&at, 4);
  body->data = at.data;
  body->left = size_bytes - BOX_HEAD_BYTES;
  return syrinx_reader_skip (reader, size_bytes);
}

gboolean
syrinx_box_find (SyrinxReader reader, guint32 wanted, SyrinxReader *body)
{
  SyrinxReader candidate;
  guint32 type;
  guint n_found = 0;

  while (syrinx_box_next (&reader, &type, &candidate))
    if (type == wanted) {
      *body = candidate;
      n_found++;
    }
  return reader.left == 0 && n_found == 1;
}

gboolean
syrinx_box_find_path (
    SyrinxReader reader, const guint32 *path, guint n_path, SyrinxReader *body)
{
  for (guint i = 0; i < n_path; i++) {
    if (!syrinx_box_find (reader, path[i], body))
      return FALSE;
    reader = *body;
  }
  return TRUE;
}
