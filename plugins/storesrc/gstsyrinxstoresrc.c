/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxstoresrc: reads a track's rendition out of the content store. */

/**
 * SECTION:element-syrinxstoresrc
 * @title: syrinxstoresrc
 *
 * Gives a rendition as encrypted chunks as they lie on disk, as clear CMAF
 * fragments, or, for Opus, as single packets: downstream's caps choose, and
 * where they leave the choice #GstSyrinxStoreSrc:form or, without it, chunks.
 * It owns no thread where a `syrinxgeoqueue` demands data; elsewhere it drives
 * itself. A fragment that is still being made is waited for without blocking
 * who demands it.
 *
 * ## Example pipeline
 * |[
 * gst-launch-1.0 syrinxstoresrc store=$HOME/.local/state/syrinx \
 *   uri="syrinx://track/ID?rendition=opus-128" ! audio/x-opus ! opusdec ! \
 *   autoaudiosink
 * ]|
 */
#include "gstsyrinxstoresrc.h"

#include "opus-packets.h"

#include "core/content/content.h"
#include "core/base/error.h"
#include "core/schedule/demand.h"
#include "core/base/identifier.h"

#include <string.h>

GST_DEBUG_CATEGORY_STATIC (storesrc_debug);
#define GST_CAT_DEFAULT storesrc_debug

#define URI_PREFIX        "syrinx://track/"
#define DEFAULT_RENDITION "opus-128"
#define SELF_DRIVEN_BATCH 50
#define DEFAULT_PREROLL   (80 * GST_MSECOND) /* RFC 7845, section 4.6 */
#define CLEAR_CAPS        "video/quicktime, variant=(string)cmaf"
#define CHUNK_CAPS        SYRINX_CHUNK_MEDIA_TYPE ", format=(string)hls-aes128"

typedef enum
{
  MODE_NONE,
  MODE_CHUNKS,
  MODE_CLEAR,
  MODE_PACKETS
} Mode;
typedef enum
{
  MADE_DATA,
  MADE_PENDING,
  MADE_END,
  MADE_ERROR
} Made;

/* Order of locks: the source pad's stream lock, then lock. */
struct _GstSyrinxStoreSrc
{
  GstElement parent;

  GstPad *src_pad; /* constant after init */

  GMutex lock;
  GCond changed;

  /* protected by lock */
  gchar *store, *uri;
  gboolean flushing, came;
  GstClockTime preroll;
  Mode form; /* MODE_NONE: as downstream's caps say */
  GstSegment segment;

  /* constant from READY to PAUSED and back */
  SyrinxContent *content;
  SyrinxRendition *rendition;

  gint demand_driven; /* atomic: a demand may come while the pad activates */

  /* protected by the source pad's stream lock */
  Mode mode;
  gboolean segment_due, header_due, ended;
  gint next_fragment;
  guint64 from_units;
  SyrinxOpusPackets packets; /* of the fragment before next_fragment */
};

enum
{
  PROP_STORE = 1,
  PROP_URI,
  PROP_PREROLL,
  PROP_FORM
};

static GstStaticPadTemplate src_template
    = GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS,
        GST_STATIC_CAPS (CHUNK_CAPS "; " CLEAR_CAPS "; audio/x-opus"));

static void uri_handler_init (gpointer iface, gpointer data);

#define gst_syrinx_store_src_parent_class parent_class
G_DEFINE_FINAL_TYPE_WITH_CODE (GstSyrinxStoreSrc, gst_syrinx_store_src,
    GST_TYPE_ELEMENT,
    G_IMPLEMENT_INTERFACE (GST_TYPE_URI_HANDLER, uri_handler_init))
GST_ELEMENT_REGISTER_DEFINE (syrinxstoresrc, "syrinxstoresrc", GST_RANK_PRIMARY,
    GST_TYPE_SYRINX_STORE_SRC);

/* --- Getting fragments --- */

