/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxstoresrc: how production is driven, and seeking. */
#include "storesrc-private.h"

#include "core/schedule/demand.h"

#define SELF_DRIVEN_BATCH 50

/* --- Driven by demand --- */

gboolean
syrinx_store_src_answer_demand (GstSyrinxStoreSrc *self, GstEvent *event)
{
  GstClockTime max_time;
  guint max_buffers;
  gint fragment;

  if (!g_atomic_int_get (&self->demand_driven)
      || !syrinx_event_parse_demand (event, &max_buffers, &max_time, &fragment))
    return FALSE;
  GST_PAD_STREAM_LOCK (self->src_pad);
  if (gst_pad_is_active (self->src_pad))
    syrinx_store_src_produce (self, max_buffers, fragment);
  GST_PAD_STREAM_UNLOCK (self->src_pad);
  return TRUE;
}

/* --- Driving itself --- */

void
syrinx_store_src_loop (gpointer data)
{
  GstSyrinxStoreSrc *self = data;
  SyrinxMade made = syrinx_store_src_produce (self, SELF_DRIVEN_BATCH, -1);

  g_mutex_lock (&self->lock);
  while (made == SYRINX_MADE_PENDING && !self->came && !self->flushing)
    g_cond_wait (&self->changed, &self->lock);
  if (self->flushing || made == SYRINX_MADE_END || made == SYRINX_MADE_ERROR)
    gst_pad_pause_task (self->src_pad);
  g_mutex_unlock (&self->lock);
}

/* --- Seeking --- */

void
syrinx_store_src_go_to (GstSyrinxStoreSrc *self, GstClockTime position)
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
  syrinx_store_src_go_to (self, segment.position);
  g_mutex_lock (&self->lock);
  self->segment = segment;
  g_mutex_unlock (&self->lock);
  return TRUE;
}

void
syrinx_store_src_set_flushing (GstSyrinxStoreSrc *self, gboolean flushing)
{
  g_mutex_lock (&self->lock);
  self->flushing = flushing;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

gboolean
syrinx_store_src_seek (GstSyrinxStoreSrc *self, GstEvent *event)
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
  syrinx_store_src_set_flushing (self, TRUE);
  if (!g_atomic_int_get (&self->demand_driven))
    gst_pad_pause_task (self->src_pad);
  GST_PAD_STREAM_LOCK (self->src_pad);
  syrinx_store_src_set_flushing (self, FALSE);
  gst_pad_push_event (self->src_pad, gst_event_new_flush_stop (TRUE));
  done = set_position (self, event);
  if (done && self->mode != SYRINX_STORE_SRC_NONE)
    syrinx_store_src_push_segment (self);
  if (!g_atomic_int_get (&self->demand_driven))
    gst_pad_start_task (self->src_pad, syrinx_store_src_loop, self, NULL);
  GST_PAD_STREAM_UNLOCK (self->src_pad);
  return done;
}
