/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A syrinxd's HTTP interface, as a listener uses it. */
#pragma once

#include <json-glib/json-glib.h>
#include <libsoup/soup.h>

G_BEGIN_DECLS

typedef struct
{
  gchar *url;   /* ends with a slash */
  gchar *token; /* for Bearer */
  SoupSession *http;
} CtlRemote;

/* @url: "https://music.example.org/". @ca_file (nullable): the certificates to
 * trust, instead of the system's. */
CtlRemote *ctl_remote_new (
    const gchar *url, const gchar *token, const gchar *ca_file, GError **error);
void ctl_remote_free (CtlRemote *remote);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlRemote, ctl_remote_free)

/* @path: without the first slash; @body (nullable): JSON. (transfer full)
 * Errors: with the service's text; G_IO_ERROR_NOT_FOUND for 404. */
JsonObject *ctl_remote_ask (CtlRemote *remote, const gchar *method,
    const gchar *path, const gchar *body, GError **error);

/* The track with the id @words, else the first one that @words find. (transfer
 * full) */
JsonObject *
ctl_remote_find_track (CtlRemote *remote, const gchar *words, GError **error);

G_END_DECLS
