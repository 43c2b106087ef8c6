/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxbalancesink: the choice of servers for a chunk. */
#include "balancesink-private.h"

/* Smoothing of the answer time: a new value counts one eighth, as in TCP. */
#define ANSWER_SHARE 8

static void
parse_weights (const gchar *text, SyrinxBalanceServer *views, guint n)
{
  g_auto (GStrv) words = text ? g_strsplit (text, ",", -1) : NULL;

  for (guint i = 0; words && words[i] && i < n; i++) {
    gdouble weight = g_ascii_strtod (words[i], NULL);
    if (weight > 0 && weight < 1e6)
      views[i].weight = weight;
  }
}

/* Writes server indices, best first. */
static guint
choose (GstSyrinxBalanceSink *self, GPtrArray *servers, guint64 number,
    guint *order, guint *replicas)
{
  SyrinxBalanceServer views[SYRINX_BALANCE_MAX_SERVERS];
  guint n = MIN (servers->len, SYRINX_BALANCE_MAX_SERVERS);
  gint64 now = g_get_monotonic_time ();
  SyrinxBalancePolicy policy;
  gboolean is_per_stream;

  for (guint i = 0; i < n; i++) {
    SyrinxSinkServer *server = g_ptr_array_index (servers, i);
    server->load
        = syrinx_balance_decay (server->load, now - server->load_at_us);
    server->load_at_us = now;
    views[i] = (SyrinxBalanceServer){ server->name, 1, server->load,
      server->answer_us, !g_atomic_int_get (&server->is_down) };
  }
  GST_OBJECT_LOCK (self);
  parse_weights (self->settings.weights, views, n);
  policy = self->settings.policy;
  is_per_stream = self->settings.per == SYRINX_PER_STREAM;
  *replicas = self->settings.replicas;
  GST_OBJECT_UNLOCK (self);
  /* A stream's key keeps it on one server, and leads to the same next one if
   * that is down. */
  return syrinx_balance_order (
      is_per_stream ? SYRINX_BALANCE_RENDEZVOUS : policy, views, n,
      is_per_stream ? self->stream_key : number, order);
}

static GstFlowReturn
push_to (
    GstSyrinxBalanceSink *self, SyrinxSinkServer *server, GstBuffer *buffer)
{
  gint64 started = g_get_monotonic_time (), took;
  GstFlowReturn flow = gst_pad_push (server->pad, gst_buffer_ref (buffer));

  took = g_get_monotonic_time () - started;
  server->load += took;
  server->answer_us += (took - server->answer_us) / ANSWER_SHARE;
  /* Some sinks report a failure only on the bus. */
  if (flow == GST_FLOW_OK && g_atomic_int_get (&server->is_down))
    flow = GST_FLOW_ERROR;
  if (flow != GST_FLOW_OK && flow != GST_FLOW_FLUSHING)
    syrinx_balance_sink_take_down (self, server);
  return flow;
}

static void
post_moved (GstSyrinxBalanceSink *self, SyrinxSinkServer *from,
    SyrinxSinkServer *to, guint64 number)
{
  GST_OBJECT_LOCK (self);
  self->n_stats_moved++;
  GST_OBJECT_UNLOCK (self);
  gst_element_post_message (GST_ELEMENT (self),
      gst_message_new_element (GST_OBJECT (self),
          gst_structure_new ("syrinx-chunk-moved", "from", G_TYPE_STRING,
              from->name, "to", G_TYPE_STRING, to->name, "chunk", G_TYPE_UINT64,
              number, NULL)));
}

/* Gives the chunk to the best servers that take it, until there are enough. */
static GstFlowReturn
place (GstSyrinxBalanceSink *self, GPtrArray *servers, GstBuffer *buffer,
    guint64 number)
{
  guint order[SYRINX_BALANCE_MAX_SERVERS], replicas, n_placed = 0;
  guint n = choose (self, servers, number, order, &replicas);
  SyrinxSinkServer *failed = NULL;

  if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_HEADER))
    replicas = n;
  for (guint i = 0; i < n && n_placed < replicas; i++) {
    SyrinxSinkServer *server = g_ptr_array_index (servers, order[i]);
    GstFlowReturn flow = push_to (self, server, buffer);

    if (flow == GST_FLOW_FLUSHING)
      return flow;
    if (flow == GST_FLOW_OK && failed != NULL)
      post_moved (self, failed, server, number);
    failed = flow == GST_FLOW_OK ? NULL : server;
    n_placed += flow == GST_FLOW_OK;
  }
  if (n_placed > 0)
    return GST_FLOW_OK;
  GST_ELEMENT_ERROR (self, RESOURCE, WRITE,
      ("No server took chunk %" G_GUINT64_FORMAT ".", number),
      ("%u of %u servers were up before it", n, servers->len));
  return GST_FLOW_ERROR;
}

GstFlowReturn
syrinx_balance_sink_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstSyrinxBalanceSink *self = GST_SYRINX_BALANCE_SINK (parent);
  g_autoptr (GPtrArray) servers = syrinx_balance_sink_dup_servers (self);
  guint64 number = GST_BUFFER_OFFSET_IS_VALID (buffer)
                       ? GST_BUFFER_OFFSET (buffer)
                       : self->next_number;
  GstFlowReturn flow = place (self, servers, buffer, number);

  self->next_number = number + 1;
  gst_buffer_unref (buffer);
  return flow;
}
