/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The body of POST /v1/sessions. */
#include "daemon/sessions/session-request.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const gchar *const renditions[] = { "opus-128", "opus-64", NULL };
  FuzzInput input = { data, size };
  g_autoptr (GBytes) bytes = fuzz_take_rest (&input);
  g_auto (SyrinxSessionBody) body = { 0 };
  g_autoptr (GError) error = NULL;
  const gchar *field, *text = g_bytes_get_data (bytes, NULL);

  if (!syrinx_session_body_parse (
          text ? text : "", size, renditions, &body, &field, &error)) {
    g_assert_nonnull (error);
    g_assert_true (!field || g_utf8_validate (field, -1, NULL));
    return 0;
  }
  g_assert_no_error (error);
  g_assert_nonnull (body.track_id);
  g_assert_true (g_strv_contains (renditions, body.rendition));
  g_assert_nonnull (syrinx_encryption_to_string (body.encryption));
  return 0;
}
