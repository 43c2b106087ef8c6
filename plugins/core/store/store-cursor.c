/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cursors: a GVariant in base64url. */
#include "store-cursor.h"

#include "core/base/error.h"
#include "core/base/identifier.h"

#define CURSOR_FORMAT    "(tyxxmsmsax)"
#define MAX_CURSOR_BYTES 8192

gchar *
syrinx_cursor_encode (const SyrinxCursor *cursor)
{
  g_autoptr (GVariant) rows = g_variant_ref_sink (g_variant_new_fixed_array (
      G_VARIANT_TYPE_INT64, cursor->rows ? cursor->rows->data : NULL,
      cursor->rows ? cursor->rows->len : 0, sizeof (gint64)));
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new (
      "(tyxxmsms@ax)", cursor->query, (guchar)cursor->phase, cursor->numbers[0],
      cursor->numbers[1], cursor->texts[0], cursor->texts[1], rows));

  return syrinx_base64url_encode (
      g_variant_get_data (value), g_variant_get_size (value));
}

static void
take_value (GVariant *value, SyrinxCursor *cursor)
{
  g_autoptr (GVariant) rows = NULL;
  gconstpointer data;
  gsize n_rows;
  guchar phase;

  g_variant_get (value, "(tyxxmsms@ax)", &cursor->query, &phase,
      &cursor->numbers[0], &cursor->numbers[1], &cursor->texts[0],
      &cursor->texts[1], &rows);
  cursor->phase = phase;
  data = g_variant_get_fixed_array (rows, &n_rows, sizeof (gint64));
  cursor->rows = g_array_new (FALSE, FALSE, sizeof (gint64));
  if (n_rows > 0)
    g_array_append_vals (cursor->rows, data, n_rows);
}

gboolean
syrinx_cursor_decode (
    const gchar *text, guint64 query, SyrinxCursor *cursor, GError **error)
{
  g_autoptr (GBytes) bytes = syrinx_base64url_decode (text, MAX_CURSOR_BYTES);
  g_autoptr (GVariant) value
      = bytes ? g_variant_ref_sink (g_variant_new_from_bytes (
            G_VARIANT_TYPE (CURSOR_FORMAT), bytes, FALSE))
              : NULL;

  if (value && g_variant_is_normal_form (value)) {
    take_value (value, cursor);
    if (cursor->query == query && cursor->rows->len <= SYRINX_CURSOR_MAX_ROWS)
      return TRUE;
  }
  syrinx_cursor_clear (cursor);
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
      "cursor: not one that this query returned; start again without it");
  return FALSE;
}

void
syrinx_cursor_clear (SyrinxCursor *cursor)
{
  g_clear_pointer (&cursor->texts[0], g_free);
  g_clear_pointer (&cursor->texts[1], g_free);
  g_clear_pointer (&cursor->rows, g_array_unref);
}
