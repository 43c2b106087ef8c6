/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The heads of answers: status, date, and the fields that all answers have. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The reason phrase of @status (RFC 9110, section 15). */
const gchar *http_phrase_of (guint status);
/* The current time as "Sun, 06 Nov 1994 08:49:37 GMT"; computed once a second.
 * Main thread only. */
const gchar *http_date_now (void);
/* Status line, Date, Server, and the fields that all answers have, without the
 * empty line. (transfer full) */
GString *http_head_begin (guint status, guint minor_version);
void http_head_add (GString *head, const gchar *name, const gchar *value);

/* Hot: the whole head of a fragment of @size bytes, at most
 * HTTP_FRAGMENT_HEAD_BYTES. Returns its length. Main thread only. */
#define HTTP_FRAGMENT_HEAD_BYTES 640
gsize http_head_of_fragment (gchar head[HTTP_FRAGMENT_HEAD_BYTES], gsize size);

#define HTTP_FRAGMENT_TYPE          "audio/mp4"
#define HTTP_FRAGMENT_CACHE_CONTROL "private, max-age=31536000, immutable"

G_END_DECLS
