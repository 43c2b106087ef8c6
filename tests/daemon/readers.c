/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The readers of the journal: all of them report a session alike. */
#include "bus-client.h"
#include "service.h"

#include <string.h>

#define FRAGMENTS  3
#define LONG_TRACK "many pipes"

/* --- A listener --- */

static guint64
fetch (JsonObject *session, guint number)
{
  const gchar *master = member (session, "hls_url");
  g_autofree gchar *url = g_strdup_printf ("%.*sopus-128/%u.m4s",
      (gint)(strlen (master) - strlen ("master.m3u8")), master, number);
  g_autoptr (Answer) answer = ask (service, "GET", url, NULL, NULL);

  g_assert_cmpuint (answer->status, ==, 200);
  return g_bytes_get_size (answer->body);
}

/* --- D-Bus --- */

static void
a_session_is_an_object_while_it_lives (void)
{
  g_autoptr (Bus) bus = bus_new (service);
  g_autoptr (JsonObject) session = session_for ("minuet", NULL);
  const gchar *id = member (session, "id");
  g_autofree gchar *path = NULL, *added = NULL;
  g_autoptr (GVariant) reply = NULL, gone = NULL;
  g_autoptr (Answer) answer = NULL;

  bus_wait_for_signal (bus, BUS_ROOT, "InterfacesAdded", id);
  path = bus_find_object (bus, id);
  g_assert_nonnull (path);
  added = g_strdup_printf ("'%s'", path);
  bus_wait_for_signal (bus, BUS_ROOT, "InterfacesAdded", added);
  fetch (session, 0);
  bus_wait_for_signal (bus, path, "PropertiesChanged", "'playing'");
  reply = bus_call (
      bus, path, BUS_SESSION, "Terminate", g_variant_new ("(s)", "enough"));
  g_assert_nonnull (reply);
  bus_wait_for_signal (bus, path, "PropertiesChanged", "'enough'");
  bus_wait_for_signal (bus, path, "PropertiesChanged", "'ended'");
  bus_wait_for_signal (bus, BUS_ROOT, "InterfacesRemoved", added);
  gone = bus_get_properties (bus, path);
  g_assert_null (gone);
  g_assert_null (bus_find_object (bus, id));
  answer = ask (service, "GET", member (session, "hls_url"), NULL, NULL);
  g_assert_cmpuint (answer->status, ==, 410);
}

static void
objects_can_be_looked_through (void)
{
  g_autoptr (Bus) bus = bus_new (service);
  g_autoptr (JsonObject) session = session_for ("minuet", NULL);
  g_autofree gchar *path = bus_find_object (bus, member (session, "id"));
  g_autoptr (GVariant) root = bus_call (bus, BUS_ROOT "/sessions",
      "org.freedesktop.DBus.Introspectable", "Introspect", NULL);
  g_autoptr (GVariant) object = bus_call (
      bus, path, "org.freedesktop.DBus.Introspectable", "Introspect", NULL);
  g_autoptr (GVariant) none = bus_call (bus, BUS_ROOT "/sessions/nosuch",
      BUS_SESSION, "Terminate", g_variant_new ("(s)", ""));
  const gchar *text;

  g_assert_null (none);
  g_variant_get (root, "(&s)", &text);
  g_assert_nonnull (strstr (text, strrchr (path, '/') + 1));
  g_variant_get (object, "(&s)", &text);
  g_assert_nonnull (strstr (text, BUS_SESSION));
  g_assert_nonnull (strstr (text, "RttMs"));
}

/* Counts signals that carry BytesSent and nothing else. */
static guint
count_beats (Bus *bus, const gchar *path, guint64 *bytes_sent)
{
  guint n = 0;

  for (guint i = 0; i < bus->heard->len; i++) {
    const Signal *heard = bus->heard->pdata[i];
    g_autoptr (GVariant) changed = NULL;
    if (!g_str_equal (heard->path, path))
      continue;
    changed = g_variant_get_child_value (heard->parameters, 1);
    if (g_variant_n_children (changed) == 1
        && g_variant_lookup (changed, "BytesSent", "t", bytes_sent))
      n++;
  }
  return n;
}

