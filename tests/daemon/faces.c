/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The faces besides playing: D-Bus, syrinxctl, completion, OpenAPI, events. */
#include "service.h"

#include <string.h>

/* Completion asks the programs for their words; the test checks that it parses
 * the answers. */
static void
bash_completes_what_the_programs_take (void)
{
  static const struct
  {
    const gchar *words, *completed;
  } cases[] = { { "syrinxctl ''", "failures" }, { "syrinxctl to", "token" },
    { "syrinxctl token ''", "issue" }, { "syrinxctl key r", "rotate" },
    { "syrinxctl --state-dir /tmp token issue --sc", "--scope=" },
    { "syrinxd --cache", "--cache-size=" } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GBytes) said = shell (
        "bash -c 'PATH=\"%s/daemon:$PATH\"; . "
        "\"%s/../completions/syrinx.bash\"; "
        "COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _syrinx 2>/dev/null; "
        "echo \" ${COMPREPLY[*]} \"' bash %s",
        g_getenv ("SYRINX_BUILD"), g_getenv ("SYRINX_SAMPLES"), cases[i].words);
    g_autofree gchar *text
        = g_strndup (g_bytes_get_data (said, NULL), g_bytes_get_size (said));
    g_autofree gchar *wanted = g_strdup_printf (" %s ", cases[i].completed);
    g_test_message ("%s: %s", cases[i].words, text);
    g_assert_nonnull (strstr (text, wanted));
  }
}

static void
the_session_bus_shows_and_steers_it (void)
{
  g_autoptr (GBytes) said = shell (
      "dir=$(mktemp -d); trap 'rm -rf $dir' EXIT; "
      "dbus-run-session -- sh -ec '"
      "\"%s/daemon/syrinxd\" --bus session --state-dir '$dir' --library \"%s\" "
      "--http 127.0.0.1:0 --admin 127.0.0.1:0 2>/dev/null & "
      "gdbus wait --session --timeout 20 org.syrinx.Syrinx1; "
      "o=\"--session --dest org.syrinx.Syrinx1 --object-path "
      "/org/syrinx/Syrinx1\"; "
      "gdbus introspect $o; "
      "gdbus call $o --method org.freedesktop.DBus.Properties.Get "
      "org.syrinx.Syrinx1.Manager Version; "
      "gdbus call $o --method org.syrinx.Syrinx1.Library.Rescan; "
      "gdbus call $o --method org.freedesktop.DBus.ObjectManager."
      "GetManagedObjects >/dev/null; "
      "gdbus call $o --method org.syrinx.Syrinx1.Manager.TerminateSession "
      "nosuch \"\" 2>&1 || true; "
      "kill $!; wait $! || true' 2>&1",
      g_getenv ("SYRINX_BUILD"), g_getenv ("SYRINX_SAMPLES"));
  g_autofree gchar *text
      = g_strndup (g_bytes_get_data (said, NULL), g_bytes_get_size (said));
  static const gchar *const wanted[] = { "interface org.syrinx.Syrinx1.Manager",
    "interface org.syrinx.Syrinx1.Library", "(<'0.",
    "org.syrinx.Syrinx1.Error.NotFound" };

  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++)
    if (!strstr (text, wanted[i]))
      g_error ("\"%s\" is missing in:\n%s", wanted[i], text);
}

static void
syrinxctl_shows_and_ends_sessions (void)
{
  g_autoptr (JsonObject) session = session_for ("minuet", NULL);
  g_autofree gchar *listed = daemon_ctl (service, "sessions", "--json", NULL);
  g_autofree gchar *status = daemon_ctl (service, "status", NULL);
  g_autofree gchar *done = NULL;
  g_autoptr (Answer) gone = NULL;

  g_assert_nonnull (strstr (listed, member (session, "id")));
  g_assert_nonnull (strstr (status, daemon_get_url (service)));
  done = daemon_ctl (
      service, "sessions", "terminate", member (session, "id"), NULL);
  gone = ask (service, "GET", member (session, "hls_url"), NULL, NULL);
  g_assert_cmpuint (gone->status, ==, 410);
}

/* "/v1/tracks/{id}" with a well-formed id. */
static gchar *
fill_path (const gchar *pattern)
{
  g_autoptr (GRegex) variable = g_regex_new ("\\{[a-z]+\\}", 0, 0, NULL);

  return g_regex_replace_literal (
      variable, pattern, -1, 0, "AAAAAAAAAAAAAAAAAAAAAA", 0, NULL);
}

