/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Untrusted JSON is read only if it conforms to RFC 8259; ours always
 * conforms. */
#include "core/base/error.h"
#include "core/base/json.h"

#include <math.h>
#include <string.h>

static void
assert_read (const gchar *text, gsize size, gboolean is_good)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) object = syrinx_json_parse_object (text, size, &error);

  g_test_message ("%.60s", text);
  if (is_good)
    g_assert_no_error (error);
  else
    g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID);
  g_assert_true (!object == !is_good);
}

static void
what_is_json_is_read (void)
{
  static const gchar *const texts[] = { "{}", " { } \n", "{\"a\":[]}",
    "{\"a\":[1,-0,0.5,-1.25e+3,1E9,true,false,null,\"\",{}]}",
    "{\"\":{\"a\" : \"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\ud83c\\udfb5\"}}",
    "{\"brackets\":\"[[[[[[[[[[[[[[[[[[[[[[[[\"}", "{\"ä\":\"🎵\"}",
    "{\"a\":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]}" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_read (texts[i], strlen (texts[i]), TRUE);
}

static void
what_is_not_json_is_not (void)
{
  static const gchar *const texts[] = { "", " ", "[]", "1", "\"a\"", "null",
    "{", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{a:1}", "{'a':1}",
    "{\"a\":01}", "{\"a\":+1}", "{\"a\":.5}", "{\"a\":1.}", "{\"a\":1e}",
    "{\"a\":0x1}", "{\"a\":NaN}", "{\"a\":tru}", "{\"a\":nullx}",
    "{\"a\":[1,]}", "{\"a\":[1}", "{\"a\":1]", "{\"a\":\"\n\"}",
    "{\"a\":\"\\x\"}", "{\"a\":\"\\u12g4\"}", "{\"a\":\"\\u0000\"}",
    "{\"a\":\"\\ud83c\"}", "{\"a\":\"\\ud83cx\"}", "{\"a\":\"\\ud83c\\u0041\"}",
    "{\"a\":\"\\udfb5\"}", "{\"a\":\"\xff\"}", "{\"a\":\"x", "{} {}", "{}{}",
    "{}x", "/**/{}", "{\"a\":/*\"*/1}", "{} // a", "\xef\xbb\xbf{}" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_read (texts[i], strlen (texts[i]), FALSE);
  assert_read ("{\"a\":\"\0\"}", 9, FALSE);
}

static void
what_is_deep_or_long_is_not_read (void)
{
  g_autofree gchar *brackets = g_strnfill (60000, '[');
  g_autofree gchar *hidden = g_strconcat ("{\"a\":/*\"*/", brackets, NULL);
  g_autofree gchar *plain = g_strconcat ("{\"a\":", brackets, NULL);
  g_autofree gchar *filling = g_strnfill (SYRINX_JSON_MAX_BYTES - 8, 'x');
  g_autofree gchar *full = g_strdup_printf ("{\"a\":\"%s\"}", filling);
  g_autofree gchar *over = g_strconcat (full, " ", NULL);

  assert_read (hidden, strlen (hidden), FALSE);
  assert_read (plain, strlen (plain), FALSE);
  assert_read ("{\"a\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}", 38, FALSE);
  assert_read (full, strlen (full), TRUE);
  assert_read (over, strlen (over), FALSE);
}

static void
what_is_written_is_json (void)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree gchar *text = NULL;

  json_builder_begin_object (json);
  syrinx_json_add_string (json, "text", "sharp\"");
  syrinx_json_add_string (json, "absent", NULL);
  syrinx_json_add_string (json, "latin1", "caf\xe9");
  syrinx_json_add_int (json, "int", G_MININT64);
  syrinx_json_add_double (json, "half", 0.5);
  syrinx_json_add_double (json, "none", NAN);
  syrinx_json_add_double (json, "much", INFINITY);
  syrinx_json_add_boolean (json, "yes", TRUE);
  syrinx_json_add_null (json, "null");
  json_builder_end_object (json);
  root = json_builder_get_root (json);
  text = json_to_string (root, FALSE);
  g_assert_cmpstr (text, ==,
      "{\"text\":\"sharp\\\"\",\"absent\":null,\"latin1\":\"caf\xef\xbf\xbd\","
      "\"int\":-9223372036854775808,\"half\":0.5,\"none\":null,"
      "\"much\":null,\"yes\":true,\"null\":null}");
  assert_read (text, strlen (text), TRUE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/json/what_is_json_is_read", what_is_json_is_read);
  g_test_add_func ("/json/what_is_not_json_is_not", what_is_not_json_is_not);
  g_test_add_func ("/json/what_is_deep_or_long_is_not_read",
      what_is_deep_or_long_is_not_read);
  g_test_add_func ("/json/what_is_written_is_json", what_is_written_is_json);
  return g_test_run ();
}