static void
bytes_are_told_once_a_second_and_to_who_watches (void)
{
  g_autoptr (Bus) bus = bus_new (service), other = bus_new (service);
  g_autoptr (JsonObject) session = session_for ("minuet", NULL);
  g_autofree gchar *path = bus_find_object (bus, member (session, "id"));
  g_autofree gchar *sum = NULL;
  g_autoptr (GVariant) reply = bus_call (bus, BUS_ROOT, BUS_NAME ".Manager",
      "WatchBytes", g_variant_new ("(b)", TRUE));
  g_autoptr (GVariant) unwatched = NULL, ended = NULL;
  guint64 bytes_sent = 0, told = 0;
  gint64 began_us = g_get_monotonic_time (), took_s;
  guint n_beats;

  g_assert_nonnull (reply);
  for (guint i = 0; i < FRAGMENTS; i++)
    bytes_sent += fetch (session, i);
  sum = g_strdup_printf (
      "{'BytesSent': <uint64 %" G_GUINT64_FORMAT ">}", bytes_sent);
  bus_wait_for_signal (bus, path, "PropertiesChanged", sum);
  took_s = (g_get_monotonic_time () - began_us) / G_USEC_PER_SEC;
  n_beats = count_beats (bus, path, &told);
  g_assert_cmpuint (told, ==, bytes_sent);
  g_assert_cmpuint (n_beats, >=, 1);
  g_assert_cmpuint (n_beats, <=, 1 + took_s);
  unwatched = bus_call (bus, BUS_ROOT, BUS_NAME ".Manager", "WatchBytes",
      g_variant_new ("(b)", FALSE));
  fetch (session, 0);
  ended = bus_call (
      bus, path, BUS_SESSION, "Terminate", g_variant_new ("(s)", "enough"));
  bus_wait_for_signal (bus, path, "PropertiesChanged", "'enough'");
  bus_wait_for_signal (other, path, "PropertiesChanged", "'enough'");
  g_assert_cmpuint (count_beats (bus, path, &told), ==, n_beats);
  g_assert_cmpuint (count_beats (other, path, &told), ==, 0);
}

/* A progressive stream is reported while it plays, and to its last byte. */
static void
bytes_of_a_stream_are_told_while_it_plays (void)
{
  g_autoptr (Bus) bus = bus_new (service);
  g_autoptr (JsonObject) session = session_for (LONG_TRACK, NULL);
  const gchar *id = member (session, "id");
  g_autofree gchar *path = bus_find_object (bus, id);
  g_autoptr (GVariant) watched = bus_call (bus, BUS_ROOT, BUS_NAME ".Manager",
      "WatchBytes", g_variant_new ("(b)", TRUE));
  g_autoptr (GSubprocess) curl
      = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_SILENCE, NULL, "curl",
          "-sN", member (session, "progressive_url"), NULL);
  g_autoptr (GVariant) ended = NULL, changed = NULL;
  guint64 told = 0, in_all = 0;

  g_assert_nonnull (watched);
  bus_wait_for_signal (bus, path, "PropertiesChanged", "{'BytesSent': <");
  g_assert_cmpuint (count_beats (bus, path, &told), >=, 1);
  g_assert_cmpuint (told, >, 0);
  ended = bus_call (
      bus, path, BUS_SESSION, "Terminate", g_variant_new ("(s)", "enough"));
  changed = g_variant_get_child_value (
      bus_wait_for_signal (bus, path, "PropertiesChanged", "'enough'")
          ->parameters,
      1);
  g_assert_true (g_variant_lookup (changed, "BytesSent", "t", &in_all));
  g_assert_cmpuint (in_all, >=, told);
  g_subprocess_wait (curl, NULL, NULL);
}

static gboolean
is_filled (gpointer path)
{
  g_autofree gchar *text = NULL;
  gsize size_bytes = 0;

  return g_file_get_contents (path, &text, &size_bytes, NULL) && size_bytes > 0;
}

/* Nobody watches its bytes, and it is ended in the middle. */
static void
a_stream_that_is_cut_off_has_its_bytes_counted (void)
{
  g_autoptr (Bus) bus = bus_new (service);
  g_autoptr (JsonObject) session = session_for (LONG_TRACK, NULL);
  g_autofree gchar *path = bus_find_object (bus, member (session, "id"));
  g_autofree gchar *file
      = g_build_filename (daemon_get_state_dir (service), "stream", NULL);
  g_autoptr (GSubprocess) curl
      = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, NULL, "curl", "-sN", "-o",
          file, member (session, "progressive_url"), NULL);
  g_autoptr (GVariant) ended = NULL, changed = NULL;
  guint64 in_all = 0;

  wait_until (is_filled, file, "the stream", 20);
  ended = bus_call (
      bus, path, BUS_SESSION, "Terminate", g_variant_new ("(s)", "enough"));
  changed = g_variant_get_child_value (
      bus_wait_for_signal (bus, path, "PropertiesChanged", "'enough'")
          ->parameters,
      1);
  g_assert_true (g_variant_lookup (changed, "BytesSent", "t", &in_all));
  g_assert_cmpuint (in_all, >, 0);
  g_subprocess_wait (curl, NULL, NULL);
}

