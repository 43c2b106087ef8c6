/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a client asks for when it wants a session: the JSON body of
 * POST /v1/sessions, as input from a stranger. */
#pragma once

#include "encryption.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct
{
  JsonObject *json; /* owns the strings */
  const gchar *track_id, *rendition;
  SyrinxEncryption encryption;
  gchar *public_key; /* (nullable): a JWK that is good for keys */
} SyrinxSessionBody;

void syrinx_session_body_clear (SyrinxSessionBody *body);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SyrinxSessionBody, syrinx_session_body_clear)

/* @renditions: what there is; the first is meant if the body names none. @body
 * must be zeroed. *@field gets the member at fault, for as long as @body lives;
 * NULL: it is no JSON object. Errors: INVALID, UNSUPPORTED. Any thread. */
gboolean syrinx_session_body_parse (const gchar *data, gsize size_bytes,
    const gchar *const *renditions, SyrinxSessionBody *body,
    const gchar **field, GError **error);

G_END_DECLS
