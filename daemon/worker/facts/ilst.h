/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tags that iTunes and its kin write into MP4 files. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct
{
  const guint8 *data;
  gsize n_bytes;
} SyrinxSpan;

/* The box at the start of *@in, which then begins behind it. FALSE: none. */
gboolean syrinx_box_next (SyrinxSpan *in, guint32 *type, SyrinxSpan *body);
/* The first of that type; @body is undefined if there is none. */
gboolean syrinx_box_find (SyrinxSpan in, guint32 wanted, SyrinxSpan *body);

/* What is there; damage costs the tag. */
void syrinx_ilst_read (SyrinxSpan moov, GstTagList *tags);

G_END_DECLS
