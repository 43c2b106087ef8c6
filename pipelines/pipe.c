/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A session's container. All containers share a clock, a bus whose sync handler
 * keeps no message, and a thread that stops and frees them.
 *
 * Running time: the bin's base time is set with every play and every flushing
 * seek, less the running time before, as GstPipeline does. */
#include "pipe.h"

#include "core/base/error.h"
#include "core/crypto/secret.h"

#include <gio/gio.h>

#define SHAPES  "/org/syrinx/pipelines/"
#define FACTORY "syrinxsession"

struct _SyrinxPipe
{
  GstBin parent;

  /* constant after init */
  gchar *id;
  SyrinxPipeFunc func;
  gpointer user_data;

  GMutex lock;
  GstClockTime running_time; /* protected by lock: what ran before the pause */
  gboolean playing;          /* protected by lock */
};

G_DEFINE_FINAL_TYPE (SyrinxPipe, syrinx_pipe, GST_TYPE_BIN)

/* --- Shapes --- */

static gboolean
check_shape (const gchar *shape, const gchar *launch, GError **error)
{
  g_autoptr (GError) cause = NULL;
  GstElement *bin = gst_parse_bin_from_description_full (
      launch, FALSE, NULL, GST_PARSE_FLAG_FATAL_ERRORS, &cause);

  if (bin) {
    gst_object_unref (gst_object_ref_sink (bin));
    return TRUE;
  }
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
      "%s.launch can't be assembled: %s", shape, cause->message);
  return FALSE;
}

gchar *
syrinx_shape_load (
    const gchar *shape, const gchar *override_dir, GError **error)
{
  g_autofree gchar *file = g_strconcat (shape, ".launch", NULL);
  g_autofree gchar *path
      = override_dir ? g_build_filename (override_dir, file, NULL) : NULL;
  g_autofree gchar *resource = g_strconcat (SHAPES, file, NULL);
  g_autofree gchar *launch = NULL;
  g_autoptr (GBytes) bytes = NULL;

  if (path && g_file_test (path, G_FILE_TEST_EXISTS)) {
    if (!g_file_get_contents (path, &launch, NULL, error))
      return NULL;
  } else {
    bytes = g_resources_lookup_data (resource, 0, NULL);
    if (!bytes) {
      g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND,
          "there is no session shape %s", shape);
      return NULL;
    }
    launch
        = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  }
  return check_shape (shape, launch, error) ? g_steal_pointer (&launch) : NULL;
}

/* --- What all sessions share --- */

static void
tell (SyrinxPipe *self, GstMessage *message)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *debug = NULL;
  GstStructure *failure;

  switch (GST_MESSAGE_TYPE (message)) {
  case GST_MESSAGE_EOS:
    self->func (self->id, GST_MESSAGE_EOS, NULL, self->user_data);
    break;
  case GST_MESSAGE_ELEMENT:
    self->func (self->id, GST_MESSAGE_ELEMENT,
        gst_message_get_structure (message), self->user_data);
    break;
  case GST_MESSAGE_ERROR:
    gst_message_parse_error (message, &error, &debug);
    failure = gst_structure_new ("error", "gerror", G_TYPE_ERROR, error,
        "debug", G_TYPE_STRING, debug, NULL);
    self->func (self->id, GST_MESSAGE_ERROR, failure, self->user_data);
    gst_structure_free (failure);
    break;
  default:
    break;
  }
}

/* Bins pass their children's messages to their own bus. The pipe is the
 * outermost bin, so every message passes here and none is kept. Messages that
 * the bin itself needs, so that it continues when a sink has got its first
 * buffer, are passed on to it. */
static void
session_handle_message (GstBin *bin, GstMessage *message)
{
  const GstMessageType own = GST_MESSAGE_ASYNC_START | GST_MESSAGE_ASYNC_DONE;

  if (GST_MESSAGE_TYPE (message) & own) {
    GST_BIN_CLASS (syrinx_pipe_parent_class)->handle_message (bin, message);
    return;
  }
  tell (SYRINX_PIPE (bin), message);
  gst_message_unref (message);
}

static gpointer
take_apart (gpointer data)
{
  GAsyncQueue *queue = data;
  SyrinxPipe *pipe;

  while ((pipe = g_async_queue_pop (queue))) {
    syrinx_pipe_stop (pipe);
    gst_object_unref (pipe);
  }
  return NULL;
}

void
syrinx_pipe_stop_later (SyrinxPipe *self)
{
  static gsize queue;

  if (g_once_init_enter (&queue)) {
    GAsyncQueue *made = g_async_queue_new ();
    g_thread_unref (g_thread_new ("syrinx-reaper", take_apart, made));
    g_once_init_leave (&queue, (gsize)made);
  }
  g_async_queue_push ((GAsyncQueue *)queue, self);
}

/* --- Life --- */

/* The parser makes the pipe itself the outermost bin: a second bin inside would
 * cost memory per session and time per message. */
static GstElement *
assemble (const gchar *launch, GError **error)
{
  g_autofree gchar *text = g_strdup_printf (FACTORY ".( %s )", launch);
  static gsize registered;

  if (g_once_init_enter (&registered)) {
    gst_element_register (NULL, FACTORY, GST_RANK_NONE, SYRINX_TYPE_PIPE);
    g_once_init_leave (&registered, TRUE);
  }
  return gst_parse_launch_full (text, NULL, GST_PARSE_FLAG_FATAL_ERRORS, error);
}

