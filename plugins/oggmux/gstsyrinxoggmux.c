/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxoggmux: Opus packets into Ogg, the same bytes every time. */

/**
 * SECTION:element-syrinxoggmux
 * @title: syrinxoggmux
 *
 * Muxes one Opus stream into Ogg (RFC 3533, RFC 7845). The serial number and
 * the division into pages depend only on the stream and its timestamps, so that
 * two sessions of a track get the same bytes. `oggmux` picks a random serial
 * number, and waits for data on its pads, which a session without threads can't
 * do.
 *
 * Pages end at multiples of #GstSyrinxOggMux:max-page-delay.
 *
 * ## Example pipeline
 * |[
 * gst-launch-1.0 audiotestsrc num-buffers=500 ! opusenc ! syrinxoggmux ! \
 *   filesink location=tone.opus
 * ]|
 */
#include "gstsyrinxoggmux.h"

#include "ogg-page.h"

#include "core/schedule/demand.h"

#include <gst/audio/audio.h>
#include <gst/pbutils/pbutils.h>

GST_DEBUG_CATEGORY_STATIC (oggmux_debug);
#define GST_CAT_DEFAULT oggmux_debug

#define OPUS_RATE_HZ           48000 /* of granule positions, RFC 7845 4 */
#define PACKET_DURATION        (20 * GST_MSECOND)
#define MAX_PAGE_DELAY         (10 * GST_SECOND)
#define DEFAULT_MAX_PAGE_DELAY (200 * GST_MSECOND)
#define DEFAULT_SERIAL         0

struct _GstSyrinxOggMux
{
  GstElement parent;

  GstPad *sink_pad, *src_pad; /* constant after init */

  /* protected by the object lock */
  GstClockTime max_page_delay;
  guint serial;

  gint is_cut; /* atomic: denied, no data may leave any more */

  /* protected by the sink pad's stream lock */
  SyrinxOggPage page;
  GstBuffer *head, *tags; /* OpusHead and OpusTags */
  gboolean header_due;
  guint pre_skip;
  GstClockTime segment_start;
  gint64 base_units; /* subtracted from every position */
  gint64 page_units; /* length of a page */
  gint64 granule;    /* position at the end of the last packet, -1: none yet */
  GstClockTime page_pts;
  gchar *stream_id;
};

enum
{
  PROP_MAX_PAGE_DELAY = 1,
  PROP_SERIAL
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS ("audio/x-opus"));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS ("audio/ogg"));

