/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Conditional and range requests (RFC 9110, sections 13 and 14): which part of
 * a representation answers a GET. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The request's fields; each (nullable). */
typedef struct
{
  const gchar *if_match, *if_none_match, *if_range, *range;
} HttpConditions;

typedef enum
{
  HTTP_VERDICT_WHOLE,        /* 200 */
  HTTP_VERDICT_PART,         /* 206 */
  HTTP_VERDICT_NOT_MODIFIED, /* 304 */
  HTTP_VERDICT_FAILED,       /* 412 */
  HTTP_VERDICT_OUTSIDE       /* 416 */
} HttpVerdict;

/* Decides for a representation of @size bytes (0 or more) with @etag (nullable;
 * strong, with its quotes). PART sets *@first and *@n_bytes (1 or more).
 * Several ranges, or one that can't be parsed, are answered with the whole
 * representation. */
HttpVerdict http_conditions_judge (const HttpConditions *conditions,
    const gchar *etag, guint64 size, guint64 *first, guint64 *n_bytes);

G_END_DECLS
