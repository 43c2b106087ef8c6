/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxcmafmux: one audio stream into CMAF fragments, without a thread. */
/**
 * SECTION:element-syrinxcmafmux
 *
 * Takes Opus, raw AAC or FLAC and pushes a header buffer (ftyp and moov,
 * flagged GST_BUFFER_FLAG_HEADER and also in the caps as streamheader), then
 * one buffer per fragment (moof and mdat). A buffer's offset is its fragment's
 * number.
 *
 * |[
 * gst-launch-1.0 audiotestsrc num-buffers=500 ! opusenc ! syrinxcmafmux ! \
 *     filesink location=tone.mp4
 * ]|
 */
#include "gstsyrinxcmafmux.h"

#include "cmaf-caps.h"

#define DEFAULT_FRAGMENT_DURATION (4 * GST_SECOND)
#define MAX_FRAGMENT_DURATION     (60 * GST_SECOND)
#define DEFAULT_FIRST_FRAGMENT    0
/* Times the longest duration, this still fits into 64 bits of nanoseconds. */
#define MAX_FIRST_FRAGMENT 10000000
/* It follows from first-fragment and fragment-duration. */
#define DEFAULT_BASE_DECODE_TIME G_MAXUINT64
/* Leaves room for the largest head: 4096 rows of 8 bytes and their boxes. */
#define MAX_PAYLOAD_BYTES (SYRINX_CMAF_MAX_FRAGMENT_BYTES - 64 * 1024)
/* A smaller jump of timestamps counts as rounding, not as a gap. */
#define GAP_TOLERANCE (40 * GST_MSECOND)

GST_DEBUG_CATEGORY_STATIC (cmaf_mux_debug);
#define GST_CAT_DEFAULT cmaf_mux_debug

typedef struct
{
  GstClockTime fragment_duration;
  guint first_fragment;
  guint64 base_decode_time;
} Settings;

struct _GstSyrinxCmafMux
{
  GstElement parent;

  /* constant after init */
  GstPad *sinkpad, *srcpad;

  /* protected by the object lock */
  Settings settings;

  /* protected by the sink pad's stream lock, reset from READY to PAUSED */
  Settings active;
  SyrinxCmafFormat format;
  GBytes *config;       /* format points into it */
  GBytes *header;       /* NULL until there are caps */
  gboolean sent_header; /* since the start or the last flush */
  gboolean must_sync;   /* set the time from the next buffer's timestamp */
  GstSegment segment;
  GPtrArray *pending; /* GstBuffer: the samples of the open fragment */
  GArray *samples;    /* SyrinxCmafSample, ->data unused */
  gsize payload_bytes;
  GstClockTime start_pts; /* of the open fragment */
  GstClockTime next_pts;  /* the expected timestamp of the next buffer */
  guint64 start_time;     /* decode time of the open fragment, in units */
  guint64 decode_time;    /* of the next sample, in units */
  guint64 cut_index;      /* the open fragment ends before this number times the
                             duration */
  guint64 number;         /* of the open fragment */
};

enum
{
  PROP_FRAGMENT_DURATION = 1,
  PROP_FIRST_FRAGMENT,
  PROP_BASE_DECODE_TIME,
};

G_DEFINE_TYPE (GstSyrinxCmafMux, gst_syrinx_cmaf_mux, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE (
    syrinxcmafmux, "syrinxcmafmux", GST_RANK_NONE, GST_TYPE_SYRINX_CMAF_MUX)

static GstStaticPadTemplate sink_template
    = GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
        GST_STATIC_CAPS ("audio/x-opus; "
                         "audio/mpeg, mpegversion=(int)4, "
                         "stream-format=(string)raw, framed=(boolean)true; "
                         "audio/x-flac, framed=(boolean)true"));

static GstStaticPadTemplate src_template
    = GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS,
        GST_STATIC_CAPS ("video/quicktime, variant=(string)cmaf"));

static guint64
to_units (GstSyrinxCmafMux *self, GstClockTime time)
{
  return gst_util_uint64_scale_round (
      time, syrinx_cmaf_get_timescale (&self->format), GST_SECOND);
}

static GstClockTime
to_time (GstSyrinxCmafMux *self, guint64 units)
{
  return gst_util_uint64_scale_round (
      units, GST_SECOND, syrinx_cmaf_get_timescale (&self->format));
}

/* --- Output --- */

static GstBuffer *
wrap_header (GstSyrinxCmafMux *self)
{
  GstBuffer *buffer = gst_buffer_new_wrapped_bytes (self->header);

  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_HEADER);
  return buffer;
}

