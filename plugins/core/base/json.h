/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON from strangers: bounded in size and depth before json-glib sees it. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define SYRINX_JSON_MAX_BYTES (64 * 1024)
#define SYRINX_JSON_MAX_DEPTH 16

/* Parses one JSON object of at most SYRINX_JSON_MAX_BYTES. Any thread.
 * (transfer full) Errors: INVALID, with what is wrong and where. */
JsonObject *
syrinx_json_parse_object (const gchar *data, gsize size_bytes, GError **error);

/* (transfer none) (nullable): NULL if it is absent or no string. */
const gchar *syrinx_json_get_string (JsonObject *object, const gchar *member);

/* FALSE if it is absent, or no integer. */
gboolean
syrinx_json_get_int (JsonObject *object, const gchar *member, gint64 *value);

G_END_DECLS