/* In any thread: what was waited for is there, or has failed. */
static void
fragment_came (SyrinxRendition *rendition, gint number, gpointer data)
{
  GstSyrinxStoreSrc *self = data;

  if (g_atomic_int_get (&self->demand_driven)) {
    gst_pad_push_event (self->src_pad, syrinx_event_new_ready ());
    return;
  }
  g_mutex_lock (&self->lock);
  self->came = TRUE;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

static Made
fail (GstSyrinxStoreSrc *self, const GError *error)
{
  GST_ELEMENT_ERROR (self, RESOURCE, READ,
      ("This track can't be read: %s", error->message), (NULL));
  gst_pad_push_event (self->src_pad, gst_event_new_eos ());
  self->ended = TRUE;
  return MADE_ERROR;
}

static Made
fetch (GstSyrinxStoreSrc *self, gint number, GBytes **bytes)
{
  SyrinxForm form
      = self->mode == MODE_CHUNKS ? SYRINX_FORM_CHUNK : SYRINX_FORM_CLEAR;
  g_autoptr (GError) error = NULL;

  g_mutex_lock (&self->lock);
  self->came = FALSE;
  g_mutex_unlock (&self->lock);
  if (!syrinx_rendition_fetch (
          self->rendition, number, form, bytes, fragment_came, self, &error))
    return fail (self, error);
  return *bytes ? MADE_DATA : MADE_PENDING;
}

/* --- Beginning: caps, segment, header --- */

static Mode
choose_mode (GstSyrinxStoreSrc *self)
{
  static const struct
  {
    const gchar *caps;
    Mode mode;
  } choices[] = { { CHUNK_CAPS, MODE_CHUNKS }, { CLEAR_CAPS, MODE_CLEAR },
    { "audio/x-opus", MODE_PACKETS } };
  g_autoptr (GstCaps) allowed = gst_pad_peer_query_caps (self->src_pad, NULL);
  Mode form;

  g_mutex_lock (&self->lock);
  form = self->form;
  g_mutex_unlock (&self->lock);
  for (guint i = 0; i < G_N_ELEMENTS (choices); i++) {
    g_autoptr (GstCaps) caps = gst_caps_from_string (choices[i].caps);
    if ((form == MODE_NONE || form == choices[i].mode)
        && gst_caps_can_intersect (caps, allowed))
      return choices[i].mode;
  }
  return MODE_NONE;
}

static GstCaps *
make_opus_caps (GstSyrinxStoreSrc *self, GBytes *header, GError **error)
{
  g_autoptr (SyrinxTrack) track
      = syrinx_store_get_track (syrinx_content_get_store (self->content),
          syrinx_rendition_get_row (self->rendition)->track_id, error);

  return track ? syrinx_opus_caps_from_header (header, track, error) : NULL;
}

static GstCaps *
make_caps (GstSyrinxStoreSrc *self, GBytes *header, GError **error)
{
  GstCaps *caps;
  GValue list = G_VALUE_INIT, value = G_VALUE_INIT;

  if (self->mode == MODE_PACKETS)
    return make_opus_caps (self, header, error);
  if (self->mode == MODE_CHUNKS) {
    caps = gst_caps_from_string (CHUNK_CAPS);
    gst_caps_set_simple (caps, "content-caps", G_TYPE_STRING, CLEAR_CAPS, NULL);
    return caps;
  }
  caps = gst_caps_from_string (CLEAR_CAPS);
  g_value_init (&list, GST_TYPE_ARRAY);
  g_value_init (&value, GST_TYPE_BUFFER);
  g_value_take_boxed (&value, gst_buffer_new_wrapped_bytes (header));
  gst_value_array_append_and_take_value (&list, &value);
  gst_caps_set_value (caps, "streamheader", &list);
  g_value_unset (&list);
  return caps;
}

static Made
begin (GstSyrinxStoreSrc *self)
{
  const SyrinxRenditionRow *row = syrinx_rendition_get_row (self->rendition);
  g_autofree gchar *stream_id
      = g_strdup_printf ("%s/%s/%u", row->track_id, row->name, row->epoch);
  g_autoptr (GBytes) header = NULL;
  g_autoptr (GstCaps) caps = NULL;
  g_autoptr (GError) error = NULL;
  Made made = fetch (self, SYRINX_FRAGMENT_HEADER, &header);

  if (made != MADE_DATA)
    return made;
  self->mode = choose_mode (self);
  if (self->mode == MODE_NONE) {
    GST_ELEMENT_ERROR (self, CORE, NEGOTIATION, (NULL),
        ("downstream takes neither chunks, nor CMAF, nor Opus packets"));
    self->ended = TRUE;
    return MADE_ERROR;
  }
  caps = make_caps (self, header, &error);
  if (!caps)
    return fail (self, error);
  gst_pad_push_event (self->src_pad, gst_event_new_stream_start (stream_id));
  gst_pad_push_event (self->src_pad, gst_event_new_caps (caps));
  self->header_due = self->mode != MODE_PACKETS;
  return MADE_DATA;
}

static void
push_segment (GstSyrinxStoreSrc *self)
{
  GstEvent *event;

  g_mutex_lock (&self->lock);
  event = gst_event_new_segment (&self->segment);
  g_mutex_unlock (&self->lock);
  gst_pad_push_event (self->src_pad, event);
  self->segment_due = FALSE;
}

/* --- Producing: under the stream lock --- */

static GstBuffer *
wrap_fragment (GstSyrinxStoreSrc *self, GBytes *bytes, gint number)
{
  const SyrinxRenditionRow *row = syrinx_rendition_get_row (self->rendition);
  GstBuffer *buffer = gst_buffer_new_wrapped_bytes (bytes);
  guint64 start = (guint64)MAX (number, 0) * row->fragment_units;
  guint64 end = MIN (start + row->fragment_units, row->n_units);

  if (number == SYRINX_FRAGMENT_HEADER) {
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_HEADER);
    return buffer;
  }
  start = start > row->pre_skip ? start - row->pre_skip : 0;
  end = end > row->pre_skip ? end - row->pre_skip : 0;
  GST_BUFFER_OFFSET (buffer) = number;
  GST_BUFFER_PTS (buffer)
      = gst_util_uint64_scale (start, GST_SECOND, row->timescale);
  GST_BUFFER_DURATION (buffer)
      = gst_util_uint64_scale (end, GST_SECOND, row->timescale)
        - GST_BUFFER_PTS (buffer);
  return buffer;
}