#define gst_syrinx_ogg_mux_parent_class parent_class
G_DEFINE_FINAL_TYPE (GstSyrinxOggMux, gst_syrinx_ogg_mux, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE (
    syrinxoggmux, "syrinxoggmux", GST_RANK_NONE, GST_TYPE_SYRINX_OGG_MUX);

/* --- Pages: hot --- */

static void
add_page (GstSyrinxOggMux *self, SyrinxOggFlags flags, GstBufferList *list)
{
  GstBuffer *page
      = syrinx_ogg_page_finish (&self->page, MAX (self->granule, 0), flags);

  GST_BUFFER_PTS (page) = self->page_pts;
  gst_buffer_list_insert (list, -1, page);
}

/* Packets before the segment only prime the decoder: extends the header's
 * pre-skip over them (RFC 7845, section 4.6), and shifts positions so that the
 * stream begins at 0, as oggdemux requires. A first packet at 0 still has its
 * own pre-skip. */
static void
skip_to_segment (GstSyrinxOggMux *self, GstBuffer *first)
{
  GstClockTime pts = GST_BUFFER_PTS (first);
  guint own = self->pre_skip;
  guint64 units;
  guint8 field[2];

  if (!GST_CLOCK_TIME_IS_VALID (pts) || pts >= self->segment_start)
    return;
  units = gst_util_uint64_scale_round (
      self->segment_start - pts, OPUS_RATE_HZ, GST_SECOND);
  units = pts == 0 ? units + own : MAX (units, own);
  self->pre_skip = MIN (units, G_MAXUINT16);
  self->base_units = pts == 0 ? self->pre_skip - own
                              : self->pre_skip
                                    + (gint64)gst_util_uint64_scale_round (
                                        pts, OPUS_RATE_HZ, GST_SECOND);
  field[0] = self->pre_skip;
  field[1] = self->pre_skip >> 8;
  self->head = gst_buffer_make_writable (self->head);
  gst_buffer_fill (self->head, 10, field, 2);
}

static void
add_header (GstSyrinxOggMux *self, GstBufferList *list)
{
  const struct
  {
    GstBuffer *packet;
    SyrinxOggFlags flags;
  } pages[] = { { self->head, SYRINX_OGG_FIRST }, { self->tags, 0 } };

  for (guint i = 0; i < G_N_ELEMENTS (pages); i++) {
    GstBuffer *page;
    syrinx_ogg_page_add (&self->page, pages[i].packet);
    page = syrinx_ogg_page_finish (&self->page, 0, pages[i].flags);
    GST_BUFFER_FLAG_SET (page, GST_BUFFER_FLAG_HEADER);
    gst_buffer_list_insert (list, -1, page);
  }
  self->header_due = FALSE;
}

/* The positions before and after @packet, in samples at 48 kHz, including
 * pre-skip and excluding clipped samples at the end. */
static void
find_position (
    GstSyrinxOggMux *self, GstBuffer *packet, gint64 *start, gint64 *end)
{
  GstAudioClippingMeta *clip = gst_buffer_get_audio_clipping_meta (packet);
  GstClockTime duration = GST_BUFFER_DURATION_IS_VALID (packet)
                              ? GST_BUFFER_DURATION (packet)
                              : PACKET_DURATION;
  gint64 units
      = gst_util_uint64_scale_round (duration, OPUS_RATE_HZ, GST_SECOND);

  if (GST_BUFFER_PTS_IS_VALID (packet))
    *end = self->pre_skip - self->base_units
           + (gint64)gst_util_uint64_scale_round (
               GST_BUFFER_PTS (packet) + duration, OPUS_RATE_HZ, GST_SECOND);
  else
    *end = MAX (self->granule, 0) + units;
  *start = *end - units;
  /* A source that clips may not have shortened the duration too. */
  if (clip && clip->format == GST_FORMAT_DEFAULT
      && units >= (gint64)gst_util_uint64_scale_round (
             PACKET_DURATION, OPUS_RATE_HZ, GST_SECOND))
    *end -= MIN ((gint64)clip->end, units);
}

/* A page is pushed when the next packet comes, so that the last page can be
 * marked as last. */
static GstFlowReturn
add_packet (GstSyrinxOggMux *self, GstBuffer *packet, GstBufferList *list)
{
  gint64 start, end;

  if (gst_buffer_get_size (packet) > SYRINX_OGG_MAX_PACKET_BYTES) {
    GST_ELEMENT_ERROR (self, STREAM, MUX, ("An Opus packet is too large."),
        ("%" G_GSIZE_FORMAT " bytes", gst_buffer_get_size (packet)));
    return GST_FLOW_ERROR;
  }
  find_position (self, packet, &start, &end);
  if (self->page.n_segments
      && (start / self->page_units > (self->granule - 1) / self->page_units
          || !syrinx_ogg_page_has_room (
              &self->page, gst_buffer_get_size (packet))))
    add_page (self, 0, list);
  if (!self->page.n_segments)
    self->page_pts = GST_BUFFER_PTS (packet);
  syrinx_ogg_page_add (&self->page, packet);
  self->granule = end;
  return GST_FLOW_OK;
}

static GstFlowReturn
push (GstSyrinxOggMux *self, GstBufferList *list)
{
  gboolean is_cut = g_atomic_int_get (&self->is_cut);

  if (!is_cut && gst_buffer_list_length (list))
    return gst_pad_push_list (self->src_pad, list);
  gst_buffer_list_unref (list);
  return is_cut ? GST_FLOW_EOS : GST_FLOW_OK;
}

static GstFlowReturn
ogg_mux_chain_list (GstPad *pad, GstObject *parent, GstBufferList *packets)
{
  GstSyrinxOggMux *self = GST_SYRINX_OGG_MUX (parent);
  GstBufferList *list = gst_buffer_list_new ();
  GstFlowReturn result = self->head ? GST_FLOW_OK : GST_FLOW_NOT_NEGOTIATED;

  if (self->header_due && gst_buffer_list_length (packets)) {
    skip_to_segment (self, gst_buffer_list_get (packets, 0));
    add_header (self, list);
  }
  for (guint i = 0;
       i < gst_buffer_list_length (packets) && result == GST_FLOW_OK; i++)
    result = add_packet (self, gst_buffer_list_get (packets, i), list);
  gst_buffer_list_unref (packets);
  if (result == GST_FLOW_OK)
    return push (self, list);
  gst_buffer_list_unref (list);
  return result;
}

static GstFlowReturn
ogg_mux_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstBufferList *list = gst_buffer_list_new_sized (1);

  gst_buffer_list_insert (list, -1, buffer);
  return ogg_mux_chain_list (pad, parent, list);
}