static void
progress_of_a_scan_is_told (void)
{
  g_autoptr (Bus) bus = bus_new (service);
  g_autoptr (GVariant) reply
      = bus_call (bus, BUS_ROOT, BUS_NAME ".Library", "Rescan", NULL);

  g_assert_nonnull (reply);
  bus_wait_for_signal (bus, BUS_ROOT, "ScanDone", "()");
}

/* --- All readers --- */

/* "track_id" → "TrackId" (transfer full) */
static gchar *
make_property_name (const gchar *name)
{
  GString *property = g_string_new (NULL);

  for (const gchar *p = name; *p; p++)
    if (*p != '_')
      g_string_append_c (
          property, p == name || p[-1] == '_' ? g_ascii_toupper (*p) : *p);
  return g_string_free (property, FALSE);
}

/* As on D-Bus, where an unknown string is "". */
static void
assert_same_value (const gchar *name, JsonNode *json, GVariant *variant)
{
  g_test_message ("%s", name);
  g_assert_nonnull (variant);
  if (g_variant_is_of_type (variant, G_VARIANT_TYPE_STRING)) {
    g_assert_cmpstr (
        json_node_is_null (json) ? "" : json_node_get_string (json), ==,
        g_variant_get_string (variant, NULL));
    return;
  }
  g_assert_true (json_node_get_value_type (json) == G_TYPE_INT64);
  g_assert_cmpint (json_node_get_int (json), ==,
      g_variant_is_of_type (variant, G_VARIANT_TYPE_UINT32)
          ? g_variant_get_uint32 (variant)
      : g_variant_is_of_type (variant, G_VARIANT_TYPE_INT64)
          ? g_variant_get_int64 (variant)
          : (gint64)g_variant_get_uint64 (variant));
}

/* Every property of the object is a member of @told. */
static void
assert_same_session (GVariant *properties, JsonObject *told)
{
  g_autoptr (GList) names = json_object_get_members (told);
  guint n_same = 0;

  for (GList *item = names; item; item = item->next) {
    g_autofree gchar *property = make_property_name (item->data);
    g_autoptr (GVariant) value
        = g_variant_lookup_value (properties, property, NULL);
    if (!value)
      continue;
    n_same++;
    assert_same_value (
        item->data, json_object_get_member (told, item->data), value);
  }
  g_assert_cmpuint (n_same, ==, g_variant_n_children (properties));
}

/* (transfer full) */
static JsonObject *
find_listed (const gchar *text, const gchar *id)
{
  g_autoptr (JsonNode) root = json_from_string (text, NULL);
  JsonArray *array = json_node_get_array (root);

  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonObject *object = json_array_get_object_element (array, i);
    if (g_str_equal (member (object, "id"), id))
      return json_object_ref (object);
  }
  g_error ("no session %s in %s", id, text);
}

static void
syrinxctl_tells_names_and_types_of_the_bus (void)
{
  g_autoptr (Bus) bus = bus_new (service);
  g_autoptr (JsonObject) session = session_for ("minuet", NULL);
  const gchar *id = member (session, "id");
  g_autofree gchar *path = bus_find_object (bus, id);
  g_autoptr (GVariant) properties = NULL;
  g_autofree gchar *listed = NULL;
  g_autoptr (JsonObject) told = NULL;

  fetch (session, 0);
  properties = bus_get_properties (bus, path);
  listed = daemon_ctl (service, "sessions", "--json", NULL);
  told = find_listed (listed, id);
  assert_same_session (properties, told);
}

/* --- Server-sent events, metrics and the audit log --- */

typedef struct
{
  GSubprocess *curl;
  gchar *file;
} Feed;

