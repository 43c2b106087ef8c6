/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The JSON body of POST /v1/sessions: untrusted input. */
#pragma once

#include "encryption.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct
{
  JsonObject *json; /* owns the strings */
  const gchar *track_id, *rendition;
  SyrinxEncryption encryption;
  gchar *public_key; /* (nullable): a valid JWK */
} SyrinxSessionBody;

void syrinx_session_body_clear (SyrinxSessionBody *body);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SyrinxSessionBody, syrinx_session_body_clear)

/* @renditions: those that are offered; the first is the default. @body must be
 * zeroed. *@field is set to the member at fault, valid as long as @body; NULL:
 * the text is no JSON object. Errors: INVALID, UNSUPPORTED. Any thread. */
gboolean syrinx_session_body_parse (const gchar *data, gsize size_bytes,
    const gchar *const *renditions, SyrinxSessionBody *body,
    const gchar **field, GError **error);

G_END_DECLS