/* The daemon knows the path, and its answer is documented. */
static void
check_operation (const gchar *pattern, const gchar *method,
    JsonObject *operation, gboolean of_admin)
{
  g_autofree gchar *filled = fill_path (pattern);
  g_autofree gchar *address = g_strconcat (
      of_admin ? daemon_get_admin_url (service) : daemon_get_url (service),
      filled, NULL);
  g_autofree gchar *verb = g_ascii_strup (method, -1);
  g_autofree gchar *status = NULL, *text = NULL;
  g_autoptr (Answer) answer = ask (service, verb, address, token,
      g_str_equal (verb, "POST") ? "{\"track_id\":\"x\"}" : NULL);

  status = g_strdup_printf ("%u", answer->status);
  text = answer_text (answer);
  g_test_message ("%s %s: %s", verb, pattern, status);
  g_assert_true (json_object_has_member (
      json_object_get_object_member (operation, "responses"), status));
  g_assert_null (strstr (text, "nothing at this address"));
}

static void
the_openapi_file_tells_the_truth (void)
{
  g_autoptr (Answer) answer = ask (service, "GET", "/openapi.json", NULL, NULL);
  g_autoptr (JsonObject) api = answer_json (answer);
  JsonObject *paths = json_object_get_object_member (api, "paths");
  JsonObjectIter path, operation;
  const gchar *pattern, *method;
  JsonNode *node, *inner;

  g_assert_cmpuint (json_object_get_size (paths), >, 20);
  json_object_iter_init (&path, paths);
  while (json_object_iter_next (&path, &pattern, &node)) {
    JsonObject *item = json_node_get_object (node);
    gboolean of_admin = json_object_has_member (item, "servers");
    json_object_iter_init (&operation, item);
    while (json_object_iter_next (&operation, &method, &inner))
      if (JSON_NODE_HOLDS_OBJECT (inner))
        check_operation (
            pattern, method, json_node_get_object (inner), of_admin);
  }
}

static gboolean
has_told (gpointer data)
{
  const gchar *const *told = data; /* a file, and the text it must contain */
  g_autofree gchar *text = NULL;

  return g_file_get_contents (told[0], &text, NULL, NULL)
         && strstr (text, told[1]);
}

static void
events_tell_what_happens (void)
{
  g_autofree gchar *admin = daemon_token (service, "root", "admin");
  g_autofree gchar *header
      = g_strconcat ("Authorization: Bearer ", admin, NULL);
  g_autofree gchar *url
      = g_strconcat (daemon_get_admin_url (service), "/v1/events", NULL);
  g_autofree gchar *file
      = g_build_filename (daemon_get_state_dir (service), "events", NULL);
  g_autoptr (Answer) unasked = ask (service, "GET", url, token, NULL);
  g_autoptr (GSubprocess) curl = NULL;
  g_autoptr (JsonObject) session = NULL;
  g_autofree gchar *begins = NULL, *path = NULL;
  g_autoptr (Answer) ended = NULL;

  g_assert_cmpuint (unasked->status, ==, 403);
  curl = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, NULL, "curl", "-sN", "-m",
      "20", "-H", header, "-o", file, url, NULL);
  wait_until (has_told, (const gchar *[]){ file, "event: library\ndata: {" },
      "the library's state", 5);
  session = session_for ("minuet", NULL);
  begins = g_strdup_printf (
      "event: session\ndata: {\"id\":\"%s\"", member (session, "id"));
  wait_until (
      has_told, (const gchar *[]){ file, begins }, "the session to begin", 5);
  path = g_strconcat ("/v1/sessions/", member (session, "id"), NULL);
  ended = ask (service, "DELETE", path, token, NULL);
  wait_until (has_told, (const gchar *[]){ file, "\"state\":\"ended\"" },
      "the session to end", 5);
  g_subprocess_force_exit (curl);
}

#define ADD(name) g_test_add_func ("/faces/" #name, name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (bash_completes_what_the_programs_take);
  ADD (the_session_bus_shows_and_steers_it);
  ADD (syrinxctl_shows_and_ends_sessions);
  ADD (the_openapi_file_tells_the_truth);
  ADD (events_tell_what_happens);
  return service_run ();
}