/* The server-sent events of @daemon, from now on. */
static Feed *
feed_new (Daemon *daemon, const gchar *name)
{
  g_autofree gchar *admin = daemon_token (daemon, "root", "admin");
  g_autofree gchar *header
      = g_strconcat ("Authorization: Bearer ", admin, NULL);
  g_autofree gchar *url
      = g_strconcat (daemon_get_admin_url (daemon), "/v1/events", NULL);
  g_autoptr (GError) error = NULL;
  Feed *feed = g_new0 (Feed, 1);

  feed->file = g_build_filename (daemon_get_state_dir (daemon), name, NULL);
  feed->curl = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error, "curl", "-sN",
      "-m", "60", "-H", header, "-o", feed->file, url, NULL);
  g_assert_no_error (error);
  return feed;
}

static void
feed_free (Feed *feed)
{
  g_subprocess_force_exit (feed->curl);
  g_object_unref (feed->curl);
  g_free (feed->file);
  g_free (feed);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Feed, feed_free)

/* The last event @name whose data contain both @a and @b. (transfer full)
 * (nullable) */
static JsonObject *
feed_find (Feed *feed, const gchar *name, const gchar *a, const gchar *b)
{
  g_autofree gchar *text = NULL;
  g_autofree gchar *head = g_strdup_printf ("event: %s\ndata: ", name);
  g_auto (GStrv) events = NULL;
  JsonObject *found = NULL;

  if (!g_file_get_contents (feed->file, &text, NULL, NULL))
    return NULL;
  events = g_strsplit (text, "\n\n", -1);
  for (guint i = 0; events[i]; i++) {
    g_autoptr (JsonNode) root = NULL;
    if (!events[i + 1] || !g_str_has_prefix (events[i], head)
        || !strstr (events[i], a) || !strstr (events[i], b))
      continue; /* another event, or an incomplete one */
    root = json_from_string (events[i] + strlen (head), NULL);
    g_assert_nonnull (root);
    g_clear_pointer (&found, json_object_unref);
    found = json_node_dup_object (root);
  }
  return found;
}

static JsonObject *
feed_wait (Feed *feed, const gchar *name, const gchar *a, const gchar *b)
{
  gint64 end_us = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;
  JsonObject *found;

  while (!(found = feed_find (feed, name, a, b))) {
    if (g_get_monotonic_time () > end_us)
      g_error ("waited 20 s for the event %s with %s and %s", name, a, b);
    g_usleep (5000);
  }
  return found;
}

/* @name: including labels. 0 if it does not exist. */
static guint64
read_metric (Daemon *daemon, const gchar *name)
{
  g_autofree gchar *url
      = g_strconcat (daemon_get_admin_url (daemon), "/metrics", NULL);
  g_autoptr (Answer) answer = ask (daemon, "GET", url, NULL, NULL);
  g_autofree gchar *text = answer_text (answer);
  g_autofree gchar *start = g_strdup_printf ("\n%s ", name);
  const gchar *found = strstr (text, start);

  return found ? g_ascii_strtoull (found + strlen (start), NULL, 10) : 0;
}

/* The line of the audit log for the session. (transfer full) */
static JsonObject *
read_audit (const gchar *session_id)
{
  g_autofree gchar *path
      = g_build_filename (daemon_get_state_dir (service), "audit.log", NULL);
  g_autofree gchar *text = NULL;
  g_auto (GStrv) lines = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i]; i++)
    if (strstr (lines[i], session_id)) {
      g_autoptr (JsonNode) root = json_from_string (lines[i], NULL);
      return json_node_dup_object (root);
    }
  g_error ("nothing of %s in %s", session_id, text);
}

static void
fetch_key (JsonObject *session)
{
  const gchar *master = member (session, "hls_url");
  g_autofree gchar *url = g_strdup_printf ("%.*sopus-128/1/key",
      (gint)(strlen (master) - strlen ("master.m3u8")), master);
  g_autoptr (Answer) answer = ask (service, "GET", url, NULL, NULL);

  g_assert_cmpuint (answer->status, ==, 200);
}

/* All readers report the session alike while it plays. */
static void
assert_told_alike (Bus *bus, Feed *feed, const gchar *id)
{
  g_autofree gchar *path = bus_find_object (bus, id);
  g_autoptr (GVariant) properties = bus_get_properties (bus, path);
  g_autoptr (JsonObject) event
      = feed_wait (feed, "session", id, "\"state\":\"playing\"");
  g_autofree gchar *url = g_strconcat ("/v1/sessions/", id, NULL);
  g_autoptr (Answer) answer = ask (service, "GET", url, token, NULL);
  g_autoptr (JsonObject) shown = answer_json (answer);
  g_autofree gchar *text = daemon_ctl (service, "sessions", "--json", NULL);
  g_autoptr (JsonObject) listed = find_listed (text, id);

  assert_same_session (properties, event);
  assert_same_session (properties, shown);
  assert_same_session (properties, listed);
}