static GstFlowReturn
push_header (GstSyrinxCmafMux *self)
{
  if (self->sent_header || !self->header)
    return GST_FLOW_OK;
  self->sent_header = TRUE;
  return gst_pad_push (self->srcpad, wrap_header (self));
}

static void
drop_pending (GstSyrinxCmafMux *self)
{
  g_ptr_array_set_size (self->pending, 0);
  g_array_set_size (self->samples, 0);
  self->payload_bytes = 0;
}

/* Makes one memory with one copy: a buffer of more than 16 memories would be
 * merged again and again as it grows. */
static GstBuffer *
assemble (GstSyrinxCmafMux *self)
{
  const SyrinxCmafSample *samples = (SyrinxCmafSample *)self->samples->data;
  guint n_samples = self->samples->len;
  gsize at = syrinx_cmaf_get_fragment_head_bytes (samples, n_samples);
  gsize size = at + self->payload_bytes;
  guint8 *data = g_malloc (size);

  syrinx_cmaf_write_fragment_head (
      self->number + 1, self->start_time, samples, n_samples, data);
  for (guint i = 0; i < n_samples; i++)
    at += gst_buffer_extract (g_ptr_array_index (self->pending, i), 0,
        data + at, samples[i].size_bytes);
  return gst_buffer_new_wrapped (data, size);
}

static GstFlowReturn
push_fragment (GstSyrinxCmafMux *self)
{
  GstFlowReturn flow = push_header (self);
  GstBuffer *buffer;

  if (self->samples->len == 0 || flow != GST_FLOW_OK)
    return flow;
  buffer = assemble (self);
  GST_BUFFER_PTS (buffer) = self->start_pts;
  GST_BUFFER_DURATION (buffer)
      = to_time (self, self->decode_time) - to_time (self, self->start_time);
  GST_BUFFER_OFFSET (buffer) = self->number;
  GST_BUFFER_OFFSET_END (buffer) = self->number + 1;
  if (self->number == self->active.first_fragment)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  GST_LOG_OBJECT (self,
      "fragment %" G_GUINT64_FORMAT ": %u samples, %" GST_TIME_FORMAT,
      self->number, self->samples->len,
      GST_TIME_ARGS (GST_BUFFER_DURATION (buffer)));
  drop_pending (self);
  self->number++;
  return gst_pad_push (self->srcpad, buffer);
}

/* --- Input --- */

/* After a seek, continues with the fragment to which the timestamp belongs. */
static void
sync_to (GstSyrinxCmafMux *self, GstClockTime pts)
{
  guint64 time
      = gst_segment_to_stream_time (&self->segment, GST_FORMAT_TIME, pts);

  self->must_sync = FALSE;
  if (!GST_CLOCK_TIME_IS_VALID (time))
    return;
  self->decode_time = to_units (self, time);
  self->number = time / self->active.fragment_duration;
}

static void
start_clock (GstSyrinxCmafMux *self)
{
  self->number = self->active.first_fragment;
  self->decode_time = self->active.base_decode_time;
  if (self->decode_time == DEFAULT_BASE_DECODE_TIME)
    self->decode_time
        = to_units (self, self->number * self->active.fragment_duration);
}

static GstFlowReturn
follow_timestamp (GstSyrinxCmafMux *self, GstClockTime pts)
{
  GstFlowReturn flow = GST_FLOW_OK;

  if (!GST_CLOCK_TIME_IS_VALID (pts))
    return GST_FLOW_OK;
  if (self->must_sync) {
    sync_to (self, pts);
  } else if (GST_CLOCK_TIME_IS_VALID (self->next_pts)
             && pts > self->next_pts + GAP_TOLERANCE) {
    GST_INFO_OBJECT (
        self, "gap of %" GST_TIME_FORMAT, GST_TIME_ARGS (pts - self->next_pts));
    flow = push_fragment (self);
    self->decode_time += to_units (self, pts - self->next_pts);
  }
  self->next_pts = pts;
  return flow;
}

static gboolean
is_fragment_full (GstSyrinxCmafMux *self, gsize more_bytes)
{
  guint64 end
      = to_units (self, self->cut_index * self->active.fragment_duration);

  return self->samples->len > 0
         && (self->decode_time >= end
             || self->samples->len == SYRINX_CMAF_MAX_SAMPLES
             || self->payload_bytes + more_bytes > MAX_PAYLOAD_BYTES);
}

