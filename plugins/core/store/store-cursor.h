/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cursors: where a listing goes on, as the client keeps it. What one says is
 * checked like any other input; it is bound to the query it came from. A client
 * can neither read nor make one, and none outlives the process. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SYRINX_CURSOR_MAX_TEXTS 2
#define SYRINX_CURSOR_MAX_ROWS  256

typedef struct
{
  guint64 query; /* syrinx_text_number() of what was asked */
  guint phase;
  gint64 numbers[2];
  gchar *texts[SYRINX_CURSOR_MAX_TEXTS]; /* sort keys, (nullable) */
  GArray *rows; /* gint64: tracks set aside, (nullable) */
} SyrinxCursor;

void syrinx_cursor_clear (SyrinxCursor *cursor);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SyrinxCursor, syrinx_cursor_clear)

/* (transfer full) base64url */
gchar *syrinx_cursor_encode (const SyrinxCursor *cursor);
/* Fills the zeroed @cursor. INVALID if it is none, or one of another @query. */
gboolean syrinx_cursor_decode (
    const gchar *text, guint64 query, SyrinxCursor *cursor, GError **error);

G_END_DECLS