SyrinxPipe *
syrinx_pipe_new (const gchar *id, const gchar *launch, SyrinxPipeFunc func,
    gpointer user_data, GError **error)
{
  g_autoptr (GError) cause = NULL;
  GstElement *made = assemble (launch, &cause);
  g_autoptr (GstClock) clock = gst_system_clock_obtain ();
  SyrinxPipe *self;

  if (!made) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "a session can't be assembled: %s", cause->message);
    return NULL;
  }
  self = SYRINX_PIPE (gst_object_ref_sink (made));
  self->id = g_strdup (id);
  self->func = func;
  self->user_data = user_data;
  gst_element_set_clock (GST_ELEMENT (self), clock);
  return self;
}

GstElement *
syrinx_pipe_get_element (SyrinxPipe *self, const gchar *name)
{
  return gst_bin_get_by_name (GST_BIN (self), name);
}

void
syrinx_pipe_set_key (SyrinxPipe *self, GBytes *key, const gchar *key_id)
{
  g_autoptr (GstElement) enc = syrinx_pipe_get_element (self, "enc");
  g_autoptr (GstContext) context = NULL;

  if (!enc)
    return;
  context = gst_context_new ("syrinx.key", FALSE);
  gst_structure_set (gst_context_writable_structure (context), "key",
      SYRINX_TYPE_SECRET, key, NULL);
  gst_element_set_context (enc, context);
  g_object_set (enc, "keyid", key_id, NULL);
}

static void
set_element (const GValue *item, gpointer base_time)
{
  gst_element_set_base_time (
      g_value_get_object (item), *(const GstClockTime *)base_time);
}

/* A state change distributes the base time to the elements; a seek does not. */
static void
set_base_time (SyrinxPipe *self)
{
  g_autoptr (GstClock) clock = gst_element_get_clock (GST_ELEMENT (self));
  GstClockTime base_time = gst_clock_get_time (clock) - self->running_time;
  GstIterator *elements = gst_bin_iterate_recurse (GST_BIN (self));

  gst_element_set_base_time (GST_ELEMENT (self), base_time);
  while (gst_iterator_foreach (elements, set_element, &base_time)
         == GST_ITERATOR_RESYNC)
    gst_iterator_resync (elements);
  gst_iterator_free (elements);
}

static GstClockTime
get_running_time (SyrinxPipe *self)
{
  g_autoptr (GstClock) clock = gst_element_get_clock (GST_ELEMENT (self));

  return self->playing ? gst_clock_get_time (clock)
                             - gst_element_get_base_time (GST_ELEMENT (self))
                       : self->running_time;
}

gboolean
syrinx_pipe_play (SyrinxPipe *self, GError **error)
{
  g_mutex_lock (&self->lock);
  if (!self->playing)
    set_base_time (self);
  self->playing = TRUE;
  g_mutex_unlock (&self->lock);
  if (gst_element_set_state (GST_ELEMENT (self), GST_STATE_PLAYING)
      != GST_STATE_CHANGE_FAILURE)
    return TRUE;
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_FAILED,
      "session %s does not start", self->id);
  return FALSE;
}

void
syrinx_pipe_pause (SyrinxPipe *self)
{
  g_mutex_lock (&self->lock);
  self->running_time = get_running_time (self);
  self->playing = FALSE;
  g_mutex_unlock (&self->lock);
  gst_element_set_state (GST_ELEMENT (self), GST_STATE_PAUSED);
}

/* Returns: the previous value. */
static GstClockTime
set_running_time (SyrinxPipe *self, GstClockTime running_time)
{
  GstClockTime before;

  g_mutex_lock (&self->lock);
  before = get_running_time (self);
  self->running_time = running_time;
  if (self->playing)
    set_base_time (self);
  g_mutex_unlock (&self->lock);
  return before;
}

/* Sets the new running time before the seek, not after it: otherwise data that
 * arrives meanwhile would be late and leave all at once. */
gboolean
syrinx_pipe_seek (SyrinxPipe *self, GstClockTime position)
{
  g_autoptr (GstElement) out = syrinx_pipe_get_element (self, "out");
  g_autoptr (GstPad) pad
      = out ? gst_element_get_static_pad (out, "sink") : NULL;
  GstClockTime before;

  if (!pad)
    return FALSE;
  before = set_running_time (self, 0);
  if (gst_pad_push_event (
          pad, gst_event_new_seek (1.0, GST_FORMAT_TIME,
                   GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE,
                   GST_SEEK_TYPE_SET, position, GST_SEEK_TYPE_NONE, -1)))
    return TRUE;
  set_running_time (self, before);
  return FALSE;
}

void
syrinx_pipe_stop (SyrinxPipe *self)
{
  gst_element_set_state (GST_ELEMENT (self), GST_STATE_NULL);
}

/* --- GObject --- */

static void
session_finalize (GObject *object)
{
  SyrinxPipe *self = SYRINX_PIPE (object);

  g_free (self->id);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (syrinx_pipe_parent_class)->finalize (object);
}

static void
syrinx_pipe_class_init (SyrinxPipeClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = session_finalize;
  GST_BIN_CLASS (klass)->handle_message = session_handle_message;
  gst_element_class_set_static_metadata (GST_ELEMENT_CLASS (klass), "Session",
      "Generic/Bin", "One listener's elements", "The Syrinx project");
}

static void
syrinx_pipe_init (SyrinxPipe *self)
{
  g_mutex_init (&self->lock);
}