static Made
add_fragment (GstSyrinxStoreSrc *self, gint number, GstBufferList *list)
{
  g_autoptr (GBytes) bytes = NULL;
  Made made = fetch (self, number, &bytes);

  if (made == MADE_DATA)
    gst_buffer_list_add (list, wrap_fragment (self, bytes, number));
  return made;
}

static Made
refill_packets (GstSyrinxStoreSrc *self)
{
  const SyrinxRenditionRow *row = syrinx_rendition_get_row (self->rendition);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  Made made;

  if (self->next_fragment >= (gint)row->n_fragments)
    return MADE_END;
  made = fetch (self, self->next_fragment, &bytes);
  if (made != MADE_DATA)
    return made;
  if (!syrinx_opus_packets_begin (
          &self->packets, bytes, self->from_units, &error))
    return fail (self, error);
  return MADE_DATA;
}

/* The next fragment: into @list, or taken apart into packets. */
static Made
advance (GstSyrinxStoreSrc *self, GstBufferList *list)
{
  const SyrinxRenditionRow *row = syrinx_rendition_get_row (self->rendition);
  Made made;

  if (self->next_fragment >= (gint)row->n_fragments)
    return MADE_END;
  made = self->mode == MODE_PACKETS
             ? refill_packets (self)
             : add_fragment (self, self->next_fragment, list);
  if (made == MADE_DATA)
    self->next_fragment++;
  return made;
}

/* Up to @max_buffers into @list. What is there counts, even if what follows
 * is pending. */
