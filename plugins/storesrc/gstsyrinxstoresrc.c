/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxstoresrc: reads a track's rendition out of the content store. */

/**
 * SECTION:element-syrinxstoresrc
 * @title: syrinxstoresrc
 *
 * Pushes a rendition as encrypted chunks as on disk, as clear CMAF fragments,
 * or, for Opus, as single packets. Downstream's caps choose the form; if they
 * allow several, #GstSyrinxStoreSrc:form does, or else it is chunks. If a
 * `syrinxgeoqueue` demands data, the element has no thread; otherwise it has a
 * task. Waiting for a fragment that is still being made does not block the
 * demanding thread.
 *
 * ## Example pipeline
 * |[
 * gst-launch-1.0 syrinxstoresrc store=$HOME/.local/state/syrinx \
 *   uri="syrinx://track/ID?rendition=opus-128" ! audio/x-opus ! opusdec ! \
 *   autoaudiosink
 * ]|
 */
#include "storesrc-private.h"

#include "track-uri.h"

#include "core/base/error.h"
#include "core/schedule/demand.h"

GST_DEBUG_CATEGORY (syrinx_store_src_debug);

#define DEFAULT_PREROLL (80 * GST_MSECOND) /* RFC 7845, section 4.6 */

enum
{
  PROP_STORE = 1,
  PROP_URI,
  PROP_PREROLL,
  PROP_FORM
};

static GstStaticPadTemplate src_template
    = GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS,
        GST_STATIC_CAPS (
            SYRINX_CHUNK_CAPS "; " SYRINX_CLEAR_CAPS "; audio/x-opus"));

static void uri_handler_init (gpointer iface, gpointer data);

#define gst_syrinx_store_src_parent_class parent_class
G_DEFINE_FINAL_TYPE_WITH_CODE (GstSyrinxStoreSrc, gst_syrinx_store_src,
    GST_TYPE_ELEMENT,
    G_IMPLEMENT_INTERFACE (GST_TYPE_URI_HANDLER, uri_handler_init))
GST_ELEMENT_REGISTER_DEFINE (syrinxstoresrc, "syrinxstoresrc", GST_RANK_PRIMARY,
    GST_TYPE_SYRINX_STORE_SRC);

static gboolean
store_src_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstSyrinxStoreSrc *self = GST_SYRINX_STORE_SRC (parent);
  gboolean handled;

  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_CUSTOM_UPSTREAM:
    handled = syrinx_store_src_answer_demand (self, event);
    break;
  case GST_EVENT_SEEK:
    handled = syrinx_store_src_seek (self, event);
    break;
  default:
    return gst_pad_event_default (pad, parent, event);
  }
  gst_event_unref (event);
  return handled;
}

/* --- Queries --- */

static gboolean
answer_time (GstSyrinxStoreSrc *self, GstQuery *query)
{
  GstFormat format;
  gint64 value;
  gboolean is_duration = GST_QUERY_TYPE (query) == GST_QUERY_DURATION;

  if (is_duration)
    gst_query_parse_duration (query, &format, NULL);
  else
    gst_query_parse_position (query, &format, NULL);
  if (format != GST_FORMAT_TIME)
    return FALSE;
  g_mutex_lock (&self->lock);
  value = is_duration ? self->segment.duration : self->segment.position;
  g_mutex_unlock (&self->lock);
  if (is_duration)
    gst_query_set_duration (query, format, value);
  else
    gst_query_set_position (query, format, value);
  return TRUE;
}

static gboolean
store_src_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstSyrinxStoreSrc *self = GST_SYRINX_STORE_SRC (parent);
  GstFormat format;

  switch (GST_QUERY_TYPE (query)) {
  case GST_QUERY_DURATION:
  case GST_QUERY_POSITION:
    return answer_time (self, query);
  case GST_QUERY_SEEKING:
    gst_query_parse_seeking (query, &format, NULL, NULL, NULL);
    gst_query_set_seeking (query, format, format == GST_FORMAT_TIME, 0,
        format == GST_FORMAT_TIME ? (gint64)self->segment.duration : -1);
    return TRUE;
  case GST_QUERY_LATENCY:
    gst_query_set_latency (query, FALSE, 0, GST_CLOCK_TIME_NONE);
    return TRUE;
  case GST_QUERY_URI:
    g_mutex_lock (&self->lock);
    gst_query_set_uri (query, self->uri);
    g_mutex_unlock (&self->lock);
    return TRUE;
  default:
    return gst_pad_query_default (pad, parent, query);
  }
}

/* --- Opening --- */