/* --- Events --- */

static guint
choose_serial (GstSyrinxOggMux *self)
{
  guint serial;

  GST_OBJECT_LOCK (self);
  serial = self->serial;
  GST_OBJECT_UNLOCK (self);
  return serial ? serial : g_str_hash (self->stream_id ? self->stream_id : "");
}

static GstBuffer *
make_head (GstCaps *caps)
{
  guint32 rate;
  guint8 channels, family, n_streams, n_coupled, mapping[256];

  if (!gst_codec_utils_opus_parse_caps (
          caps, &rate, &channels, &family, &n_streams, &n_coupled, mapping))
    return NULL;
  return gst_codec_utils_opus_create_header (
      rate, channels, family, n_streams, n_coupled, mapping, 0, 0);
}

/* Takes the header packets from @caps, or makes them if a foreign source has
 * none. */
static gboolean
take_headers (GstSyrinxOggMux *self, GstCaps *caps)
{
  const GValue *headers = gst_structure_get_value (
      gst_caps_get_structure (caps, 0), "streamheader");
  static const guint8 no_tags[] = "OpusTags\x06\0\0\0Syrinx\0\0\0\0";
  guint8 byte[2];

  gst_clear_buffer (&self->head);
  gst_clear_buffer (&self->tags);
  if (headers && gst_value_array_get_size (headers) >= 2) {
    self->head = gst_buffer_ref (
        gst_value_get_buffer (gst_value_array_get_value (headers, 0)));
    self->tags = gst_buffer_ref (
        gst_value_get_buffer (gst_value_array_get_value (headers, 1)));
  } else {
    self->head = make_head (caps);
    self->tags = gst_buffer_new_memdup (no_tags, sizeof no_tags - 1);
  }
  if (!self->head || gst_buffer_extract (self->head, 10, byte, 2) != 2
      || gst_buffer_get_size (self->head) > SYRINX_OGG_MAX_PACKET_BYTES
      || gst_buffer_get_size (self->tags) > SYRINX_OGG_MAX_PACKET_BYTES)
    return FALSE;
  self->pre_skip = GST_READ_UINT16_LE (byte);
  return TRUE;
}

static gboolean
set_caps (GstSyrinxOggMux *self, GstCaps *caps)
{
  g_autoptr (GstCaps) out = gst_caps_new_empty_simple ("audio/ogg");

  if (!take_headers (self, caps)) {
    gst_clear_buffer (&self->head);
    GST_ELEMENT_ERROR (self, CORE, NEGOTIATION,
        ("These caps don't describe an Opus stream that Ogg can hold."),
        ("%" GST_PTR_FORMAT, caps));
    return FALSE;
  }
  GST_OBJECT_LOCK (self);
  self->page_units = MAX (1,
      gst_util_uint64_scale (self->max_page_delay, OPUS_RATE_HZ, GST_SECOND));
  GST_OBJECT_UNLOCK (self);
  syrinx_ogg_page_reset (&self->page, choose_serial (self), 0);
  self->header_due = TRUE;
  self->granule = -1;
  self->base_units = 0;
  return gst_pad_push_event (self->src_pad, gst_event_new_caps (out));
}

static void
finish (GstSyrinxOggMux *self)
{
  GstBufferList *list = gst_buffer_list_new ();

  if (self->head) {
    if (self->header_due)
      add_header (self, list);
    add_page (self, SYRINX_OGG_LAST, list);
  }
  push (self, list);
}

/* The output is a stream of bytes, at whatever time it begins. */
static GstEvent *
make_bytes_segment (GstEvent *event)
{
  GstSegment segment;
  GstEvent *made;

  gst_segment_init (&segment, GST_FORMAT_BYTES);
  made = gst_event_new_segment (&segment);
  gst_event_set_seqnum (made, gst_event_get_seqnum (event));
  gst_event_unref (event);
  return made;
}

static void
drop_page (GstSyrinxOggMux *self)
{
  syrinx_ogg_page_reset (&self->page, self->page.serial, self->page.sequence);
  self->granule = -1;
}