static void
open_fragment (GstSyrinxCmafMux *self)
{
  self->start_time = self->decode_time;
  self->start_pts = self->next_pts;
  self->cut_index
      = to_time (self, self->decode_time) / self->active.fragment_duration + 1;
}

static void
add_sample (GstSyrinxCmafMux *self, GstBuffer *buffer, guint duration)
{
  SyrinxCmafSample sample = { NULL, gst_buffer_get_size (buffer), duration };

  if (self->samples->len == 0)
    open_fragment (self);
  g_array_append_val (self->samples, sample);
  g_ptr_array_add (self->pending, gst_buffer_ref (buffer));
  self->payload_bytes += sample.size_bytes;
  self->decode_time += duration;
  if (GST_CLOCK_TIME_IS_VALID (self->next_pts))
    self->next_pts += to_time (self, duration);
}

static gboolean
measure (GstSyrinxCmafMux *self, GstBuffer *buffer, guint *duration)
{
  if (!self->header) {
    GST_ELEMENT_ERROR (self, CORE, NEGOTIATION,
        ("A CMAF muxer was given data before it knew its format."), (NULL));
    return FALSE;
  }
  if (gst_buffer_get_size (buffer) == 0
      || gst_buffer_get_size (buffer) > MAX_PAYLOAD_BYTES
      || !syrinx_cmaf_get_sample_duration (&self->format, buffer, duration)) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("A packet of this stream cannot be put into CMAF."),
        ("%" GST_PTR_FORMAT " has no duration, or no or too much data",
            buffer));
    return FALSE;
  }
  return TRUE;
}

/* hot */
static GstFlowReturn
gst_syrinx_cmaf_mux_chain (GstPad *pad, GstObject *parent, GstBuffer *data)
{
  GstSyrinxCmafMux *self = GST_SYRINX_CMAF_MUX (parent);
  g_autoptr (GstBuffer) buffer = data;
  GstFlowReturn flow;
  guint duration;

  if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_HEADER))
    return GST_FLOW_OK; /* it is in the caps already */
  if (!measure (self, buffer, &duration))
    return self->header ? GST_FLOW_ERROR : GST_FLOW_NOT_NEGOTIATED;
  flow = follow_timestamp (self, GST_BUFFER_PTS (buffer));
  if (flow == GST_FLOW_OK
      && is_fragment_full (self, gst_buffer_get_size (buffer)))
    flow = push_fragment (self);
  if (flow == GST_FLOW_OK)
    add_sample (self, buffer, duration);
  return flow;
}

/* --- Events and queries --- */

static gboolean
push_caps (GstSyrinxCmafMux *self)
{
  g_autoptr (GstCaps) caps = gst_static_pad_template_get_caps (&src_template);
  GValue array = G_VALUE_INIT, value = G_VALUE_INIT;

  caps = gst_caps_make_writable (caps);
  g_value_init (&array, GST_TYPE_ARRAY);
  g_value_init (&value, GST_TYPE_BUFFER);
  g_value_take_boxed (&value, wrap_header (self));
  gst_value_array_append_and_take_value (&array, &value);
  gst_structure_take_value (
      gst_caps_get_structure (caps, 0), "streamheader", &array);
  return gst_pad_push_event (self->srcpad, gst_event_new_caps (caps));
}

/* The header can't change: the same one again is accepted, another is an
 * error. */
static gboolean
handle_caps (GstSyrinxCmafMux *self, GstCaps *caps)
{
  g_autoptr (GBytes) config = NULL, header = NULL;
  g_autoptr (GError) error = NULL;
  SyrinxCmafFormat format;

  if (syrinx_cmaf_format_from_caps (caps, &format, &config, &error))
    header = syrinx_cmaf_write_header (&format, &error);
  if (!header) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("This stream cannot be put into CMAF."), ("%s", error->message));
    return FALSE;
  }
  if (self->header) {
    if (g_bytes_equal (self->header, header))
      return TRUE;
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("A CMAF track cannot change its format on the way."),
        ("new caps %" GST_PTR_FORMAT, caps));
    return FALSE;
  }
  self->format = format;
  self->config = g_steal_pointer (&config);
  self->header = g_steal_pointer (&header);
  start_clock (self);
  return push_caps (self);
}

