/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Progressive streams: pipes that write to connections. */
#include "progressive.h"

#include "pipe-setup.h"

#include "core/base/error.h"
#include "core/base/identifier.h"
#include "core/crypto/secret.h"
#include "pipelines/pipe.h"

#include <string.h>

#define COUNT_MS 1000

typedef struct
{
  SyrinxStreams *streams;
  gchar *id;
  SyrinxSession *session;
  SyrinxPipe *pipe;
  gulong renewal, ending;
  gboolean ends_session;
  guint64 counted_bytes;
} Stream;

struct _SyrinxStreams
{
  SyrinxSessions *sessions;
  gchar *state_dir;
  gchar *clear, *ece;  /* launch texts */
  GHashTable *streams; /* id → Stream */
  SyrinxEndings endings;
  guint counting; /* source id, while there are streams; or 0 */
};

/* --- The end --- */

static void
stream_free (gpointer data)
{
  Stream *stream = data;

  g_clear_signal_handler (&stream->renewal, stream->session);
  g_clear_signal_handler (&stream->ending, stream->session);
  if (stream->pipe)
    syrinx_pipe_stop_later (stream->pipe);
  syrinx_session_end_use (stream->session);
  g_object_unref (stream->session);
  g_free (stream->id);
  g_free (stream);
}

static void
end_stream (Stream *stream)
{
  SyrinxStreams *self = stream->streams;
  g_autoptr (SyrinxSession) session = g_object_ref (stream->session);
  gboolean ends_session = stream->ends_session;

  syrinx_pipe_setup_count (stream->pipe, session, &stream->counted_bytes);
  g_hash_table_remove (self->streams, stream->id);
  if (ends_session)
    syrinx_sessions_terminate (
        self->sessions, syrinx_session_get_id (session), "it was played");
}

static void
session_ended (SyrinxSession *session, Stream *stream)
{
  syrinx_pipe_setup_count (stream->pipe, session, &stream->counted_bytes);
  g_hash_table_remove (stream->streams->streams, stream->id);
}

/* --- Counting what is sent --- */

/* Elements are asked for statistics only while beats are read. */
static gboolean
count_streams (gpointer user_data)
{
  SyrinxStreams *self = user_data;
  GHashTableIter iter;
  gpointer value;

  if (g_hash_table_size (self->streams) == 0) {
    self->counting = 0;
    return G_SOURCE_REMOVE;
  }
  if (!syrinx_sessions_are_beats_read (self->sessions))
    return G_SOURCE_CONTINUE;
  g_hash_table_iter_init (&iter, self->streams);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    Stream *stream = value;
    syrinx_pipe_setup_count (
        stream->pipe, stream->session, &stream->counted_bytes);
  }
  return G_SOURCE_CONTINUE;
}

static void
stream_is_over (const gchar *id, gboolean is_broken, gpointer user_data)
{
  SyrinxStreams *self = user_data;
  Stream *stream = g_hash_table_lookup (self->streams, id);

  if (stream)
    end_stream (stream);
}

/* --- The beginning --- */

static void
set_gate (SyrinxSession *session, GParamSpec *pspec, Stream *stream)
{
  syrinx_pipe_setup_gate (stream->pipe, session);
}

static void
set_key (Stream *stream)
{
  GBytes *key = syrinx_session_get_key (stream->session);

  if (key)
    syrinx_pipe_set_key (
        stream->pipe, key, syrinx_session_get_id (stream->session));
}

static void
set_out (Stream *stream, const SyrinxStreamRequest *request)
{
  g_autoptr (GstElement) out = syrinx_pipe_get_element (stream->pipe, "out");

  g_object_set (out, "stream", request->connection, "preamble",
      request->preamble, "chunked", request->is_chunked, NULL);
}