static gboolean
ogg_mux_sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstSyrinxOggMux *self = GST_SYRINX_OGG_MUX (parent);
  const gchar *stream_id, *reason;
  const GstSegment *segment;
  GstCaps *caps;
  gboolean taken;

  if (syrinx_event_parse_denied (event, &reason))
    g_atomic_int_set (&self->is_cut, TRUE);
  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_STREAM_START:
    gst_event_parse_stream_start (event, &stream_id);
    g_free (self->stream_id);
    self->stream_id = g_strdup (stream_id);
    break;
  case GST_EVENT_CAPS:
    gst_event_parse_caps (event, &caps);
    taken = set_caps (self, caps);
    gst_event_unref (event);
    return taken;
  case GST_EVENT_SEGMENT:
    gst_event_parse_segment (event, &segment);
    self->segment_start
        = segment->format == GST_FORMAT_TIME ? segment->start : 0;
    event = make_bytes_segment (event);
    break;
  case GST_EVENT_FLUSH_STOP:
    drop_page (self);
    break;
  case GST_EVENT_EOS:
    finish (self);
    break;
  default:
    break;
  }
  return gst_pad_event_default (pad, parent, event);
}

static GstStateChangeReturn
ogg_mux_change_state (GstElement *element, GstStateChange transition)
{
  GstSyrinxOggMux *self = GST_SYRINX_OGG_MUX (element);
  GstStateChangeReturn result
      = GST_ELEMENT_CLASS (parent_class)->change_state (element, transition);

  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    drop_page (self);
    g_atomic_int_set (&self->is_cut, FALSE);
    gst_clear_buffer (&self->head);
    gst_clear_buffer (&self->tags);
    g_clear_pointer (&self->stream_id, g_free);
  }
  return result;
}

/* --- GObject --- */

static void
ogg_mux_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstSyrinxOggMux *self = GST_SYRINX_OGG_MUX (object);

  GST_OBJECT_LOCK (self);
  if (id == PROP_MAX_PAGE_DELAY)
    self->max_page_delay = g_value_get_uint64 (value);
  else if (id == PROP_SERIAL)
    self->serial = g_value_get_uint (value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  GST_OBJECT_UNLOCK (self);
}

static void
ogg_mux_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstSyrinxOggMux *self = GST_SYRINX_OGG_MUX (object);

  GST_OBJECT_LOCK (self);
  if (id == PROP_MAX_PAGE_DELAY)
    g_value_set_uint64 (value, self->max_page_delay);
  else if (id == PROP_SERIAL)
    g_value_set_uint (value, self->serial);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  GST_OBJECT_UNLOCK (self);
}

static void
ogg_mux_finalize (GObject *object)
{
  GstSyrinxOggMux *self = GST_SYRINX_OGG_MUX (object);

  syrinx_ogg_page_clear (&self->page);
  gst_clear_buffer (&self->head);
  gst_clear_buffer (&self->tags);
  g_free (self->stream_id);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
gst_syrinx_ogg_mux_class_init (GstSyrinxOggMuxClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  const GParamFlags flags
      = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

  GST_DEBUG_CATEGORY_INIT (oggmux_debug, "syrinxoggmux", 0, "Ogg Opus muxer");
  object_class->set_property = ogg_mux_set_property;
  object_class->get_property = ogg_mux_get_property;
  object_class->finalize = ogg_mux_finalize;
  element_class->change_state = ogg_mux_change_state;
  g_object_class_install_property (object_class, PROP_MAX_PAGE_DELAY,
      g_param_spec_uint64 ("max-page-delay", "Max. page delay",
          "Most audio in a page, in ns", 1, MAX_PAGE_DELAY,
          DEFAULT_MAX_PAGE_DELAY, flags));
  g_object_class_install_property (object_class, PROP_SERIAL,
      g_param_spec_uint ("serial", "Serial number",
          "Serial number of the logical stream (0: from the stream's id)", 0,
          G_MAXUINT, DEFAULT_SERIAL, flags));
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "Ogg Opus muxer",
      "Codec/Muxer", "Muxes Opus into Ogg, the same bytes every time",
      "The Syrinx project");
}

static void
gst_syrinx_ogg_mux_init (GstSyrinxOggMux *self)
{
  self->max_page_delay = DEFAULT_MAX_PAGE_DELAY;
  syrinx_ogg_page_init (&self->page);
  self->sink_pad = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (self->sink_pad, ogg_mux_chain);
  gst_pad_set_chain_list_function (self->sink_pad, ogg_mux_chain_list);
  gst_pad_set_event_function (self->sink_pad, ogg_mux_sink_event);
  gst_element_add_pad (GST_ELEMENT (self), self->sink_pad);
  self->src_pad = gst_pad_new_from_static_template (&src_template, "src");
  gst_pad_use_fixed_caps (self->src_pad);
  gst_element_add_pad (GST_ELEMENT (self), self->src_pad);
}
