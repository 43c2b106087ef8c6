/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A view of an open file, for readers of its structure: few reads where they go
 * in order, none of what they skip. One thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SYRINX_WINDOW_BYTES (64 * 1024)

typedef struct
{
  gint fd;
  guint64 size_bytes; /* of the file */
  guint64 start;      /* of what is in the buffer */
  gsize n_bytes;
  guint8 buffer[SYRINX_WINDOW_BYTES];
} SyrinxWindow;

/* (transfer full) Free with g_free(). NULL: can't be read. */
SyrinxWindow *syrinx_window_new (gint fd);
/* @n_bytes (at most SYRINX_WINDOW_BYTES) at @at, good until the next call. NULL
 * beyond the file's end. Hot. */
const guint8 *
syrinx_window_get (SyrinxWindow *window, guint64 at, gsize n_bytes);
/* Any number of them, as a copy. (transfer full) (nullable) */
GBytes *syrinx_window_read (SyrinxWindow *window, guint64 at, gsize n_bytes);

G_END_DECLS