static void
assert_noted (Feed *feed, JsonObject *session)
{
  const gchar *id = member (session, "id");
  g_autoptr (JsonObject) line = read_audit (id);
  g_autoptr (JsonObject) event = feed_wait (feed, "key-given", id, "");

  g_assert_cmpstr (member (line, "event"), ==, "key-given");
  g_assert_cmpstr (member (line, "session"), ==, id);
  g_assert_cmpstr (member (line, "subject"), ==, "ann");
  g_assert_cmpstr (member (line, "track"), ==, member (session, "track_id"));
  g_assert_cmpstr (member (event, "session"), ==, id);
  g_assert_cmpstr (member (event, "subject"), ==, "ann");
  g_assert_cmpstr (
      member (event, "track_id"), ==, member (session, "track_id"));
  g_assert_cmpstr (member (event, "form"), ==, member (line, "form"));
}

typedef struct
{
  guint64 began, ended, keys, bytes;
} Counts;

static Counts
read_counts (void)
{
  return (Counts){ read_metric (service, "syrinx_sessions_began_total"),
    read_metric (service, "syrinx_sessions_ended_total"),
    read_metric (service, "syrinx_keys_given_total"),
    read_metric (service, "syrinx_sent_bytes_total") };
}

static void
all_tell_the_same_of_one_life (void)
{
  g_autoptr (Bus) bus = bus_new (service);
  g_autoptr (Feed) feed = feed_new (service, "life");
  g_autoptr (JsonObject) library = feed_wait (feed, "library", "", "");
  Counts before = read_counts (), after;
  g_autoptr (JsonObject) session = session_for ("minuet", NULL);
  const gchar *id = member (session, "id");
  g_autofree gchar *path = bus_find_object (bus, id);
  g_autofree gchar *url = g_strconcat ("/v1/sessions/", id, NULL);
  guint64 bytes = fetch (session, 0);
  g_autoptr (JsonObject) last = NULL;
  g_autoptr (Answer) ended = NULL;

  assert_told_alike (bus, feed, id);
  fetch_key (session);
  assert_noted (feed, session);
  ended = ask (service, "DELETE", url, token, NULL);
  g_assert_cmpuint (ended->status, ==, 204);
  last = feed_wait (feed, "session", id, "\"state\":\"ended\"");
  g_assert_cmpstr (member (last, "reason"), ==, "by its listener");
  g_assert_cmpint (json_object_get_int_member (last, "bytes_sent"), ==, bytes);
  bus_wait_for_signal (
      bus, path, "PropertiesChanged", "'Reason': <'by its listener'>");
  bus_wait_for_signal (bus, path, "PropertiesChanged", "'State': <'ended'>");
  after = read_counts ();
  g_assert_cmpuint (after.began, ==, before.began + 1);
  g_assert_cmpuint (after.ended, ==, before.ended + 1);
  g_assert_cmpuint (after.keys, ==, before.keys + 1);
  g_assert_cmpuint (after.bytes, ==, before.bytes + bytes);
}

/* The file was removed, and no scan has noticed it. */
static void
what_fails_is_told_and_counted (void)
{
  g_autofree gchar *library = g_dir_make_tmp ("syrinx-readers-XXXXXX", NULL);
  g_autofree gchar *file
      = sample_file ("Pipes at Dawn", "06 Lullaby for a Queue.flac");
  g_autofree gchar *copy = g_build_filename (library, "lullaby.flac", NULL);
  g_autofree gchar *url = NULL, *bearer = NULL, *id = NULL;
  g_autoptr (Daemon) daemon = NULL;
  g_autoptr (JsonObject) session = NULL, event = NULL;
  g_autoptr (Feed) feed = NULL;
  g_autoptr (Answer) answer = NULL;

  g_bytes_unref (shell ("cp '%s' '%s'", file, copy));
  daemon = daemon_new (library, NULL);
  bearer = daemon_token (daemon, "ann", "listen");
  daemon_wait_for_tracks (daemon, 1);
  id = daemon_find (daemon, bearer, "lullaby");
  session = daemon_session (daemon, bearer, id, NULL);
  feed = feed_new (daemon, "failure");
  json_object_unref (feed_wait (feed, "library", "", ""));
  g_bytes_unref (
      shell ("mv '%s' '%s.gone'", copy, daemon_get_state_dir (daemon)));
  url = g_strdup_printf ("%.*sopus-128/0.m4s",
      (gint)(strlen (member (session, "hls_url")) - strlen ("master.m3u8")),
      member (session, "hls_url"));
  answer = ask (daemon, "GET", url, NULL, NULL);
  g_assert_cmpuint (answer->status, >=, 400);
  event = feed_wait (feed, "error", id, "opus-128");
  g_assert_nonnull (member (event, "reason"));
  g_assert_nonnull (member (event, "time"));
  g_assert_cmpuint (read_metric (daemon, "syrinx_errors_total"), >=, 1);
  g_bytes_unref (
      shell ("rm -r '%s' '%s.gone'", library, daemon_get_state_dir (daemon)));
}

