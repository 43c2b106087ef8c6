/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every pipe of a session is set up with. */
#include "pipe-setup.h"

void
syrinx_pipe_setup_source (SyrinxPipe *pipe, const gchar *state_dir,
    SyrinxRendition *rendition, gdouble start_s)
{
  const SyrinxRenditionRow *row = syrinx_rendition_get_row (rendition);
  g_autoptr (GstElement) src = syrinx_pipe_get_element (pipe, "src");
  gchar start[G_ASCII_DTOSTR_BUF_SIZE];
  g_autofree gchar *uri = NULL;

  g_ascii_formatd (start, sizeof start, "%.9f", start_s);
  uri = g_strdup_printf ("syrinx://track/%s?rendition=%s&epoch=%u&start=%s",
      row->track_id, row->name, row->epoch, start);
  g_object_set (src, "store", state_dir, "uri", uri, NULL);
}

void
syrinx_pipe_setup_gate (SyrinxPipe *pipe, SyrinxSession *session)
{
  g_autoptr (GstElement) gate = syrinx_pipe_get_element (pipe, "gate");

  g_object_set (gate, "grant", syrinx_session_get_grant (session), NULL);
}

void
syrinx_pipe_setup_queue (SyrinxPipe *pipe, SyrinxSession *session)
{
  g_autoptr (GstElement) queue = syrinx_pipe_get_element (pipe, "queue");

  g_object_set (queue, "region", syrinx_session_get_region (session), "rtt",
      syrinx_session_get_rtt_ms (session) * GST_MSECOND, NULL);
}

void
syrinx_pipe_setup_count (
    SyrinxPipe *pipe, SyrinxSession *session, guint64 *counted_bytes)
{
  g_autoptr (GstElement) out = syrinx_pipe_get_element (pipe, "out");
  g_autoptr (GstStructure) stats = NULL;
  guint64 sent_bytes = 0;

  g_object_get (out, "stats", &stats, NULL);
  if (!stats || !gst_structure_get_uint64 (stats, "bytes-sent", &sent_bytes)
      || sent_bytes <= *counted_bytes)
    return;
  syrinx_session_count (session, sent_bytes - *counted_bytes);
  *counted_bytes = sent_bytes;
}

/* --- Messages of the elements --- */

typedef struct
{
  const SyrinxEndings *endings;
  gchar *id;
  gboolean is_broken;
} News;

static gboolean
tell (gpointer data)
{
  News *news = data;

  news->endings->func (news->id, news->is_broken, news->endings->user_data);
  return G_SOURCE_REMOVE;
}

static void
news_free (gpointer data)
{
  News *news = data;

  g_free (news->id);
  g_free (news);
}

void
syrinx_pipe_setup_says (const gchar *id, GstMessageType type,
    const GstStructure *structure, gpointer endings)
{
  g_autoptr (GError) error = NULL;
  News *news;

  if (type == GST_MESSAGE_ELEMENT
      && !gst_structure_has_name (structure, "syrinx-client-closed"))
    return;
  if (type == GST_MESSAGE_ERROR
      && gst_structure_get (structure, "gerror", G_TYPE_ERROR, &error, NULL))
    g_message ("a stream broke off: %s", error->message);
  news = g_new (News, 1);
  news->endings = endings;
  news->id = g_strdup (id);
  news->is_broken = type != GST_MESSAGE_EOS;
  g_idle_add_full (G_PRIORITY_DEFAULT, tell, news, news_free);
}
