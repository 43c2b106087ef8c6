/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxstoresrc: makes buffers from fragments. */
#include "storesrc-private.h"

#include "core/schedule/demand.h"

/* --- Getting fragments --- */

/* In any thread: a fragment that was waited for is there, or has failed. */
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

static SyrinxMade
fail (GstSyrinxStoreSrc *self, const GError *error)
{
  GST_ELEMENT_ERROR (self, RESOURCE, READ,
      ("This track can't be read: %s", error->message), (NULL));
  gst_pad_push_event (self->src_pad, gst_event_new_eos ());
  self->ended = TRUE;
  return SYRINX_MADE_ERROR;
}

static SyrinxMade
fetch (GstSyrinxStoreSrc *self, gint number, GBytes **bytes)
{
  SyrinxForm form = self->mode == SYRINX_STORE_SRC_CHUNKS ? SYRINX_FORM_CHUNK
                                                          : SYRINX_FORM_CLEAR;
  g_autoptr (GError) error = NULL;

  g_mutex_lock (&self->lock);
  self->came = FALSE;
  g_mutex_unlock (&self->lock);
  if (!syrinx_rendition_fetch (
          self->rendition, number, form, bytes, fragment_came, self, &error))
    return fail (self, error);
  return *bytes ? SYRINX_MADE_DATA : SYRINX_MADE_PENDING;
}

/* --- Beginning: caps, segment, header --- */

static SyrinxStoreSrcMode
choose_mode (GstSyrinxStoreSrc *self)
{
  static const struct
  {
    const gchar *caps;
    SyrinxStoreSrcMode mode;
  } choices[] = { { SYRINX_CHUNK_CAPS, SYRINX_STORE_SRC_CHUNKS },
    { SYRINX_CLEAR_CAPS, SYRINX_STORE_SRC_CLEAR },
    { "audio/x-opus", SYRINX_STORE_SRC_PACKETS } };
  g_autoptr (GstCaps) allowed = gst_pad_peer_query_caps (self->src_pad, NULL);
  SyrinxStoreSrcMode form;

  g_mutex_lock (&self->lock);
  form = self->form;
  g_mutex_unlock (&self->lock);
  for (guint i = 0; i < G_N_ELEMENTS (choices); i++) {
    g_autoptr (GstCaps) caps = gst_caps_from_string (choices[i].caps);
    if ((form == SYRINX_STORE_SRC_NONE || form == choices[i].mode)
        && gst_caps_can_intersect (caps, allowed))
      return choices[i].mode;
  }
  return SYRINX_STORE_SRC_NONE;
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

  if (self->mode == SYRINX_STORE_SRC_PACKETS)
    return make_opus_caps (self, header, error);
  if (self->mode == SYRINX_STORE_SRC_CHUNKS) {
    caps = gst_caps_from_string (SYRINX_CHUNK_CAPS);
    gst_caps_set_simple (
        caps, "content-caps", G_TYPE_STRING, SYRINX_CLEAR_CAPS, NULL);
    return caps;
  }
  caps = gst_caps_from_string (SYRINX_CLEAR_CAPS);
  g_value_init (&list, GST_TYPE_ARRAY);
  g_value_init (&value, GST_TYPE_BUFFER);
  g_value_take_boxed (&value, gst_buffer_new_wrapped_bytes (header));
  gst_value_array_append_and_take_value (&list, &value);
  gst_caps_set_value (caps, "streamheader", &list);
  g_value_unset (&list);
  return caps;
}

static SyrinxMade
begin (GstSyrinxStoreSrc *self)
{
  const SyrinxRenditionRow *row = syrinx_rendition_get_row (self->rendition);
  g_autofree gchar *stream_id
      = g_strdup_printf ("%s/%s/%u", row->track_id, row->name, row->epoch);
  g_autoptr (GBytes) header = NULL;
  g_autoptr (GstCaps) caps = NULL;
  g_autoptr (GError) error = NULL;
  SyrinxMade made = fetch (self, SYRINX_FRAGMENT_HEADER, &header);

  if (made != SYRINX_MADE_DATA)
    return made;
  self->mode = choose_mode (self);
  if (self->mode == SYRINX_STORE_SRC_NONE) {
    GST_ELEMENT_ERROR (self, CORE, NEGOTIATION, (NULL),
        ("downstream takes neither chunks, nor CMAF, nor Opus packets"));
    self->ended = TRUE;
    return SYRINX_MADE_ERROR;
  }
  caps = make_caps (self, header, &error);
  if (!caps)
    return fail (self, error);
  gst_pad_push_event (self->src_pad, gst_event_new_stream_start (stream_id));
  gst_pad_push_event (self->src_pad, gst_event_new_caps (caps));
  self->header_due = self->mode != SYRINX_STORE_SRC_PACKETS;
  return SYRINX_MADE_DATA;
}

