/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON: parsing of untrusted input, and writing. */
#include "json.h"

#include "error.h"

#include <math.h>
#include <string.h>

/* --- Whether it is JSON (RFC 8259) ---
 *
 * json-glib also accepts comments, several values in a row (the last one
 * counts, the others leak) and unpaired surrogates (which leak), and it
 * recurses without a bound. So text is checked here before json-glib parses it.
 */

typedef struct
{
  const gchar *at, *end;
} Text;

static gboolean take_value (Text *text, guint depth);

/* Returns: the next character, 0 at the end. */
static gchar
peek (const Text *text)
{
  return text->at < text->end ? *text->at : 0;
}

static gboolean
take (Text *text, gchar wanted)
{
  if (peek (text) != wanted || wanted == 0)
    return FALSE;
  text->at++;
  return TRUE;
}

static void
skip_space (Text *text)
{
  while (peek (text) && strchr (" \t\r\n", *text->at))
    text->at++;
}

static gboolean
take_word (Text *text, const gchar *word)
{
  gsize n = strlen (word);

  if ((gsize)(text->end - text->at) < n || memcmp (text->at, word, n) != 0)
    return FALSE;
  text->at += n;
  return TRUE;
}

static gboolean
take_digits (Text *text)
{
  const gchar *from = text->at;

  while (g_ascii_isdigit (peek (text)))
    text->at++;
  return text->at > from;
}

static gboolean
take_number (Text *text)
{
  take (text, '-');
  if (!take (text, '0') && !take_digits (text))
    return FALSE;
  if (take (text, '.') && !take_digits (text))
    return FALSE;
  if (!take (text, 'e') && !take (text, 'E'))
    return TRUE;
  if (!take (text, '+'))
    take (text, '-');
  return take_digits (text);
}

static gboolean
take_hex (Text *text, guint *unit)
{
  *unit = 0;
  for (guint i = 0; i < 4; i++) {
    gint digit = g_ascii_xdigit_value (peek (text));
    if (digit < 0)
      return FALSE;
    *unit = *unit << 4 | digit;
    text->at++;
  }
  return TRUE;
}

/* Takes an escape sequence after its backslash. \u0000 is refused, because it
 * would end a C string early. */
static gboolean
take_escape (Text *text)
{
  guint high, low;

  if (!take (text, 'u')) {
    gchar c = peek (text);
    return c && strchr ("\"\\/bfnrt", c) && take (text, c);
  }
  if (!take_hex (text, &high) || high == 0
      || (high >= 0xdc00 && high <= 0xdfff))
    return FALSE;
  if (high < 0xd800 || high > 0xdbff)
    return TRUE;
  return take_word (text, "\\u") && take_hex (text, &low) && low >= 0xdc00
         && low <= 0xdfff;
}

static gboolean
take_string (Text *text)
{
  if (!take (text, '"'))
    return FALSE;
  while (!take (text, '"')) {
    if ((guchar)peek (text) < 0x20)
      return FALSE;
    if (*text->at++ == '\\' && !take_escape (text))
      return FALSE;
  }
  return TRUE;
}

static gboolean
take_member (Text *text, guint depth)
{
  skip_space (text);
  if (!take_string (text))
    return FALSE;
  skip_space (text);
  return take (text, ':') && take_value (text, depth);
}

/* Takes the members or elements after the opening bracket, up to @end. @depth:
 * how many more levels may be nested. */
static gboolean
take_list (Text *text, gchar end, guint depth)
{
  gboolean (*take_item) (Text *, guint) = end == '}' ? take_member : take_value;

  skip_space (text);
  if (take (text, end))
    return TRUE;
  do {
    if (!take_item (text, depth))
      return FALSE;
  } while (take (text, ','));
  return take (text, end);
}

/* Takes one value and the white space around it. @depth: how many more levels
 * may be nested. */
static gboolean
take_value (Text *text, guint depth)
{
  gboolean is_good;

  skip_space (text);
  if (take (text, '{'))
    is_good = depth > 0 && take_list (text, '}', depth - 1);
  else if (take (text, '['))
    is_good = depth > 0 && take_list (text, ']', depth - 1);
  else if (peek (text) == '"')
    is_good = take_string (text);
  else
    is_good = take_word (text, "true") || take_word (text, "false")
              || take_word (text, "null") || take_number (text);
  skip_space (text);
  return is_good;
}

static gboolean
check (const gchar *data, gsize size_bytes, GError **error)
{
  Text text = { data, data + size_bytes };

  if (g_utf8_validate_len (data, size_bytes, &text.at) && (text.at = data)
      && take_value (&text, SYRINX_JSON_MAX_DEPTH) && text.at == text.end)
    return TRUE;
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
      "this is not JSON in UTF-8 of at most %d levels, from byte "
      "%" G_GSIZE_FORMAT " on",
      SYRINX_JSON_MAX_DEPTH, (gsize)(text.at - data));
  return FALSE;
}

/* --- Reading --- */

JsonObject *
syrinx_json_parse_object (const gchar *data, gsize size_bytes, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) cause = NULL;
  JsonNode *root;

  if (size_bytes > SYRINX_JSON_MAX_BYTES) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "JSON over %d bytes is not read", SYRINX_JSON_MAX_BYTES);
    return NULL;
  }
  if (!check (data, size_bytes, error))
    return NULL;
  if (!json_parser_load_from_data (parser, data, size_bytes, &cause)) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "this JSON is not read: %s", cause->message);
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

/* --- Writing --- */

void
syrinx_json_add_string (
    JsonBuilder *json, const gchar *name, const gchar *value)
{
  g_autofree gchar *valid = value && !g_utf8_validate (value, -1, NULL)
                                ? g_utf8_make_valid (value, -1)
                                : NULL;

  json_builder_set_member_name (json, name);
  json_builder_add_string_value (json, valid ? valid : value);
}

void
syrinx_json_add_int (JsonBuilder *json, const gchar *name, gint64 value)
{
  json_builder_set_member_name (json, name);
  json_builder_add_int_value (json, value);
}

void
syrinx_json_add_double (JsonBuilder *json, const gchar *name, gdouble value)
{
  json_builder_set_member_name (json, name);
  if (isfinite (value))
    json_builder_add_double_value (json, value);
  else
    json_builder_add_null_value (json);
}

void
syrinx_json_add_boolean (JsonBuilder *json, const gchar *name, gboolean value)
{
  json_builder_set_member_name (json, name);
  json_builder_add_boolean_value (json, value);
}

void
syrinx_json_add_null (JsonBuilder *json, const gchar *name)
{
  json_builder_set_member_name (json, name);
  json_builder_add_null_value (json);
}