gboolean
syrinx_streams_start (
    SyrinxStreams *self, const SyrinxStreamRequest *request, GError **error)
{
  gboolean is_ece = syrinx_session_get_encryption (request->session)
                    == SYRINX_ENCRYPTION_ECE;
  SyrinxRendition *rendition
      = syrinx_session_open (request->session, request->rendition, error);
  Stream *stream;

  if (!rendition)
    return FALSE;
  stream = g_new0 (Stream, 1);
  stream->streams = self;
  stream->id = syrinx_id_new ();
  stream->session = g_object_ref (request->session);
  syrinx_session_begin_use (stream->session);
  stream->ends_session = request->ends_session;
  stream->pipe = syrinx_pipe_new (stream->id, is_ece ? self->ece : self->clear,
      syrinx_pipe_setup_says, &self->endings, error);
  if (!stream->pipe) {
    stream_free (stream);
    return FALSE;
  }
  syrinx_pipe_setup_source (
      stream->pipe, self->state_dir, rendition, request->start_s);
  syrinx_pipe_setup_gate (stream->pipe, stream->session);
  syrinx_pipe_setup_queue (stream->pipe, stream->session);
  set_key (stream);
  set_out (stream, request);
  stream->renewal = g_signal_connect (
      stream->session, "notify::expires-at", G_CALLBACK (set_gate), stream);
  stream->ending = g_signal_connect (
      stream->session, "ended", G_CALLBACK (session_ended), stream);
  g_hash_table_insert (self->streams, stream->id, stream);
  if (!self->counting)
    self->counting = g_timeout_add (COUNT_MS, count_streams, self);
  syrinx_session_count (stream->session, 0);
  if (syrinx_pipe_play (stream->pipe, error))
    return TRUE;
  g_hash_table_remove (self->streams, stream->id);
  return FALSE;
}

guint
syrinx_streams_count (SyrinxStreams *self)
{
  return g_hash_table_size (self->streams);
}

/* --- GStreamer --- */

/* From the build directory or the installation. (transfer full) */
static GstPlugin *
load_plugin (GError **error)
{
  const gchar *given = g_getenv ("GST_PLUGIN_PATH");
  g_auto (GStrv) dirs = g_strsplit (given ? given : "", ":", -1);
  g_autoptr (GError) cause = NULL;
  GstPlugin *plugin;

  for (guint i = 0; dirs[i]; i++) {
    g_autofree gchar *path
        = g_build_filename (dirs[i], "libgstsyrinx.so", NULL);
    if (g_file_test (path, G_FILE_TEST_EXISTS))
      return gst_plugin_load_file (path, error);
  }
  plugin = gst_plugin_load_file (SYRINX_PLUGIN_DIR "/libgstsyrinx.so", &cause);
  if (!plugin)
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND,
        "our elements can't be loaded; let GST_PLUGIN_PATH name the folder of "
        "libgstsyrinx.so: %s",
        cause->message);
  return plugin;
}

/* Without shapes of the operator only our own elements are needed: reading, or
 * even building, the registry of all installed plugins would take seconds at
 * start. */
static gboolean
init_gstreamer (gboolean with_registry, GError **error)
{
  g_autoptr (GstPlugin) plugin = NULL;

  if (!with_registry)
    g_setenv ("GST_REGISTRY_DISABLE", "yes", TRUE);
  if (!gst_init_check (NULL, NULL, error))
    return FALSE;
  plugin = load_plugin (error);
  if (plugin)
    gst_registry_add_plugin (gst_registry_get (), gst_object_ref (plugin));
  return plugin != NULL;
}

SyrinxStreams *
syrinx_streams_new (SyrinxSessions *sessions, const gchar *state_dir,
    const gchar *shape_dir, GError **error)
{
  g_autoptr (SyrinxStreams) self = g_new0 (SyrinxStreams, 1);

  self->endings = (SyrinxEndings){ stream_is_over, self };
  self->sessions = g_object_ref (sessions);
  self->state_dir = g_strdup (state_dir);
  self->streams
      = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, stream_free);
  if (!init_gstreamer (shape_dir != NULL, error))
    return NULL;
  self->clear = syrinx_shape_load ("stream", shape_dir, error);
  self->ece
      = self->clear ? syrinx_shape_load ("stream-ece", shape_dir, error) : NULL;
  return self->ece ? g_steal_pointer (&self) : NULL;
}

void
syrinx_streams_free (SyrinxStreams *self)
{
  GHashTableIter iter;
  gpointer value;

  g_clear_handle_id (&self->counting, g_source_remove);
  /* At once, since the content that they play is closed next. */
  g_hash_table_iter_init (&iter, self->streams);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    syrinx_pipe_stop (((Stream *)value)->pipe);
  g_hash_table_unref (self->streams);
  g_object_unref (self->sessions);
  g_free (self->state_dir);
  g_free (self->clear);
  g_free (self->ece);
  g_free (self);
}
