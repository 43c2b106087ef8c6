/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP: a session's keys for one client alone, as a JWE of a JWK Set. */
#include "handlers.h"

#include "core/base/identifier.h"
#include "core/crypto/jwe.h"
#include "core/crypto/secret.h"

#include <string.h>

/* The text is secret too: assembled in one place that is wiped. */
static void
add_key (GString *set, const gchar *kid, GBytes *key)
{
  gsize size_bytes;
  gconstpointer data = g_bytes_get_data (key, &size_bytes);
  gchar *text = syrinx_base64url_encode (data, size_bytes);

  g_string_append_printf (set,
      "%s{\"kty\":\"oct\",\"kid\":\"%s\",\"k\":\"%s\"}",
      set->str[set->len - 1] == '[' ? "" : ",", kid, text);
  syrinx_wipe (text, strlen (text));
  g_free (text);
}

void
http_audit_key (HttpExchange *exchange, SyrinxSession *session,
    SyrinxRendition *rendition, const gchar *form)
{
  const SyrinxRenditionRow *row
      = rendition ? syrinx_rendition_get_row (rendition) : NULL;
  const gchar *client = http_exchange_get_client (exchange);

  syrinx_audit_note (
      syrinx_engine_get_audit (http_exchange_get_engine (exchange)),
      &(SyrinxAuditEntry){ .event = "key-given",
          .subject
          = syrinx_grant_get_subject (syrinx_session_get_grant (session)),
          .session = syrinx_session_get_id (session),
          .client = *client ? client : NULL,
          .track = syrinx_session_get_track_id (session),
          .rendition = row ? row->name : NULL,
          .epoch = row ? row->epoch : 0,
          .key = row ? "content" : "session",
          .form = form });
}

static void
add_content_keys (HttpExchange *exchange, SyrinxSession *session, GString *set)
{
  gchar **names = syrinx_engine_get_config (http_exchange_get_engine (exchange))
                      ->renditions;

  for (guint i = 0; names[i]; i++) {
    SyrinxRendition *rendition = syrinx_session_open (session, names[i], NULL);
    g_autofree gchar *kid = NULL;
    if (!rendition)
      continue;
    kid = g_strdup_printf (
        "%s/%u", names[i], syrinx_rendition_get_row (rendition)->epoch);
    add_key (set, kid, syrinx_rendition_get_key (rendition));
  }
}

/* What http_wrap_keys() gave. */
static void
audit_wrapped (HttpExchange *exchange, SyrinxSession *session)
{
  gchar **names = syrinx_engine_get_config (http_exchange_get_engine (exchange))
                      ->renditions;

  if (syrinx_session_get_encryption (session) == SYRINX_ENCRYPTION_ECE) {
    http_audit_key (exchange, session, NULL, "jwe");
    return;
  }
  for (guint i = 0; names[i]; i++) {
    SyrinxRendition *rendition = syrinx_session_open (session, names[i], NULL);
    if (rendition)
      http_audit_key (exchange, session, rendition, "jwe");
  }
}

gchar *
http_wrap_keys (HttpExchange *exchange, SyrinxSession *session,
    const gchar *public_key, GError **error)
{
  GString *set = g_string_sized_new (4096); /* does not move while it grows */
  g_autoptr (GBytes) payload = NULL;
  gchar *jwe;

  g_string_append (set, "{\"keys\":[");
  if (syrinx_session_get_encryption (session) == SYRINX_ENCRYPTION_ECE)
    add_key (
        set, syrinx_session_get_id (session), syrinx_session_get_key (session));
  else
    add_content_keys (exchange, session, set);
  g_string_append (set, "]}");
  payload = syrinx_secret_new (set->str, set->len);
  jwe = syrinx_jwe_wrap (public_key, payload, error);
  syrinx_wipe (set->str, set->allocated_len);
  g_string_free (set, TRUE);
  if (jwe)
    audit_wrapped (exchange, session);
  return jwe;
}
