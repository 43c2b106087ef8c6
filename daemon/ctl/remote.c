/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A syrinxd's HTTP interface, as a listener uses it. */
#include "remote.h"

#include "core/base/identifier.h"

#include <string.h>

#define TIMEOUT_S 60

CtlRemote *
ctl_remote_new (
    const gchar *url, const gchar *token, const gchar *ca_file, GError **error)
{
  g_autoptr (GTlsDatabase) trusted
      = ca_file ? g_tls_file_database_new (ca_file, error) : NULL;
  CtlRemote *self;

  if (ca_file && !trusted)
    return NULL;
  self = g_new0 (CtlRemote, 1);
  self->url = g_str_has_suffix (url, "/") ? g_strdup (url)
                                          : g_strconcat (url, "/", NULL);
  self->token = g_strdup (token);
  self->http = soup_session_new_with_options ("timeout", TIMEOUT_S, NULL);
  if (trusted)
    soup_session_set_tls_database (self->http, trusted);
  return self;
}

void
ctl_remote_free (CtlRemote *self)
{
  g_object_unref (self->http);
  g_free (self->url);
  g_free (self->token);
  g_free (self);
}

static void
explain (guint status, JsonObject *problem, GError **error)
{
  const gchar *detail = problem && json_object_has_member (problem, "detail")
                            ? json_object_get_string_member (problem, "detail")
                            : soup_status_get_phrase (status);

  g_set_error (error, G_IO_ERROR,
      status == 404 ? G_IO_ERROR_NOT_FOUND : G_IO_ERROR_FAILED,
      "the service answers %u: %s", status, detail);
}

static SoupMessage *
make_message (CtlRemote *self, const gchar *method, const gchar *path,
    const gchar *body, GError **error)
{
  g_autofree gchar *address = g_strconcat (self->url, path, NULL);
  g_autofree gchar *bearer = g_strconcat ("Bearer ", self->token, NULL);
  SoupMessage *message = soup_message_new (method, address);

  if (!message) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "%s is no address", address);
    return NULL;
  }
  soup_message_headers_replace (
      soup_message_get_request_headers (message), "Authorization", bearer);
  if (body) {
    g_autoptr (GBytes) bytes = g_bytes_new (body, strlen (body));
    soup_message_set_request_body_from_bytes (
        message, "application/json", bytes);
  }
  return message;
}

JsonObject *
ctl_remote_ask (CtlRemote *self, const gchar *method, const gchar *path,
    const gchar *body, GError **error)
{
  g_autoptr (SoupMessage) message
      = make_message (self, method, path, body, error);
  g_autoptr (GBytes) answer
      = message ? soup_session_send_and_read (self->http, message, NULL, error)
                : NULL;
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (JsonObject) object = NULL;
  gsize n_bytes;
  gconstpointer data;
  guint status;

  if (!answer)
    return NULL;
  data = g_bytes_get_data (answer, &n_bytes);
  if (n_bytes && json_parser_load_from_data (parser, data, n_bytes, NULL)
      && JSON_NODE_HOLDS_OBJECT (json_parser_get_root (parser)))
    object = json_node_dup_object (json_parser_get_root (parser));
  status = soup_message_get_status (message);
  if (SOUP_STATUS_IS_SUCCESSFUL (status))
    return object ? g_steal_pointer (&object) : json_object_new ();
  explain (status, object, error);
  return NULL;
}

static JsonObject *
search (CtlRemote *self, const gchar *words, GError **error)
{
  g_autofree gchar *escaped = g_uri_escape_string (words, NULL, FALSE);
  g_autofree gchar *path = g_strconcat ("v1/tracks?limit=1&q=", escaped, NULL);
  g_autoptr (JsonObject) found
      = ctl_remote_ask (self, "GET", path, NULL, error);
  JsonArray *tracks
      = found ? json_object_get_array_member (found, "tracks") : NULL;

  if (tracks && json_array_get_length (tracks) > 0)
    return json_object_ref (json_array_get_object_element (tracks, 0));
  if (found)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
        "nothing is found by \"%s\"", words);
  return NULL;
}

JsonObject *
ctl_remote_find_track (CtlRemote *self, const gchar *words, GError **error)
{
  g_autofree gchar *path = g_strconcat ("v1/tracks/", words, NULL);
  JsonObject *track = syrinx_id_is_valid (words)
                          ? ctl_remote_ask (self, "GET", path, NULL, NULL)
                          : NULL;

  return track ? track : search (self, words, error);
}