void
syrinx_store_src_push_segment (GstSyrinxStoreSrc *self)
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

static SyrinxMade
add_fragment (GstSyrinxStoreSrc *self, gint number, GstBufferList *list)
{
  g_autoptr (GBytes) bytes = NULL;
  SyrinxMade made = fetch (self, number, &bytes);

  if (made == SYRINX_MADE_DATA)
    gst_buffer_list_add (list, wrap_fragment (self, bytes, number));
  return made;
}

static SyrinxMade
refill_packets (GstSyrinxStoreSrc *self)
{
  const SyrinxRenditionRow *row = syrinx_rendition_get_row (self->rendition);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  SyrinxMade made;

  if (self->next_fragment >= (gint)row->n_fragments)
    return SYRINX_MADE_END;
  made = fetch (self, self->next_fragment, &bytes);
  if (made != SYRINX_MADE_DATA)
    return made;
  if (!syrinx_opus_packets_begin (
          &self->packets, bytes, self->from_units, &error))
    return fail (self, error);
  return SYRINX_MADE_DATA;
}

/* Takes the next fragment: adds it to @list, or splits it into packets. */
static SyrinxMade
advance (GstSyrinxStoreSrc *self, GstBufferList *list)
{
  const SyrinxRenditionRow *row = syrinx_rendition_get_row (self->rendition);
  SyrinxMade made;

  if (self->next_fragment >= (gint)row->n_fragments)
    return SYRINX_MADE_END;
  made = self->mode == SYRINX_STORE_SRC_PACKETS
             ? refill_packets (self)
             : add_fragment (self, self->next_fragment, list);
  if (made == SYRINX_MADE_DATA)
    self->next_fragment++;
  return made;
}

/* Adds up to @max_buffers to @list. SYRINX_MADE_PENDING may be returned after
 * some were added. */
static SyrinxMade
collect (GstSyrinxStoreSrc *self, guint max_buffers, gint fragment,
    GstBufferList *list)
{
  const SyrinxRenditionRow *row = syrinx_rendition_get_row (self->rendition);
  SyrinxMade made = SYRINX_MADE_DATA;

  if (fragment >= 0)
    return add_fragment (self, fragment, list);
  if (self->header_due) {
    made = add_fragment (self, SYRINX_FRAGMENT_HEADER, list);
    self->header_due = made != SYRINX_MADE_DATA;
  }
  while (
      made == SYRINX_MADE_DATA && gst_buffer_list_length (list) < max_buffers) {
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

/* Pushes the data for one demand. */
SyrinxMade
syrinx_store_src_produce (
    GstSyrinxStoreSrc *self, guint max_buffers, gint fragment)
{
  GstBufferList *list;
  GstFlowReturn result = GST_FLOW_OK;
  SyrinxMade made = SYRINX_MADE_DATA;

  if (self->ended && fragment < 0)
    return SYRINX_MADE_END;
  if (self->mode == SYRINX_STORE_SRC_NONE
      && (made = begin (self)) != SYRINX_MADE_DATA)
    return made;
  if (self->segment_due)
    syrinx_store_src_push_segment (self);
  max_buffers = MAX (max_buffers, 1);
  list = gst_buffer_list_new_sized (max_buffers);
  made = collect (self, max_buffers, fragment, list);
  if (gst_buffer_list_length (list)) {
    note_position (self, list);
    result = gst_pad_push_list (self->src_pad, list);
    if (made == SYRINX_MADE_PENDING)
      made = SYRINX_MADE_DATA;
  } else {
    gst_buffer_list_unref (list);
  }
  if (made == SYRINX_MADE_END) {
    self->ended = TRUE;
    gst_pad_push_event (self->src_pad, gst_event_new_eos ());
  }
  return result == GST_FLOW_OK ? made : SYRINX_MADE_ERROR;
}
