/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The daemon's log. */
#include "log.h"

#include <json-glib/json-glib.h>
#include <stdio.h>

static const struct
{
  const gchar *name;
  GLogLevelFlags level;
} levels[] = { { "error", G_LOG_LEVEL_CRITICAL },
  { "warning", G_LOG_LEVEL_WARNING }, { "message", G_LOG_LEVEL_MESSAGE },
  { "info", G_LOG_LEVEL_INFO }, { "debug", G_LOG_LEVEL_DEBUG } };

/* constant after init */
static GLogLevelFlags shown = G_LOG_LEVEL_MESSAGE;
static gboolean is_json;

static const gchar *
name_level (GLogLevelFlags level)
{
  for (guint i = 0; i < G_N_ELEMENTS (levels); i++)
    if ((level & G_LOG_LEVEL_MASK) <= levels[i].level)
      return levels[i].name;
  return "debug";
}

/* The message. It may contain text that a client sent. (transfer full) */
static gchar *
find_message (const GLogField *fields, gsize n_fields)
{
  for (gsize i = 0; i < n_fields; i++)
    if (g_str_equal (fields[i].key, "MESSAGE")) {
      gchar *line = g_utf8_make_valid (fields[i].value, fields[i].length);
      return g_strdelimit (line, "\n\r\033", ' ');
    }
  return g_strdup ("");
}

static void
write_text (GLogLevelFlags level, const gchar *line)
{
  const gchar *name = name_level (level);

  if ((level & G_LOG_LEVEL_MASK) < G_LOG_LEVEL_MESSAGE)
    fprintf (stderr, "syrinxd: %s: %s\n", name, line);
  else
    fprintf (stderr, "syrinxd: %s\n", line);
}

static void
write_json (GLogLevelFlags level, const gchar *line)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree gchar *time = g_date_time_format (now, "%Y-%m-%dT%H:%M:%S.%fZ");
  g_autoptr (JsonBuilder) json = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree gchar *text = NULL;
  const gchar *const members[][2] = { { "time", time },
    { "level", name_level (level) }, { "message", line } };

  json_builder_begin_object (json);
  for (guint i = 0; i < G_N_ELEMENTS (members); i++) {
    json_builder_set_member_name (json, members[i][0]);
    json_builder_add_string_value (json, members[i][1]);
  }
  json_builder_end_object (json);
  root = json_builder_get_root (json);
  text = json_to_string (root, FALSE);
  fprintf (stderr, "%s\n", text);
}

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields,
    gpointer user_data)
{
  g_autofree gchar *line = NULL;

  if ((level & G_LOG_LEVEL_MASK) > shown)
    return G_LOG_WRITER_HANDLED;
  if (!is_json && g_log_writer_is_journald (fileno (stderr)))
    return g_log_writer_journald (level, fields, n_fields, NULL);
  line = find_message (fields, n_fields);
  if (is_json)
    write_json (level, line);
  else
    write_text (level, line);
  return G_LOG_WRITER_HANDLED;
}

gboolean
syrinx_log_init (const gchar *level, const gchar *format)
{
  guint found = 2;

  for (guint i = 0; level && i <= G_N_ELEMENTS (levels); i++) {
    if (i == G_N_ELEMENTS (levels))
      return FALSE;
    if (g_str_equal (levels[i].name, level)) {
      found = i;
      break;
    }
  }
  if (format && !g_str_equal (format, "json") && !g_str_equal (format, "text"))
    return FALSE;
  shown = levels[found].level;
  is_json = format && g_str_equal (format, "json");
  g_log_set_writer_func (write_log, NULL, NULL);
  return TRUE;
}