static Made
collect (GstSyrinxStoreSrc *self, guint max_buffers, gint fragment,
    GstBufferList *list)
{
  const SyrinxRenditionRow *row = syrinx_rendition_get_row (self->rendition);
  Made made = MADE_DATA;

  if (fragment >= 0)
    return add_fragment (self, fragment, list);
  if (self->header_due) {
    made = add_fragment (self, SYRINX_FRAGMENT_HEADER, list);
    self->header_due = made != MADE_DATA;
  }
  while (made == MADE_DATA && gst_buffer_list_length (list) < max_buffers) {
    GstBuffer *packet = syrinx_opus_packets_next (&self->packets, row);
    if (packet)
      gst_buffer_list_insert (list, -1, packet);
    else
      made = advance (self, list);
  }
  return made;
}

static void
note_position (GstSyrinxStoreSrc *self, GstBufferList *list)
{
  GstBuffer *last
      = gst_buffer_list_get (list, gst_buffer_list_length (list) - 1);

  if (!GST_BUFFER_PTS_IS_VALID (last))
    return;
  g_mutex_lock (&self->lock);
  self->segment.position = GST_BUFFER_PTS (last) + GST_BUFFER_DURATION (last);
  g_mutex_unlock (&self->lock);
}

/* One demand's worth, pushed. */
static Made
produce (GstSyrinxStoreSrc *self, guint max_buffers, gint fragment)
{
  GstBufferList *list;
  GstFlowReturn result = GST_FLOW_OK;
  Made made = MADE_DATA;

  if (self->ended && fragment < 0)
    return MADE_END;
  if (self->mode == MODE_NONE && (made = begin (self)) != MADE_DATA)
    return made;
  if (self->segment_due)
    push_segment (self);
  max_buffers = MAX (max_buffers, 1);
  list = gst_buffer_list_new_sized (max_buffers);
  made = collect (self, max_buffers, fragment, list);
  if (gst_buffer_list_length (list)) {
    note_position (self, list);
    result = gst_pad_push_list (self->src_pad, list);
    if (made == MADE_PENDING)
      made = MADE_DATA;
  } else {
    gst_buffer_list_unref (list);
  }
  if (made == MADE_END) {
    self->ended = TRUE;
    gst_pad_push_event (self->src_pad, gst_event_new_eos ());
  }
  return result == GST_FLOW_OK ? made : MADE_ERROR;
}

/* --- Driven by demand --- */

static gboolean
answer_demand (GstSyrinxStoreSrc *self, GstEvent *event)
{
  GstClockTime max_time;
  guint max_buffers;
  gint fragment;

  if (!g_atomic_int_get (&self->demand_driven)
      || !syrinx_event_parse_demand (event, &max_buffers, &max_time, &fragment))
    return FALSE;
  GST_PAD_STREAM_LOCK (self->src_pad);
  if (gst_pad_is_active (self->src_pad))
    produce (self, max_buffers, fragment);
  GST_PAD_STREAM_UNLOCK (self->src_pad);
  return TRUE;
}

/* --- Driving itself --- */

static void
loop (gpointer data)
{
  GstSyrinxStoreSrc *self = data;
  Made made = produce (self, SELF_DRIVEN_BATCH, -1);

  g_mutex_lock (&self->lock);
  while (made == MADE_PENDING && !self->came && !self->flushing)
    g_cond_wait (&self->changed, &self->lock);
  if (self->flushing || made == MADE_END || made == MADE_ERROR)
    gst_pad_pause_task (self->src_pad);
  g_mutex_unlock (&self->lock);
}

/* --- Seeking --- */

