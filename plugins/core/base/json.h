/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON: untrusted input is bounded in size and depth before json-glib sees it.
 * Output is written one member at a time. Any thread. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define SYRINX_JSON_MAX_BYTES (64 * 1024)
#define SYRINX_JSON_MAX_DEPTH 16

/* Parses one JSON object of at most SYRINX_JSON_MAX_BYTES. Any thread.
 * (transfer full) Errors: INVALID, with the reason and position. */
JsonObject *
syrinx_json_parse_object (const gchar *data, gsize size_bytes, GError **error);

/* (transfer none) (nullable): NULL if @member is absent or not a string. */
const gchar *syrinx_json_get_string (JsonObject *object, const gchar *member);

/* FALSE if @member is absent or not an integer. */
gboolean
syrinx_json_get_int (JsonObject *object, const gchar *member, gint64 *value);

/* --- Writing: adds one member to the object that is open in @json --- */

/* NULL becomes null; bytes that are not UTF-8 become U+FFFD. */
void syrinx_json_add_string (
    JsonBuilder *json, const gchar *name, const gchar *value);
void syrinx_json_add_int (JsonBuilder *json, const gchar *name, gint64 value);
/* An infinity or NaN becomes null, since JSON has neither (RFC 8259, section
 * 6). */
void
syrinx_json_add_double (JsonBuilder *json, const gchar *name, gdouble value);
void
syrinx_json_add_boolean (JsonBuilder *json, const gchar *name, gboolean value);
void syrinx_json_add_null (JsonBuilder *json, const gchar *name);

G_END_DECLS