static gboolean
open_rendition (GstSyrinxStoreSrc *self, GstClockTime *start, GError **error)
{
  g_autofree gchar *uri = NULL, *store = NULL;
  g_auto (SyrinxTrackUri) place = { 0 };
  const gchar *given;

  g_mutex_lock (&self->lock);
  uri = g_strdup (self->uri);
  given = self->store ? self->store : g_getenv ("SYRINX_STATE_DIR");
  store = g_strdup (given);
  g_mutex_unlock (&self->lock);
  if (!syrinx_track_uri_parse (uri, &place, error))
    return FALSE;
  *start = place.start;
  if (!store) {
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "set the property store, or SYRINX_STATE_DIR, to a state directory of "
        "syrinxd");
    return FALSE;
  }
  self->content = syrinx_content_get (store, error);
  if (self->content)
    self->rendition = syrinx_content_open (
        self->content, place.track_id, place.rendition, place.epoch, error);
  return self->rendition != NULL;
}

static void
close_rendition (GstSyrinxStoreSrc *self)
{
  if (self->rendition)
    syrinx_rendition_cancel (self->rendition, self);
  syrinx_opus_packets_clear (&self->packets);
  g_clear_pointer (&self->rendition, syrinx_rendition_unref);
  g_clear_pointer (&self->content, syrinx_content_unref);
}

static gboolean
start (GstSyrinxStoreSrc *self)
{
  g_autoptr (GError) error = NULL;
  const SyrinxRenditionRow *row;
  GstClockTime start;

  if (!open_rendition (self, &start, &error)) {
    GST_ELEMENT_ERROR (self, RESOURCE, OPEN_READ,
        ("This track can't be opened: %s", error->message), (NULL));
    close_rendition (self);
    return FALSE;
  }
  row = syrinx_rendition_get_row (self->rendition);
  self->mode = SYRINX_STORE_SRC_NONE;
  gst_segment_init (&self->segment, GST_FORMAT_TIME);
  self->segment.duration
      = gst_util_uint64_scale (row->n_units - MIN (row->pre_skip, row->n_units),
          GST_SECOND, row->timescale);
  self->segment.start = self->segment.time = self->segment.position
      = MIN (start, self->segment.duration);
  syrinx_store_src_go_to (self, self->segment.position);
  return TRUE;
}

static gboolean
store_src_activate_mode (
    GstPad *pad, GstObject *parent, GstPadMode mode, gboolean active)
{
  GstSyrinxStoreSrc *self = GST_SYRINX_STORE_SRC (parent);
  g_autoptr (GstQuery) query = syrinx_query_new_demand_driven ();

  if (mode != GST_PAD_MODE_PUSH)
    return FALSE;
  syrinx_store_src_set_flushing (self, !active);
  if (!active)
    return gst_pad_stop_task (pad);
  g_atomic_int_set (&self->demand_driven, gst_pad_peer_query (pad, query));
  if (!g_atomic_int_get (&self->demand_driven))
    return gst_pad_start_task (pad, syrinx_store_src_loop, self, NULL);
  /* Demands that came earlier were refused. */
  gst_pad_push_event (pad, syrinx_event_new_ready ());
  return TRUE;
}

static GstStateChangeReturn
store_src_change_state (GstElement *element, GstStateChange transition)
{
  GstSyrinxStoreSrc *self = GST_SYRINX_STORE_SRC (element);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !start (self))
    return GST_STATE_CHANGE_FAILURE;
  result = GST_ELEMENT_CLASS (parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    /* The thread that answers a demand holds this lock. */
    GST_PAD_STREAM_LOCK (self->src_pad);
    GST_PAD_STREAM_UNLOCK (self->src_pad);
    close_rendition (self);
  }
  return result;
}

/* --- URI handler --- */

static GstURIType
uri_get_type (GType type)
{
  return GST_URI_SRC;
}

static const gchar *const *
uri_get_protocols (GType type)
{
  static const gchar *const protocols[] = { "syrinx", NULL };

  return protocols;
}

static gchar *
uri_get_uri (GstURIHandler *handler)
{
  GstSyrinxStoreSrc *self = GST_SYRINX_STORE_SRC (handler);
  gchar *uri;

  g_mutex_lock (&self->lock);
  uri = g_strdup (self->uri);
  g_mutex_unlock (&self->lock);
  return uri;
}

static gboolean
uri_set_uri (GstURIHandler *handler, const gchar *uri, GError **error)
{
  GstSyrinxStoreSrc *self = GST_SYRINX_STORE_SRC (handler);
  g_auto (SyrinxTrackUri) place = { 0 };

  if (GST_STATE (self) > GST_STATE_READY) {
    g_set_error_literal (error, GST_URI_ERROR, GST_URI_ERROR_BAD_STATE,
        "the uri can't change while it plays");
    return FALSE;
  }
  if (!syrinx_track_uri_parse (uri, &place, error))
    return FALSE;
  g_mutex_lock (&self->lock);
  g_free (self->uri);
  self->uri = g_strdup (uri);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

static void
uri_handler_init (gpointer iface, gpointer data)
{
  GstURIHandlerInterface *handler = iface;

  handler->get_type = uri_get_type;
  handler->get_protocols = uri_get_protocols;
  handler->get_uri = uri_get_uri;
  handler->set_uri = uri_set_uri;
}

/* --- GObject --- */

static GType
form_get_type (void)
{
  static const GEnumValue values[] = {
    { SYRINX_STORE_SRC_NONE, "What downstream's caps choose, chunks first",
        "auto" },
    { SYRINX_STORE_SRC_CHUNKS, "Encrypted chunks as they lie on disk",
        "chunks" },
    { SYRINX_STORE_SRC_CLEAR, "Clear CMAF fragments", "fragments" },
    { SYRINX_STORE_SRC_PACKETS, "Single Opus packets", "packets" },
    { 0, NULL, NULL },
  };
  static gsize type;

  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, g_enum_register_static ("GstSyrinxStoreSrcForm", values));
  return type;
}