/* What comes next is what is needed to hear from @position on. */
static void
go_to (GstSyrinxStoreSrc *self, GstClockTime position)
{
  const SyrinxRenditionRow *row = syrinx_rendition_get_row (self->rendition);
  guint64 units = gst_util_uint64_scale (position, row->timescale, GST_SECOND)
                  + row->pre_skip;
  guint64 preroll;

  g_mutex_lock (&self->lock);
  preroll = gst_util_uint64_scale (self->preroll, row->timescale, GST_SECOND);
  g_mutex_unlock (&self->lock);
  self->from_units = units > preroll ? units - preroll : 0;
  self->next_fragment
      = MIN (self->from_units, row->n_units) / row->fragment_units;
  syrinx_opus_packets_clear (&self->packets);
  self->segment_due = TRUE;
  self->ended = FALSE;
}

static gboolean
set_position (GstSyrinxStoreSrc *self, GstEvent *event)
{
  GstSegment segment;
  GstFormat format;
  GstSeekFlags flags;
  GstSeekType start_type, stop_type;
  gint64 start, stop;
  gdouble rate;

  gst_event_parse_seek (
      event, &rate, &format, &flags, &start_type, &start, &stop_type, &stop);
  g_mutex_lock (&self->lock);
  segment = self->segment;
  g_mutex_unlock (&self->lock);
  if (!gst_segment_do_seek (&segment, rate, format, flags, start_type, start,
          stop_type, stop, NULL))
    return FALSE;
  go_to (self, segment.position);
  g_mutex_lock (&self->lock);
  self->segment = segment;
  g_mutex_unlock (&self->lock);
  return TRUE;
}

