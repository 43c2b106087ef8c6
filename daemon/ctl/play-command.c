/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxctl play: a listener on the command line. */
#include "ctl.h"

#include "device-key.h"
#include "remote.h"

#include <glib-unix.h>
#include <gst/gst.h>
#include <string.h>

typedef struct
{
  gchar *url, *token, *ca_file, *encryption, *output;
  gdouble start_s;
} Options;

typedef struct
{
  GMainLoop *loop;
  GError *error; /* (nullable) */
} Playing;

/* --- The pipeline --- */

static gboolean
pipeline_says (GstBus *bus, GstMessage *message, gpointer data)
{
  Playing *playing = data;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR && !playing->error)
    gst_message_parse_error (message, &playing->error, NULL);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR
      || GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS)
    g_main_loop_quit (playing->loop);
  return G_SOURCE_CONTINUE;
}

static gboolean
interrupted (gpointer data)
{
  g_main_loop_quit (((Playing *)data)->loop);
  return G_SOURCE_CONTINUE;
}

/* URLs and keys are set as properties and contexts, not as launch text, so they
 * can't add elements. */
static GstElement *
make_pipeline (const gchar *url, GBytes *key, const Options *options,
    GTlsDatabase *trusted, GError **error)
{
  g_autofree gchar *text = g_strconcat ("souphttpsrc name=src ! ",
      key ? "syrinxchunkdec name=dec format=ece ! " : "",
      options->output ? "filesink name=out"
                      : "oggdemux ! opusdec ! audioconvert ! audioresample ! "
                        "autoaudiosink",
      NULL);
  GError *cause = NULL;
  GstElement *pipeline
      = gst_parse_launch_full (text, NULL, GST_PARSE_FLAG_FATAL_ERRORS, &cause);
  GstContext *context;

  if (!pipeline) {
    gboolean is_missing = g_error_matches (
        cause, GST_PARSE_ERROR, GST_PARSE_ERROR_NO_SUCH_ELEMENT);
    g_propagate_prefixed_error (error, cause,
        is_missing ? "a GStreamer plugin is not installed, or GST_PLUGIN_PATH "
                     "does not name its folder: "
                   : "");
    return NULL;
  }
  gst_child_proxy_set (GST_CHILD_PROXY (pipeline), "src::location", url, NULL);
  if (trusted)
    gst_child_proxy_set (
        GST_CHILD_PROXY (pipeline), "src::tls-database", trusted, NULL);
  if (options->output)
    gst_child_proxy_set (
        GST_CHILD_PROXY (pipeline), "out::location", options->output, NULL);
  if (key) {
    context = gst_context_new ("syrinx.key", FALSE);
    gst_structure_set (gst_context_writable_structure (context), "key",
        G_TYPE_BYTES, key, NULL);
    gst_element_set_context (pipeline, context);
    gst_context_unref (context);
  }
  return pipeline;
}

/* Runs until its end, an error, or a signal. */
static gboolean
run_pipeline (GstElement *pipeline, GError **error)
{
  Playing playing = { .loop = g_main_loop_new (NULL, FALSE) };
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  guint signals[] = { g_unix_signal_add (SIGINT, interrupted, &playing),
    g_unix_signal_add (SIGTERM, interrupted, &playing) };

  gst_bus_add_watch (bus, pipeline_says, &playing);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_main_loop_run (playing.loop);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_bus_remove_watch (bus);
  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    g_source_remove (signals[i]);
  g_main_loop_unref (playing.loop);
  if (playing.error)
    g_propagate_error (error, playing.error);
  return !playing.error;
}

/* --- The session --- */

static JsonObject *
begin_session (CtlRemote *remote, const gchar *track_id, const Options *options,
    CtlDeviceKey *device, GError **error)
{
  g_autofree gchar *jwk = device ? ctl_device_key_get_jwk (device) : NULL;
  g_autofree gchar *body = g_strdup_printf (
      "{\"track_id\":\"%s\",\"encryption\":\"%s\"%s%s}", track_id,
      device ? "ece" : "none", jwk ? ",\"public_key\":" : "", jwk ? jwk : "");

  return ctl_remote_ask (remote, "POST", "v1/sessions", body, error);
}

static gboolean
play_session (CtlRemote *remote, JsonObject *session, CtlDeviceKey *device,
    const Options *options, GError **error)
{
  const gchar *id = json_object_get_string_member (session, "id");
  gchar start[G_ASCII_DTOSTR_BUF_SIZE];
  g_autofree gchar *url = NULL;
  g_autoptr (GBytes) key = NULL;
  g_autoptr (GstElement) pipeline = NULL;

  g_ascii_formatd (start, sizeof start, "%.3f", options->start_s);
  url = g_strconcat (json_object_get_string_member (session, "progressive_url"),
      "?start=", start, NULL);
  if (device
      && !(key = ctl_device_key_open (device,
               json_object_get_string_member (session, "key"), id, error)))
    return FALSE;
  pipeline = make_pipeline (
      url, key, options, soup_session_get_tls_database (remote->http), error);
  return pipeline && run_pipeline (pipeline, error);
}