static void
store_src_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstSyrinxStoreSrc *self = GST_SYRINX_STORE_SRC (object);
  g_autoptr (GError) error = NULL;

  if (id == PROP_URI) {
    if (!uri_set_uri (
            GST_URI_HANDLER (self), g_value_get_string (value), &error))
      g_warning ("%s", error->message);
  } else if (id == PROP_STORE) {
    g_mutex_lock (&self->lock);
    g_free (self->store);
    self->store = g_value_dup_string (value);
    g_mutex_unlock (&self->lock);
  } else if (id == PROP_PREROLL) {
    g_mutex_lock (&self->lock);
    self->preroll = g_value_get_uint64 (value);
    g_mutex_unlock (&self->lock);
  } else if (id == PROP_FORM) {
    g_mutex_lock (&self->lock);
    self->form = g_value_get_enum (value);
    g_mutex_unlock (&self->lock);
  } else {
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
store_src_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstSyrinxStoreSrc *self = GST_SYRINX_STORE_SRC (object);

  g_mutex_lock (&self->lock);
  if (id == PROP_URI)
    g_value_set_string (value, self->uri);
  else if (id == PROP_STORE)
    g_value_set_string (value, self->store);
  else if (id == PROP_PREROLL)
    g_value_set_uint64 (value, self->preroll);
  else if (id == PROP_FORM)
    g_value_set_enum (value, self->form);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  g_mutex_unlock (&self->lock);
}

static void
store_src_finalize (GObject *object)
{
  GstSyrinxStoreSrc *self = GST_SYRINX_STORE_SRC (object);

  g_free (self->store);
  g_free (self->uri);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
gst_syrinx_store_src_class_init (GstSyrinxStoreSrcClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  const GParamFlags flags
      = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

  GST_DEBUG_CATEGORY_INIT (
      syrinx_store_src_debug, "syrinxstoresrc", 0, "content store source");
  object_class->set_property = store_src_set_property;
  object_class->get_property = store_src_get_property;
  object_class->finalize = store_src_finalize;
  element_class->change_state = store_src_change_state;
  g_object_class_install_property (object_class, PROP_STORE,
      g_param_spec_string ("store", "Store",
          "State directory of a syrinxd (NULL: $SYRINX_STATE_DIR)", NULL,
          flags));
  g_object_class_install_property (object_class, PROP_URI,
      g_param_spec_string ("uri", "URI",
          SYRINX_TRACK_URI_PREFIX
          "ID?rendition=NAME (default " SYRINX_TRACK_URI_RENDITION
          ")&start=SECONDS",
          NULL, flags));
  g_object_class_install_property (object_class, PROP_PREROLL,
      g_param_spec_uint64 ("preroll", "Preroll",
          "With packets: what comes before the point of a "
          "syrinx_store_src_seek, in "
          "nanoseconds, for decoders to settle in",
          0, GST_SECOND, DEFAULT_PREROLL, flags));
  g_object_class_install_property (object_class, PROP_FORM,
      g_param_spec_enum ("form", "Form",
          "What it gives, where downstream takes it", form_get_type (),
          SYRINX_STORE_SRC_NONE, flags));
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "Content store source",
      "Source", "Reads a track's rendition out of a content store",
      "The Syrinx project");
  gst_type_mark_as_plugin_api (form_get_type (), 0);
}

static void
gst_syrinx_store_src_init (GstSyrinxStoreSrc *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  self->preroll = DEFAULT_PREROLL;
  gst_segment_init (&self->segment, GST_FORMAT_TIME);
  GST_OBJECT_FLAG_SET (self, GST_ELEMENT_FLAG_SOURCE);
  self->src_pad = gst_pad_new_from_static_template (&src_template, "src");
  gst_pad_set_event_function (self->src_pad, store_src_event);
  gst_pad_set_query_function (self->src_pad, store_src_query);
  gst_pad_set_activatemode_function (self->src_pad, store_src_activate_mode);
  gst_pad_use_fixed_caps (self->src_pad);
  gst_element_add_pad (GST_ELEMENT (self), self->src_pad);
}