/* --- Refusals --- */

static guint64
read_refusals (Daemon *daemon, const gchar *reason)
{
  g_autofree gchar *name
      = g_strdup_printf ("syrinx_refused_total{reason=\"%s\"}", reason);

  return read_metric (daemon, name);
}

static void
assert_refused (const gchar *reason, const gchar *method, const gchar *path,
    const gchar *bearer, const gchar *body, guint status)
{
  guint64 before = read_refusals (service, reason);
  g_autoptr (Answer) answer = ask (service, method, path, bearer, body);

  g_test_message ("%s", reason);
  g_assert_cmpuint (answer->status, ==, status);
  g_assert_cmpuint (read_refusals (service, reason), ==, before + 1);
}

static void
refusals_are_counted_by_their_reason (void)
{
  g_autoptr (Feed) feed = feed_new (service, "refusals");
  g_autofree gchar *id = daemon_find (service, token, "minuet");
  g_autofree gchar *narrow = daemon_ctl (service, "token", "issue", "--subject",
      "eve", "--scope", "listen", "--tracks", "none*", NULL);
  g_autofree gchar *admin = daemon_token (service, "root", "admin");
  g_autofree gchar *original = g_strdup_printf ("/v1/tracks/%s/original", id);
  g_autofree gchar *named = g_strdup_printf ("%s?token=%s", original, admin);
  g_autofree gchar *body = g_strdup_printf ("{\"track_id\":\"%s\"}", id);
  g_autoptr (JsonObject) totals = NULL;

  assert_refused ("no-token", "GET", "/v1/tracks", NULL, NULL, 401);
  assert_refused ("bad-token", "GET", "/v1/tracks", "a.b.c", NULL, 401);
  assert_refused ("admin-in-address", "GET", named, NULL, NULL, 403);
  assert_refused ("no-right", "GET", original, token, NULL, 403);
  assert_refused ("no-right", "POST", "/v1/sessions", narrow, body, 403);
  totals = feed_wait (feed, "totals", "\"no-right\":", "\"bad-token\":");
  g_assert_true (json_object_has_member (totals, "sessions"));
}

static void
requests_that_come_too_often_are_counted (void)
{
  g_autoptr (Daemon) daemon = daemon_new (NULL, "requests-per-second=1");
  guint n_refused = 0;

  for (guint i = 0; i < 40; i++) {
    g_autoptr (Answer) answer = ask (daemon, "GET", "/v1/tracks", NULL, NULL);
    n_refused += answer->status == 429;
  }
  g_assert_cmpuint (n_refused, >, 0);
  g_assert_cmpuint (read_refusals (daemon, "too-often"), ==, n_refused);
}

#define ADD(name) g_test_add_func ("/readers/" #name, name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (a_session_is_an_object_while_it_lives);
  ADD (objects_can_be_looked_through);
  ADD (bytes_are_told_once_a_second_and_to_who_watches);
  ADD (bytes_of_a_stream_are_told_while_it_plays);
  ADD (a_stream_that_is_cut_off_has_its_bytes_counted);
  ADD (progress_of_a_scan_is_told);
  ADD (syrinxctl_tells_names_and_types_of_the_bus);
  ADD (all_tell_the_same_of_one_life);
  ADD (what_fails_is_told_and_counted);
  ADD (refusals_are_counted_by_their_reason);
  ADD (requests_that_come_too_often_are_counted);
  return service_run ();
}
