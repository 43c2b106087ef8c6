/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A session's keys, as a JWE of a JWK Set (RFC 7516, RFC 7517). */
#include "session-keys.h"

#include "core/base/identifier.h"
#include "core/crypto/jwe.h"
#include "core/crypto/secret.h"

#include <string.h>

#define SET_BYTES 4096 /* large enough not to be moved while it grows */

void
syrinx_session_note_key (SyrinxSession *session, SyrinxRendition *rendition,
    const gchar *form, const gchar *client, SyrinxJournal *journal)
{
  const SyrinxRenditionRow *row
      = rendition ? syrinx_rendition_get_row (rendition) : NULL;

  syrinx_journal_note (journal, &(SyrinxEvent){ .kind = SYRINX_EVENT_KEY_GIVEN,
                                    .session = session,
                                    .client = client && *client ? client : NULL,
                                    .rendition = row ? row->name : NULL,
                                    .epoch = row ? row->epoch : 0,
                                    .key = row ? "content" : "session",
                                    .form = form });
}

/* The text holds keys: it is built in one buffer, which is wiped. */
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

static void
add_content_keys (
    GString *set, SyrinxSession *session, const gchar *const *renditions)
{
  for (; *renditions; renditions++) {
    SyrinxRendition *rendition
        = syrinx_session_open (session, *renditions, NULL);
    g_autofree gchar *kid = NULL;
    if (!rendition)
      continue;
    kid = g_strdup_printf (
        "%s/%u", *renditions, syrinx_rendition_get_row (rendition)->epoch);
    add_key (set, kid, syrinx_rendition_get_key (rendition));
  }
}

static void
note_all (SyrinxSession *session, const gchar *const *renditions,
    SyrinxJournal *journal)
{
  SyrinxSessionFacts facts;

  syrinx_session_get_facts (session, &facts);
  if (syrinx_session_get_encryption (session) == SYRINX_ENCRYPTION_ECE) {
    syrinx_session_note_key (session, NULL, "jwe", facts.client, journal);
    return;
  }
  for (; *renditions; renditions++) {
    SyrinxRendition *rendition
        = syrinx_session_open (session, *renditions, NULL);
    if (rendition)
      syrinx_session_note_key (
          session, rendition, "jwe", facts.client, journal);
  }
}

gchar *
syrinx_session_wrap_keys (SyrinxSession *session,
    const gchar *const *renditions, const gchar *public_key,
    SyrinxJournal *journal, GError **error)
{
  GString *set = g_string_sized_new (SET_BYTES);
  g_autoptr (GBytes) payload = NULL;
  gchar *jwe;

  g_string_append (set, "{\"keys\":[");
  if (syrinx_session_get_encryption (session) == SYRINX_ENCRYPTION_ECE)
    add_key (
        set, syrinx_session_get_id (session), syrinx_session_get_key (session));
  else
    add_content_keys (set, session, renditions);
  g_string_append (set, "]}");
  payload = syrinx_secret_new (set->str, set->len);
  jwe = syrinx_jwe_wrap (public_key, payload, error);
  syrinx_wipe (set->str, set->allocated_len);
  g_string_free (set, TRUE);
  if (jwe)
    note_all (session, renditions, journal);
  return jwe;
}