static gboolean
handle_segment (GstSyrinxCmafMux *self, GstEvent *event)
{
  const GstSegment *segment;

  gst_event_parse_segment (event, &segment);
  if (segment->format == GST_FORMAT_TIME) {
    gst_segment_copy_into (segment, &self->segment);
    return gst_pad_push_event (self->srcpad, event);
  }
  gst_event_unref (event);
  gst_segment_init (&self->segment, GST_FORMAT_TIME);
  return gst_pad_push_event (
      self->srcpad, gst_event_new_segment (&self->segment));
}

static gboolean
handle_flush_stop (GstSyrinxCmafMux *self, GstEvent *event)
{
  drop_pending (self);
  self->sent_header = FALSE;
  self->must_sync = TRUE;
  self->next_pts = GST_CLOCK_TIME_NONE;
  gst_segment_init (&self->segment, GST_FORMAT_TIME);
  return gst_pad_push_event (self->srcpad, event);
}

static gboolean
handle_eos (GstSyrinxCmafMux *self, GstEvent *event)
{
  GstFlowReturn flow = push_fragment (self);

  if (flow != GST_FLOW_OK)
    GST_INFO_OBJECT (
        self, "last fragment not taken: %s", gst_flow_get_name (flow));
  return gst_pad_push_event (self->srcpad, event);
}

static gboolean
gst_syrinx_cmaf_mux_sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstSyrinxCmafMux *self = GST_SYRINX_CMAF_MUX (parent);
  g_autoptr (GstEvent) owned = NULL;
  GstCaps *caps;

  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_CAPS:
    owned = event;
    gst_event_parse_caps (event, &caps);
    return handle_caps (self, caps);
  case GST_EVENT_SEGMENT:
    return handle_segment (self, event);
  case GST_EVENT_FLUSH_STOP:
    return handle_flush_stop (self, event);
  case GST_EVENT_GAP: /* the next buffer's timestamp is more exact */
    owned = event;
    return TRUE;
  case GST_EVENT_EOS:
    return handle_eos (self, event);
  default:
    return gst_pad_event_default (pad, parent, event);
  }
}

static GstClockTime
get_fragment_duration (GstSyrinxCmafMux *self)
{
  GstClockTime duration;

  GST_OBJECT_LOCK (self);
  duration = self->settings.fragment_duration;
  GST_OBJECT_UNLOCK (self);
  return duration;
}

/* The latency is one fragment, since it is pushed when it is complete. */
static gboolean
answer_latency (GstSyrinxCmafMux *self, GstQuery *query)
{
  GstClockTime min, max, more = get_fragment_duration (self);
  gboolean live;

  if (!gst_pad_peer_query (self->sinkpad, query))
    return FALSE;
  gst_query_parse_latency (query, &live, &min, &max);
  if (GST_CLOCK_TIME_IS_VALID (max))
    max += more;
  gst_query_set_latency (query, live, min + more, max);
  return TRUE;
}

static gboolean
gst_syrinx_cmaf_mux_src_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  if (GST_QUERY_TYPE (query) == GST_QUERY_LATENCY)
    return answer_latency (GST_SYRINX_CMAF_MUX (parent), query);
  return gst_pad_query_default (pad, parent, query);
}

static gboolean
gst_syrinx_cmaf_mux_sink_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  if (GST_QUERY_TYPE (query) == GST_QUERY_ALLOCATION)
    return FALSE; /* downstream would allocate for fragments, not packets */
  return gst_pad_query_default (pad, parent, query);
}

/* --- States --- */

static void
reset (GstSyrinxCmafMux *self)
{
  drop_pending (self);
  g_clear_pointer (&self->config, g_bytes_unref);
  g_clear_pointer (&self->header, g_bytes_unref);
  self->sent_header = FALSE;
  self->must_sync = FALSE;
  self->next_pts = GST_CLOCK_TIME_NONE;
  gst_segment_init (&self->segment, GST_FORMAT_TIME);
  GST_OBJECT_LOCK (self);
  self->active = self->settings;
  GST_OBJECT_UNLOCK (self);
}

static GstStateChangeReturn
gst_syrinx_cmaf_mux_change_state (
    GstElement *element, GstStateChange transition)
{
  GstSyrinxCmafMux *self = GST_SYRINX_CMAF_MUX (element);
  GstStateChangeReturn ret;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    reset (self);
  ret = GST_ELEMENT_CLASS (gst_syrinx_cmaf_mux_parent_class)
            ->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    reset (self);
  return ret;
}

/* --- GObject --- */