static void
set_flushing (GstSyrinxStoreSrc *self, gboolean flushing)
{
  g_mutex_lock (&self->lock);
  self->flushing = flushing;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

/* Only flushing forward seeks in time. */
static gboolean
seek (GstSyrinxStoreSrc *self, GstEvent *event)
{
  GstFormat format;
  GstSeekFlags flags;
  gdouble rate;
  gboolean done;

  gst_event_parse_seek (event, &rate, &format, &flags, NULL, NULL, NULL, NULL);
  if (format != GST_FORMAT_TIME || rate <= 0 || !(flags & GST_SEEK_FLAG_FLUSH)
      || !self->rendition)
    return FALSE;
  gst_pad_push_event (self->src_pad, gst_event_new_flush_start ());
  set_flushing (self, TRUE);
  if (!g_atomic_int_get (&self->demand_driven))
    gst_pad_pause_task (self->src_pad);
  GST_PAD_STREAM_LOCK (self->src_pad);
  set_flushing (self, FALSE);
  gst_pad_push_event (self->src_pad, gst_event_new_flush_stop (TRUE));
  done = set_position (self, event);
  if (done && self->mode != MODE_NONE)
    push_segment (self);
  if (!g_atomic_int_get (&self->demand_driven))
    gst_pad_start_task (self->src_pad, loop, self, NULL);
  GST_PAD_STREAM_UNLOCK (self->src_pad);
  return done;
}

static gboolean
store_src_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstSyrinxStoreSrc *self = GST_SYRINX_STORE_SRC (parent);
  gboolean handled;

  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_CUSTOM_UPSTREAM:
    handled = answer_demand (self, event);
    break;
  case GST_EVENT_SEEK:
    handled = seek (self, event);
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

typedef struct
{
  gchar *track_id, *rendition;
  guint epoch; /* 0: the current one */
  GstClockTime start;
} Place;

static void
place_clear (Place *place)
{
  g_free (place->track_id);
  g_free (place->rendition);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Place, place_clear)

/* Seconds, with decimals. */
static gboolean
parse_start (const gchar *text, GstClockTime *start)
{
  gchar *end = NULL;
  gdouble seconds = text ? g_ascii_strtod (text, &end) : 0;

  if (text && (end == text || *end || !(seconds >= 0 && seconds <= 1e6)))
    return FALSE;
  *start = seconds * GST_SECOND + 0.5;
  return TRUE;
}

/* "syrinx://track/ID?rendition=NAME&epoch=N&start=SECONDS". @place is zeroed */
static gboolean
parse_uri (const gchar *uri, Place *place, GError **error)
{
  g_autoptr (GstUri) parsed = uri ? gst_uri_from_string (uri) : NULL;
  g_autofree gchar *path = parsed ? gst_uri_get_path (parsed) : NULL;
  const gchar *name, *number;
  guint64 value = 0;

  if (parsed && g_strcmp0 (gst_uri_get_scheme (parsed), "syrinx") == 0
      && g_strcmp0 (gst_uri_get_host (parsed), "track") == 0 && path
      && path[0] == '/' && syrinx_id_is_valid (path + 1)) {
    name = gst_uri_get_query_value (parsed, "rendition");
    number = gst_uri_get_query_value (parsed, "epoch");
    if ((!number
            || g_ascii_string_to_unsigned (
                number, 10, 1, G_MAXUINT, &value, NULL))
        && parse_start (
            gst_uri_get_query_value (parsed, "start"), &place->start)) {
      place->track_id = g_strdup (path + 1);
      place->rendition = g_strdup (name ? name : DEFAULT_RENDITION);
      place->epoch = value;
      return TRUE;
    }
  }
  g_set_error (error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI,
      "\"%s\" is no " URI_PREFIX "ID?rendition=NAME&start=SECONDS",
      uri ? uri : "");
  return FALSE;
}

static gboolean
open_rendition (GstSyrinxStoreSrc *self, GstClockTime *start, GError **error)
{
  g_autofree gchar *uri = NULL, *store = NULL;
  g_auto (Place) place = { 0 };
  const gchar *given;

  g_mutex_lock (&self->lock);
  uri = g_strdup (self->uri);
  given = self->store ? self->store : g_getenv ("SYRINX_STATE_DIR");
  store = g_strdup (given);
  g_mutex_unlock (&self->lock);
  if (!parse_uri (uri, &place, error))
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
  self->mode = MODE_NONE;
  gst_segment_init (&self->segment, GST_FORMAT_TIME);
  self->segment.duration
      = gst_util_uint64_scale (row->n_units - MIN (row->pre_skip, row->n_units),
          GST_SECOND, row->timescale);
  self->segment.start = self->segment.time = self->segment.position
      = MIN (start, self->segment.duration);
  go_to (self, self->segment.position);
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
  set_flushing (self, !active);
  if (!active)
    return gst_pad_stop_task (pad);
  g_atomic_int_set (&self->demand_driven, gst_pad_peer_query (pad, query));
  if (!g_atomic_int_get (&self->demand_driven))
    return gst_pad_start_task (pad, loop, self, NULL);
  /* Who asked before now was refused. */
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
    /* Whoever answers a demand has this lock. */
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
  g_auto (Place) place = { 0 };

  if (GST_STATE (self) > GST_STATE_READY) {
    g_set_error_literal (error, GST_URI_ERROR, GST_URI_ERROR_BAD_STATE,
        "the uri can't change while it plays");
    return FALSE;
  }
  if (!parse_uri (uri, &place, error))
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
    { MODE_NONE, "What downstream's caps choose, chunks first", "auto" },
    { MODE_CHUNKS, "Encrypted chunks as they lie on disk", "chunks" },
    { MODE_CLEAR, "Clear CMAF fragments", "fragments" },
    { MODE_PACKETS, "Single Opus packets", "packets" },
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
      storesrc_debug, "syrinxstoresrc", 0, "content store source");
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
          URI_PREFIX "ID?rendition=NAME (default " DEFAULT_RENDITION
                     ")&start=SECONDS",
          NULL, flags));
  g_object_class_install_property (object_class, PROP_PREROLL,
      g_param_spec_uint64 ("preroll", "Preroll",
          "With packets: what comes before the point of a seek, in "
          "nanoseconds, for decoders to settle in",
          0, GST_SECOND, DEFAULT_PREROLL, flags));
  g_object_class_install_property (object_class, PROP_FORM,
      g_param_spec_enum ("form", "Form",
          "What it gives, where downstream takes it", form_get_type (),
          MODE_NONE, flags));
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
