/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which handler answers what, and who may ask it. */
#pragma once

#include "exchange.h"

#include "core/access/right.h"

G_BEGIN_DECLS

typedef void (*HttpHandler) (HttpExchange *exchange);

/* Who may come in. */
typedef enum
{
  HTTP_OPEN,        /* anybody: it is public, or asks for a capability */
  HTTP_TOKEN,       /* who sends a token in Authorization */
  HTTP_TOKEN_QUERY, /* the same, or ?token=, for players that send no headers */
} HttpAccess;

/* What the right of the route's operation is asked for (core/access/right.h).
 */
typedef enum
{
  HTTP_RIGHT,          /* the operation has no target */
  HTTP_RIGHT_TO_TRACK, /* the track that argument 0 names */
  HTTP_RIGHT_LATER,    /* the handler asks: it knows the target */
} HttpRight;

typedef struct
{
  const gchar *method;  /* GET answers HEAD too */
  const gchar *pattern; /* "/v1/tracks/{}" */
  HttpHandler handler;
  HttpAccess access;
  HttpRight right;           /* unless access is open */
  SyrinxOperation operation; /* unless the handler asks */
} HttpRoute;

/* Finds the route, checks access, and has its handler answer. */
void
http_route (HttpExchange *exchange, const HttpRoute *routes, guint n_routes);

G_END_DECLS
