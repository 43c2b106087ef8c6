/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parsing of the body of POST /v1/sessions. */
#include "session-request.h"

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/crypto/jwe.h"

void
syrinx_session_body_clear (SyrinxSessionBody *body)
{
  g_clear_pointer (&body->json, json_object_unref);
  g_clear_pointer (&body->public_key, g_free);
}

/* Members must be known, and strings, except for public_key: a misspelt member
 * must not silently mean the default. @name outlives the list. */
static gboolean
check_member (JsonObject *json, const gchar *name, GError **error)
{
  static const gchar *const strings[]
      = { "track_id", "rendition", "encryption", NULL };

  if (g_str_equal (name, "public_key"))
    return TRUE;
  if (!g_strv_contains (strings, name)) {
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "a session has track_id, rendition, encryption and public_key");
    return FALSE;
  }
  if (!syrinx_json_get_string (json, name)) {
    g_set_error_literal (
        error, SYRINX_ERROR, SYRINX_ERROR_INVALID, "this must be a string");
    return FALSE;
  }
  return TRUE;
}

static gboolean
check_members (JsonObject *json, const gchar **field, GError **error)
{
  g_autoptr (GList) members = json_object_get_members (json);

  for (GList *m = members; m; m = m->next) {
    *field = m->data;
    if (!check_member (json, m->data, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
take_strings (SyrinxSessionBody *body, const gchar *const *renditions,
    const gchar **field, GError **error)
{
  const gchar *encryption = syrinx_json_get_string (body->json, "encryption");
  const gchar *fault = NULL;

  body->track_id = syrinx_json_get_string (body->json, "track_id");
  body->rendition = syrinx_json_get_string (body->json, "rendition");
  if (!body->rendition)
    body->rendition = renditions[0];
  if (encryption && !syrinx_encryption_parse (encryption, &body->encryption)) {
    *field = "encryption";
    fault = "encryption is hls-aes128, ece or none";
  } else if (!body->track_id) {
    *field = "track_id";
    fault = "say which track: track_id";
  } else if (!g_strv_contains (renditions, body->rendition)) {
    *field = "rendition";
    fault = "there is no rendition of that name here";
  }
  if (fault)
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_INVALID, fault);
  return !fault;
}

gboolean
syrinx_session_body_parse (const gchar *data, gsize size_bytes,
    const gchar *const *renditions, SyrinxSessionBody *body,
    const gchar **field, GError **error)
{
  JsonNode *key;

  *field = NULL;
  body->json = syrinx_json_parse_object (data, size_bytes, error);
  if (!body->json || !check_members (body->json, field, error)
      || !take_strings (body, renditions, field, error))
    return FALSE;
  key = json_object_get_member (body->json, "public_key");
  if (!key)
    return TRUE;
  *field = "public_key";
  body->public_key = json_to_string (key, FALSE);
  return syrinx_jwe_check_key (body->public_key, error);
}
