/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The head of a request (RFC 9112): parsed in place, and refused where two
 * parsers could disagree (request smuggling). Nothing here allocates. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define HTTP_MAX_HEAD_BYTES   (16 * 1024)
#define HTTP_MAX_FIELDS       100
#define HTTP_MAX_TARGET_BYTES 4096
#define HTTP_MAX_BODY_BYTES   (64 * 1024)

/* Not terminated; points into the parsed bytes. */
typedef struct
{
  const gchar *name;
  gsize name_bytes;
  const gchar *value;
  gsize value_bytes;
} HttpField;

typedef struct
{
  gsize n_bytes; /* to the end of the empty line */
  const gchar *method, *target;
  gsize method_bytes, target_bytes;
  guint minor_version; /* 0 or 1: HTTP/1.0 or 1.1 */
  gsize n_fields;
  guint64 content_length; /* at most HTTP_MAX_BODY_BYTES; 0 if is_chunked */
  gboolean is_chunked;
  gboolean is_last; /* the connection ends with the answer */
  gboolean expects_continue;
  /* GET with HTTP/1.1, and no field that changes the answer or the
   * connection */
  gboolean is_plain;
  HttpField fields[HTTP_MAX_FIELDS];
} HttpHead;

/* The answer to a request that is refused. */
typedef struct
{
  guint status;
  const gchar *detail;
} HttpRefusal;

typedef enum
{
  HTTP_HEAD_WHOLE,
  HTTP_HEAD_PARTIAL, /* more bytes are needed */
  HTTP_HEAD_REFUSED
} HttpHeadResult;

/* Parses @data, whose first @n_known_bytes are known to be an incomplete head
 * (0 at the first call). Only WHOLE fills in @head, only REFUSED @refusal. */
HttpHeadResult http_head_parse (HttpHead *head, const gchar *data,
    gsize n_bytes, gsize n_known_bytes, HttpRefusal *refusal);

/* Whether @field has @name, in any case. */
gboolean http_field_is (const HttpField *field, const gchar *name);

G_END_DECLS