static void
announce (JsonObject *track)
{
  const gchar *artist
      = json_object_get_string_member_with_default (track, "artist", "");

  g_printerr ("%s%s%s\n", json_object_get_string_member (track, "title"),
      *artist ? ", " : "", artist);
}

static gboolean
play_track (CtlRemote *remote, JsonObject *track, const Options *options,
    GError **error)
{
  g_autoptr (CtlDeviceKey) device = g_strcmp0 (options->encryption, "ece") == 0
                                        ? ctl_device_key_new ()
                                        : NULL;
  g_autoptr (JsonObject) session = begin_session (remote,
      json_object_get_string_member (track, "id"), options, device, error);
  g_autofree gchar *path = NULL;
  g_autoptr (JsonObject) ended = NULL;
  gboolean played;

  if (!session)
    return FALSE;
  announce (track);
  played = play_session (remote, session, device, options, error);
  path = g_strconcat (
      "v1/sessions/", json_object_get_string_member (session, "id"), NULL);
  ended = ctl_remote_ask (remote, "DELETE", path, NULL, NULL);
  return played;
}

/* --- Defaults --- */

/* The address at which the daemon of the state directory listens. (transfer
 * full) */
static gchar *
find_url (Ctl *ctl, GError **error)
{
  g_autofree gchar *path
      = g_build_filename (ctl->state_dir, "http-address", NULL);
  gchar *url = NULL;

  if (g_file_get_contents (path, &url, NULL, NULL))
    return g_strstrip (url);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
      "there is no %s: say where the service is, --server URL", path);
  return NULL;
}

static gchar *
find_token (Ctl *ctl, GError **error)
{
  const gchar *given = g_getenv ("SYRINX_TOKEN");

  return given && *given
             ? g_strdup (given)
             : ctl_issue_listener_token (ctl, g_get_user_name (), error);
}

static CtlRemote *
reach (Ctl *ctl, Options *options, GError **error)
{
  if (!options->url && !(options->url = find_url (ctl, error)))
    return NULL;
  if (!options->token && !(options->token = find_token (ctl, error)))
    return NULL;
  return ctl_remote_new (options->url, options->token, options->ca_file, error);
}

static gboolean
init_gstreamer (GError **error)
{
  if (!gst_init_check (NULL, NULL, error))
    return FALSE;
  gst_registry_scan_path (gst_registry_get (), SYRINX_PLUGIN_DIR);
  return TRUE;
}

static CtlExit
play (Ctl *ctl, Options *options, const gchar *words)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CtlRemote) remote = reach (ctl, options, &error);
  g_autoptr (JsonObject) track
      = remote ? ctl_remote_find_track (remote, words, &error) : NULL;

  if (!remote)
    return ctl_report (error);
  if (!track) {
    ctl_report (error);
    return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND)
               ? CTL_NOT_FOUND
               : CTL_FAILED;
  }
  if (init_gstreamer (&error) && play_track (remote, track, options, &error))
    return CTL_OK;
  ctl_report (error);
  return CTL_FAILED;
}

static void
options_clear (Options *options)
{
  g_free (options->url);
  g_free (options->token);
  g_free (options->ca_file);
  g_free (options->encryption);
  g_free (options->output);
}

CtlExit
ctl_play (Ctl *ctl, int argc, char **argv)
{
  Options options = { 0 };
  const GOptionEntry entries[] = {
    { "encryption", 'e', 0, G_OPTION_ARG_STRING, &options.encryption,
        "ece: encrypted for this one listener; or none (default)", "HOW" },
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &options.output,
        "Write Ogg Opus to FILE instead of playing it", "FILE" },
    { "start", 0, 0, G_OPTION_ARG_DOUBLE, &options.start_s,
        "Where in the track to begin", "SECONDS" },
    { "server", 0, 0, G_OPTION_ARG_STRING, &options.url,
        "Where the service is (default: the one of --state-dir)", "URL" },
    { "ca", 0, 0, G_OPTION_ARG_FILENAME, &options.ca_file,
        "Certificates to trust (PEM) instead of the system's", "FILE" },
    { "token", 0, 0, G_OPTION_ARG_STRING, &options.token,
        "A listener's token (default: $SYRINX_TOKEN, which others can't see "
        "in a process list; else one is issued by --state-dir)",
        "TOKEN" },
    { NULL },
  };
  g_autofree gchar *words = NULL;
  CtlExit status = CTL_USAGE;

  if (!ctl_parse ("play TRACK|WORD…", entries, &argc, &argv))
    return CTL_USAGE;
  words = g_strjoinv (" ", argv + 1);
  if (!*words)
    g_printerr ("syrinxctl: say what to play: a track's id, or words\n");
  else if (options.encryption && !g_str_equal (options.encryption, "ece")
           && !g_str_equal (options.encryption, "none"))
    g_printerr ("syrinxctl: --encryption is ece or none\n");
  else
    status = play (ctl, &options, words);
  options_clear (&options);
  return status;
}
