/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxbalancesink: its list of servers. */
#include "balancesink-private.h"

SyrinxSinkServer *
syrinx_sink_server_ref (SyrinxSinkServer *server)
{
  g_atomic_ref_count_inc (&server->ref_count);
  return server;
}

void
syrinx_sink_server_unref (SyrinxSinkServer *server)
{
  if (!g_atomic_ref_count_dec (&server->ref_count))
    return;
  gst_object_unref (server->pad);
  g_free (server->name);
  g_free (server);
}

GPtrArray *
syrinx_balance_sink_dup_servers (GstSyrinxBalanceSink *self)
{
  GPtrArray *servers = g_ptr_array_new_with_free_func (
      (GDestroyNotify)syrinx_sink_server_unref);

  GST_OBJECT_LOCK (self);
  for (guint i = 0; i < self->servers->len; i++)
    g_ptr_array_add (
        servers, syrinx_sink_server_ref (g_ptr_array_index (self->servers, i)));
  GST_OBJECT_UNLOCK (self);
  return servers;
}

void
syrinx_balance_sink_post_server (
    GstSyrinxBalanceSink *self, const gchar *what, SyrinxSinkServer *server)
{
  gst_element_post_message (
      GST_ELEMENT (self), gst_message_new_element (GST_OBJECT (self),
                              gst_structure_new (what, "server", G_TYPE_STRING,
                                  server->name, NULL)));
}

void
syrinx_balance_sink_take_down (
    GstSyrinxBalanceSink *self, SyrinxSinkServer *server)
{
  if (!g_atomic_int_compare_and_exchange (&server->is_down, FALSE, TRUE))
    return;
  GST_WARNING_OBJECT (self, "server %s is down", server->name);
  /* The bin would wait for EOS of all its sinks, and this one never gets it. */
  if (server->child != NULL)
    GST_OBJECT_FLAG_UNSET (server->child, GST_ELEMENT_FLAG_SINK);
  syrinx_balance_sink_post_server (self, "syrinx-server-down", server);
}

static gboolean
forward_upstream (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstSyrinxBalanceSink *self = gst_pad_get_element_private (pad);

  return gst_pad_push_event (self->sinkpad, event);
}

static gboolean
query_upstream (GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstSyrinxBalanceSink *self = gst_pad_get_element_private (pad);

  if (GST_QUERY_TYPE (query) == GST_QUERY_ACCEPT_CAPS)
    return gst_pad_query_default (pad, parent, query);
  return gst_pad_peer_query (self->sinkpad, query);
}

SyrinxSinkServer *
syrinx_balance_sink_add_server (
    GstSyrinxBalanceSink *self, GstPad *pad, GstElement *child)
{
  SyrinxSinkServer *server = g_new0 (SyrinxSinkServer, 1);

  g_atomic_ref_count_init (&server->ref_count);
  server->pad = pad;
  server->child = child;
  server->name
      = gst_object_get_name (child ? GST_OBJECT (child) : GST_OBJECT (pad));
  gst_pad_set_element_private (pad, self);
  gst_pad_set_event_function (pad, forward_upstream);
  gst_pad_set_query_function (pad, query_upstream);
  GST_OBJECT_LOCK (self);
  g_ptr_array_add (self->servers, server);
  GST_OBJECT_UNLOCK (self);
  return server;
}

SyrinxSinkServer *
syrinx_balance_sink_find_server (GstSyrinxBalanceSink *self, gpointer of)
{
  SyrinxSinkServer *found = NULL;

  GST_OBJECT_LOCK (self);
  for (guint i = 0; i < self->servers->len && !found; i++) {
    SyrinxSinkServer *server = g_ptr_array_index (self->servers, i);
    if (server->pad == of || (of != NULL && server->child == of))
      found = syrinx_sink_server_ref (server);
  }
  GST_OBJECT_UNLOCK (self);
  return found;
}

void
syrinx_balance_sink_remove_server (
    GstSyrinxBalanceSink *self, SyrinxSinkServer *server)
{
  GST_OBJECT_LOCK (self);
  g_ptr_array_remove (self->servers, server);
  GST_OBJECT_UNLOCK (self);
}