static void
gst_syrinx_cmaf_mux_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstSyrinxCmafMux *self = GST_SYRINX_CMAF_MUX (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_FRAGMENT_DURATION:
    self->settings.fragment_duration = g_value_get_uint64 (value);
    break;
  case PROP_FIRST_FRAGMENT:
    self->settings.first_fragment = g_value_get_uint (value);
    break;
  case PROP_BASE_DECODE_TIME:
    self->settings.base_decode_time = g_value_get_uint64 (value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_syrinx_cmaf_mux_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstSyrinxCmafMux *self = GST_SYRINX_CMAF_MUX (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_FRAGMENT_DURATION:
    g_value_set_uint64 (value, self->settings.fragment_duration);
    break;
  case PROP_FIRST_FRAGMENT:
    g_value_set_uint (value, self->settings.first_fragment);
    break;
  case PROP_BASE_DECODE_TIME:
    g_value_set_uint64 (value, self->settings.base_decode_time);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_syrinx_cmaf_mux_finalize (GObject *object)
{
  GstSyrinxCmafMux *self = GST_SYRINX_CMAF_MUX (object);

  g_ptr_array_unref (self->pending);
  g_array_unref (self->samples);
  g_clear_pointer (&self->config, g_bytes_unref);
  g_clear_pointer (&self->header, g_bytes_unref);
  G_OBJECT_CLASS (gst_syrinx_cmaf_mux_parent_class)->finalize (object);
}

static void
gst_syrinx_cmaf_mux_init (GstSyrinxCmafMux *self)
{
  self->settings = (Settings){ DEFAULT_FRAGMENT_DURATION,
    DEFAULT_FIRST_FRAGMENT, DEFAULT_BASE_DECODE_TIME };
  self->pending
      = g_ptr_array_new_with_free_func ((GDestroyNotify)gst_buffer_unref);
  self->samples = g_array_new (FALSE, FALSE, sizeof (SyrinxCmafSample));
  self->sinkpad = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (self->sinkpad, gst_syrinx_cmaf_mux_chain);
  gst_pad_set_event_function (self->sinkpad, gst_syrinx_cmaf_mux_sink_event);
  gst_pad_set_query_function (self->sinkpad, gst_syrinx_cmaf_mux_sink_query);
  gst_element_add_pad (GST_ELEMENT (self), self->sinkpad);
  self->srcpad = gst_pad_new_from_static_template (&src_template, "src");
  gst_pad_set_query_function (self->srcpad, gst_syrinx_cmaf_mux_src_query);
  gst_pad_use_fixed_caps (self->srcpad);
  gst_element_add_pad (GST_ELEMENT (self), self->srcpad);
}

static void
install_properties (GObjectClass *object_class)
{
  const GParamFlags flags
      = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

  g_object_class_install_property (object_class, PROP_FRAGMENT_DURATION,
      g_param_spec_uint64 ("fragment-duration", "Fragment duration",
          "Nanoseconds after which a fragment ends (100 ms to 60 s); borders "
          "lie at multiples of it",
          100 * GST_MSECOND, MAX_FRAGMENT_DURATION, DEFAULT_FRAGMENT_DURATION,
          flags));
  g_object_class_install_property (object_class, PROP_FIRST_FRAGMENT,
      g_param_spec_uint ("first-fragment", "First fragment",
          "Number of the first fragment made, counted from 0", 0,
          MAX_FIRST_FRAGMENT, DEFAULT_FIRST_FRAGMENT, flags));
  g_object_class_install_property (object_class, PROP_BASE_DECODE_TIME,
      g_param_spec_uint64 ("base-decode-time", "Base decode time",
          "Decode time of the first sample in units of the timescale (48000 "
          "for Opus, else the sample rate); 18446744073709551615 = "
          "first-fragment times fragment-duration",
          0, G_MAXUINT64, DEFAULT_BASE_DECODE_TIME, flags));
}

static void
gst_syrinx_cmaf_mux_class_init (GstSyrinxCmafMuxClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  object_class->set_property = gst_syrinx_cmaf_mux_set_property;
  object_class->get_property = gst_syrinx_cmaf_mux_get_property;
  object_class->finalize = gst_syrinx_cmaf_mux_finalize;
  install_properties (object_class);
  element_class->change_state = gst_syrinx_cmaf_mux_change_state;
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "CMAF audio muxer",
      "Codec/Muxer", "Puts one audio stream into CMAF fragments",
      "Syrinx maintainers");
  GST_DEBUG_CATEGORY_INIT (
      cmaf_mux_debug, "syrinxcmafmux", 0, "Syrinx CMAF muxer");
}
