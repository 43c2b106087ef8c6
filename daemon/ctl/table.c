/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables for people, JSON for programs. */
#include "ctl.h"

#include <json-glib/json-glib.h>

struct _CtlTable
{
  gchar **columns;
  guint n_columns;
  GPtrArray *rows; /* gchar ** */
};

CtlTable *
ctl_table_new (const gchar *const *columns)
{
  CtlTable *table = g_new0 (CtlTable, 1);

  table->columns = g_strdupv ((gchar **)columns);
  table->n_columns = g_strv_length (table->columns);
  table->rows = g_ptr_array_new_with_free_func ((GDestroyNotify)g_strfreev);
  return table;
}

void
ctl_table_add (CtlTable *table, const gchar *const *cells)
{
  gchar **row = g_new0 (gchar *, table->n_columns + 1);

  for (guint i = 0; i < table->n_columns; i++)
    row[i] = g_utf8_make_valid (cells[i] ? cells[i] : "", -1);
  g_ptr_array_add (table->rows, row);
}

static void
print_json (CtlTable *table)
{
  g_autoptr (JsonNode) root = json_node_new (JSON_NODE_ARRAY);
  JsonArray *array = json_array_new ();
  g_autofree gchar *text = NULL;

  for (guint r = 0; r < table->rows->len; r++) {
    gchar **row = table->rows->pdata[r];
    JsonObject *object = json_object_new ();
    for (guint i = 0; i < table->n_columns; i++)
      json_object_set_string_member (object, table->columns[i], row[i]);
    json_array_add_object_element (array, object);
  }
  json_node_take_array (root, array);
  text = json_to_string (root, TRUE);
  g_print ("%s\n", text);
}

/* A cell made safe for a terminal: control characters are escaped. */
static gchar *
make_plain (const gchar *cell)
{
  GString *plain = g_string_new (NULL);

  for (const gchar *p = cell; *p; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);
    if (g_unichar_iscntrl (c))
      g_string_append_printf (plain, "\\x%02x", c);
    else
      g_string_append_unichar (plain, c);
  }
  return g_string_free (plain, FALSE);
}

static guint
width_of (const gchar *text)
{
  guint width = 0;

  for (; *text; text = g_utf8_next_char (text)) {
    gunichar c = g_utf8_get_char (text);
    width += g_unichar_iszerowidth (c) ? 0 : g_unichar_iswide (c) ? 2 : 1;
  }
  return width;
}

static void
print_row (gchar **cells, const guint *widths, guint n_columns)
{
  for (guint i = 0; i < n_columns; i++) {
    g_autofree gchar *plain = make_plain (cells[i]);
    guint width = width_of (plain);
    g_print ("%s%*s", plain,
        i + 1 < n_columns ? (gint)(widths[i] - MIN (width, widths[i]) + 2) : 0,
        "");
  }
  g_print ("\n");
}

static void
print_text (CtlTable *table)
{
  g_autofree guint *widths = g_new0 (guint, table->n_columns);

  for (guint i = 0; i < table->n_columns; i++)
    widths[i] = width_of (table->columns[i]);
  for (guint r = 0; r < table->rows->len; r++)
    for (guint i = 0; i < table->n_columns; i++) {
      g_autofree gchar *plain
          = make_plain (((gchar **)table->rows->pdata[r])[i]);
      widths[i] = MAX (widths[i], width_of (plain));
    }
  print_row (table->columns, widths, table->n_columns);
  for (guint r = 0; r < table->rows->len; r++)
    print_row (table->rows->pdata[r], widths, table->n_columns);
}

void
ctl_table_print (CtlTable *table, gboolean json)
{
  if (json)
    print_json (table);
  else
    print_text (table);
}

void
ctl_table_free (CtlTable *table)
{
  g_strfreev (table->columns);
  g_ptr_array_unref (table->rows);
  g_free (table);
}
