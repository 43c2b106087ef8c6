/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The fields of an exchange, for the files that create, route and answer it. */
#pragma once

#include "http-private.h"
#include "http-route.h"

G_BEGIN_DECLS

/* The fields that a handler sets. */
typedef struct
{
  const gchar *name; /* static */
  gchar *value;
} HttpSetField;

/* A query parameter that a handler has asked for. */
typedef struct
{
  const gchar *name; /* static */
  gchar *value;      /* (nullable) */
} HttpParameter;

struct _HttpExchange
{
  guint refs;
  HttpConnection *connection; /* NULL: answered, or the client left */
  const HttpServerSettings *settings;

  /* The request. */
  gchar *head; /* (nullable): the head, cut into the strings below */
  const gchar *method, *path, *query; /* query: (nullable) */
  guint minor_version;
  guint n_fields;
  guint16 (*fields)[2]; /* (nullable): offsets of names and values in head */
  GBytes *body;
  GArray *joined; /* (nullable): of gchar *, joined values of repeated fields */
  GArray *parameters; /* (nullable): of HttpParameter */
  gchar client[46];
  gboolean has_client;

  /* The router's. */
  gchar *args[HTTP_MAX_ARGS];
  SyrinxGrant *grant;

  /* The answer. */
  gboolean is_settled; /* answered, deferred or stolen */
  HttpSetField set[HTTP_MAX_SET];
  guint n_set;
  gboolean refuses_ranges;
  gboolean is_chunked;
  void (*left) (HttpExchange *exchange, gpointer user_data);
  gpointer left_data;
  HttpStreamFuncs stream;
  gpointer stream_data;
};

/* The value of a field that was set. (nullable) */
const gchar *http_exchange_get_set (HttpExchange *exchange, const gchar *name);

/* Begins an answer of @n_bytes with @status whose body is written piece by
 * piece. FALSE, and @funcs are not called: there is no body (HEAD), or the
 * client has left. */
gboolean http_exchange_begin (HttpExchange *exchange, guint status,
    guint64 n_bytes, const HttpStreamFuncs *funcs, gpointer user_data);

/* Applies conditions and ranges to an answer with status 200 and a body of
 * @size bytes. FALSE: the request has been answered already. */
gboolean http_exchange_judge (HttpExchange *exchange, guint64 size,
    guint *status, guint64 *first, guint64 *n_bytes);

G_END_DECLS
