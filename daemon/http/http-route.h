/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which handler answers what, and who may ask it. */
#pragma once

#include "exchange.h"

G_BEGIN_DECLS

#define HTTP_BURST_SECONDS 10 /* of requests may come at once */

typedef void (*HttpHandler) (HttpExchange *exchange);

/* Who may come in. */
typedef enum
{
  HTTP_OPEN,           /* anybody: it checks a capability, or is public */
  HTTP_LISTEN,         /* Bearer with scope listen */
  HTTP_LISTEN_QUERY,   /* the same, or ?token= (never with scope admin) */
  HTTP_ORIGINAL_QUERY, /* scope original, Bearer or ?token= */
  HTTP_ADMIN,          /* scope admin */
  HTTP_ANY_TOKEN,      /* any valid token; the handler looks at its subject */
} HttpAccess;

typedef struct
{
  const gchar *method;  /* GET answers HEAD too */
  const gchar *pattern; /* "/v1/tracks/{}" */
  HttpAccess access;
  HttpHandler handler;
} HttpRoute;

/* Finds the route, checks access, and has its handler answer. */
void
http_route (HttpExchange *exchange, const HttpRoute *routes, guint n_routes);
/* Has the handler of its route called again. */
void http_route_again (HttpExchange *exchange);

G_END_DECLS
