/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON from strangers. */
#include "json.h"

#include "error.h"

#include <string.h>

/* Brackets outside strings; json-glib recurses once for each. */
static guint
measure_depth (const gchar *data, gsize size_bytes)
{
  guint depth = 0, deepest = 0;
  gboolean in_string = FALSE;

  for (gsize i = 0; i < size_bytes; i++) {
    gchar c = data[i];
    if (in_string && c == '\\')
      i++;
    else if (c == '"')
      in_string = !in_string;
    else if (!in_string && (c == '[' || c == '{'))
      deepest = MAX (deepest, ++depth);
    else if (!in_string && (c == ']' || c == '}') && depth > 0)
      depth--;
  }
  return deepest;
}

JsonObject *
syrinx_json_parse_object (const gchar *data, gsize size_bytes, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) cause = NULL;
  JsonNode *root;

  if (size_bytes > SYRINX_JSON_MAX_BYTES
      || measure_depth (data, size_bytes) > SYRINX_JSON_MAX_DEPTH) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "JSON over %d bytes or %d levels is not read", SYRINX_JSON_MAX_BYTES,
        SYRINX_JSON_MAX_DEPTH);
    return NULL;
  }
  if (memchr (data, 0, size_bytes)
      || !g_utf8_validate_len (data, size_bytes, NULL)
      || !json_parser_load_from_data (parser, data, size_bytes, &cause)) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "this is not JSON in UTF-8%s%s", cause ? ": " : "",
        cause ? cause->message : "");
    return NULL;
  }
  root = json_parser_get_root (parser);
  if (root && JSON_NODE_HOLDS_OBJECT (root))
    return json_object_ref (json_node_get_object (root));
  g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
      "a JSON object is wanted here");
  return NULL;
}

const gchar *
syrinx_json_get_string (JsonObject *object, const gchar *member)
{
  JsonNode *node = json_object_get_member (object, member);

  return node && JSON_NODE_HOLDS_VALUE (node)
                 && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : NULL;
}

gboolean
syrinx_json_get_int (JsonObject *object, const gchar *member, gint64 *value)
{
  JsonNode *node = json_object_get_member (object, member);

  if (!node || !JSON_NODE_HOLDS_VALUE (node)
      || json_node_get_value_type (node) != G_TYPE_INT64)
    return FALSE;
  *value = json_node_get_int (node);
  return TRUE;
}
