/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cursors: the position in a listing, kept by the client. Their content is
 * checked like any other input; a cursor is valid only for the query that
 * returned it. A client can neither read nor make one, and none outlives the
 * process. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SYRINX_CURSOR_MAX_TEXTS 2
#define SYRINX_CURSOR_MAX_ROWS  256

typedef struct
{
  guint64 query; /* syrinx_text_number() of the query */
  guint phase;
  gint64 numbers[2];
  gchar *texts[SYRINX_CURSOR_MAX_TEXTS]; /* sort keys, (nullable) */
  GArray *rows; /* gint64: rows of the ranked head, (nullable) */
} SyrinxCursor;

void syrinx_cursor_clear (SyrinxCursor *cursor);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SyrinxCursor, syrinx_cursor_clear)

/* Returns: (transfer full) base64url */
gchar *syrinx_cursor_encode (const SyrinxCursor *cursor);
/* Fills the zeroed @cursor. INVALID if @text is not a cursor, or one of another
 * @query. */
gboolean syrinx_cursor_decode (
    const gchar *text, guint64 query, SyrinxCursor *cursor, GError **error);

G_END_DECLS
