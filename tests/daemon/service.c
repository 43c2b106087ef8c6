/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service.h"

Daemon *service;
gchar *token;

int
service_run (void)
{
  int result;

  service = daemon_new (NULL, "requests-per-second=10000\n"
                              "requests-per-second-per-subject=10000\n"
                              "max-sessions-per-subject=1000000\n"
                              "max-sessions-per-address=1000000");
  daemon_wait_for_tracks (service, N_SAMPLES);
  token = daemon_token (service, "ann", "listen");
  result = g_test_run ();
  g_clear_pointer (&service, daemon_free);
  g_clear_pointer (&token, g_free);
  return result;
}

const gchar *
member (JsonObject *object, const gchar *name)
{
  return json_object_get_string_member (object, name);
}

JsonObject *
session_for (const gchar *words, const gchar *members)
{
  g_autofree gchar *id = daemon_find (service, token, words);

  return daemon_session (service, token, id, members);
}

void
assert_same_sound (const gchar *what, const Sound *original, gsize offset,
    const Sound *heard, gdouble alike)
{
  gdouble correlation = correlate (original, offset, heard);
  gint64 longer = (gint64)heard->n - (gint64)(original->n - offset);

  g_test_message (
      "%s: %+" G_GINT64_FORMAT " samples, %.3f", what, longer, correlation);
  g_assert_cmpint (ABS (longer), <=, FRAME_SAMPLES);
  g_assert_cmpfloat (correlation, >, alike);
}
