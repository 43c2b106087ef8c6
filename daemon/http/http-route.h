/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which handler answers a request, and the access it requires. */
#pragma once

#include "exchange.h"

#include "core/access/right.h"

G_BEGIN_DECLS

typedef void (*HttpHandler) (HttpExchange *exchange);

/* What a request must bring. */
typedef enum
{
  HTTP_OPEN,        /* nothing: public, or the handler checks a capability */
  HTTP_TOKEN,       /* a token in Authorization */
  HTTP_TOKEN_QUERY, /* the same, or ?token=, for players that send no headers */
} HttpAccess;

/* For which target the route's operation is checked (core/access/right.h). */
typedef enum
{
  HTTP_RIGHT,          /* the operation has no target */
  HTTP_RIGHT_TO_TRACK, /* the track that argument 0 names */
  HTTP_RIGHT_LATER,    /* the handler checks it, knowing the target */
} HttpRight;

typedef struct
{
  const gchar *method;  /* GET also answers HEAD */
  const gchar *pattern; /* "/v1/tracks/{}" */
  HttpHandler handler;
  HttpAccess access;
  HttpRight right;           /* ignored if access is HTTP_OPEN */
  SyrinxOperation operation; /* ignored for HTTP_RIGHT_LATER */
} HttpRoute;

/* Finds the route, checks access, and has its handler answer. */
void
http_route (HttpExchange *exchange, const HttpRoute *routes, guint n_routes);

G_END_DECLS
