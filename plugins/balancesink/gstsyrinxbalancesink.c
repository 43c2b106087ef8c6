/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxbalancesink: spreads chunks over several sinks. */

/**
 * SECTION:element-syrinxbalancesink
 * @title: syrinxbalancesink
 *
 * Every chunk (or every stream, see #per) goes to #replicas of several servers,
 * chosen by #policy. A server is a sink in this bin (added to it, or made for a
 * URI of #servers) or an element that is linked to a request pad `src_%u`. A
 * server that does not take a chunk is down until the element is started again,
 * and the chunk goes to the next one. Buffers flagged as header go to all.
 *
 * Element messages: `syrinx-server-up` and `syrinx-server-down` with `server`
 * (name), `syrinx-chunk-moved` with `from`, `to` and `chunk` (number).
 *
 * ## Example pipeline
 * |[
 * gst-launch-1.0 filesrc location=song.opus ! \
 *   syrinxbalancesink servers="file:///tmp/one,file:///tmp/two" policy=p2c
 * ]|
 */
#include "balancesink-private.h"

#include "core/schedule/demand.h"

GST_DEBUG_CATEGORY (syrinx_balance_sink_debug);

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src_%u", GST_PAD_SRC, GST_PAD_REQUEST, GST_STATIC_CAPS_ANY);

G_DEFINE_TYPE (GstSyrinxBalanceSink, gst_syrinx_balance_sink, GST_TYPE_BIN)
GST_ELEMENT_REGISTER_DEFINE (syrinxbalancesink, "syrinxbalancesink",
    GST_RANK_NONE, GST_TYPE_SYRINX_BALANCE_SINK)

static gboolean
copy_sticky (GstPad *pad, GstEvent **event, gpointer user_data)
{
  gst_pad_push_event (GST_PAD (user_data), gst_event_ref (*event));
  return TRUE;
}

/* --- Events and queries --- */

/* Pushes @event to all servers. TRUE if at least one handles it. */
static gboolean
push_to_all (GstSyrinxBalanceSink *self, GstEvent *event)
{
  g_autoptr (GPtrArray) servers = syrinx_balance_sink_dup_servers (self);
  gboolean done = FALSE;

  for (guint i = 0; i < servers->len; i++) {
    SyrinxSinkServer *server = g_ptr_array_index (servers, i);
    done |= gst_pad_push_event (server->pad, gst_event_ref (event));
  }
  gst_event_unref (event);
  return done;
}

static gboolean
sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstSyrinxBalanceSink *self = GST_SYRINX_BALANCE_SINK (parent);
  const gchar *id;

  if (GST_EVENT_TYPE (event) == GST_EVENT_STREAM_START) {
    gst_event_parse_stream_start (event, &id);
    self->stream_key = g_str_hash (id);
  }
  return push_to_all (self, event);
}

/* This sink never blocks if none of its servers blocks. */
static gboolean
is_nonblocking (GPtrArray *servers)
{
  for (guint i = 0; i < servers->len; i++) {
    SyrinxSinkServer *server = g_ptr_array_index (servers, i);
    g_autoptr (GstQuery) query = syrinx_query_new_nonblocking ();
    if (!gst_pad_peer_query (server->pad, query))
      return FALSE;
  }
  return servers->len > 0;
}

static void
answer_caps (GPtrArray *servers, GstQuery *query)
{
  g_autoptr (GstCaps) caps = gst_caps_new_any ();
  GstCaps *filter;

  gst_query_parse_caps (query, &filter);
  for (guint i = 0; i < servers->len; i++) {
    SyrinxSinkServer *server = g_ptr_array_index (servers, i);
    g_autoptr (GstCaps) theirs = gst_pad_peer_query_caps (server->pad, filter);
    GstCaps *both = gst_caps_intersect (caps, theirs);
    gst_caps_replace (&caps, both);
    gst_caps_unref (both);
  }
  gst_query_set_caps_result (query, caps);
}

static gboolean
sink_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstSyrinxBalanceSink *self = GST_SYRINX_BALANCE_SINK (parent);
  g_autoptr (GPtrArray) servers = syrinx_balance_sink_dup_servers (self);

  if (syrinx_query_is_nonblocking (query))
    return is_nonblocking (servers);
  switch (GST_QUERY_TYPE (query)) {
  case GST_QUERY_CAPS:
    answer_caps (servers, query);
    return TRUE;
  case GST_QUERY_ALLOCATION:
    return FALSE; /* an allocation offered by one server may not suit another */
  default:
    return gst_pad_query_default (pad, parent, query);
  }
}

/* --- Children --- */

/* Keeps a sink that waits for its first chunk from delaying the state
 * change. */
static void
dont_wait_for_preroll (GstElement *child)
{
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (child), "async"))
    g_object_set (child, "async", FALSE, NULL);
}

static gboolean
add_element (GstBin *bin, GstElement *child)
{
  GstSyrinxBalanceSink *self = GST_SYRINX_BALANCE_SINK (bin);
  g_autoptr (GstPad) sink = NULL;
  GstPad *pad;

  if (!GST_BIN_CLASS (gst_syrinx_balance_sink_parent_class)
           ->add_element (bin, child))
    return FALSE;
  sink = gst_element_get_static_pad (child, "sink");
  if (sink == NULL) {
    GST_WARNING_OBJECT (self, "%s has no sink pad", GST_OBJECT_NAME (child));
    return TRUE;
  }
  dont_wait_for_preroll (child);
  pad = gst_object_ref_sink (gst_pad_new (NULL, GST_PAD_SRC));
  syrinx_balance_sink_add_server (self, pad, child);
  gst_pad_set_active (pad, TRUE);
  gst_pad_link (pad, sink);
  gst_pad_sticky_events_foreach (self->sinkpad, copy_sticky, pad);
  return TRUE;
}

static gboolean
remove_element (GstBin *bin, GstElement *child)
{
  GstSyrinxBalanceSink *self = GST_SYRINX_BALANCE_SINK (bin);
  SyrinxSinkServer *server = syrinx_balance_sink_find_server (self, child);

  if (server != NULL) {
    g_autoptr (GstPad) peer = gst_pad_get_peer (server->pad);
    syrinx_balance_sink_remove_server (self, server);
    gst_pad_set_active (server->pad, FALSE);
    if (peer != NULL)
      gst_pad_unlink (server->pad, peer);
    syrinx_sink_server_unref (server);
  }
  return GST_BIN_CLASS (gst_syrinx_balance_sink_parent_class)
      ->remove_element (bin, child);
}

static GstPad *
request_new_pad (GstElement *element, GstPadTemplate *template,
    const gchar *name, const GstCaps *caps)
{
  GstSyrinxBalanceSink *self = GST_SYRINX_BALANCE_SINK (element);
  g_autofree gchar *own_name = NULL;
  GstPad *pad;

  GST_OBJECT_LOCK (self);
  own_name = g_strdup_printf ("src_%u", self->n_requested++);
  GST_OBJECT_UNLOCK (self);
  pad = gst_pad_new_from_template (template, name ? name : own_name);
  syrinx_balance_sink_add_server (self, gst_object_ref_sink (pad), NULL);
  gst_pad_set_active (pad, TRUE);
  if (!gst_element_add_pad (element, pad)) {
    SyrinxSinkServer *server = syrinx_balance_sink_find_server (self, pad);
    syrinx_balance_sink_remove_server (self, server);
    syrinx_sink_server_unref (server);
    return NULL;
  }
  gst_pad_sticky_events_foreach (self->sinkpad, copy_sticky, pad);
  return pad;
}

static void
release_pad (GstElement *element, GstPad *pad)
{
  GstSyrinxBalanceSink *self = GST_SYRINX_BALANCE_SINK (element);
  SyrinxSinkServer *server = syrinx_balance_sink_find_server (self, pad);

  gst_pad_set_active (pad, FALSE);
  if (server != NULL) {
    syrinx_balance_sink_remove_server (self, server);
    syrinx_sink_server_unref (server);
  }
  gst_element_remove_pad (element, pad);
}

/* A server's failure does not become the element's error. */
static void
handle_message (GstBin *bin, GstMessage *message)
{
  GstSyrinxBalanceSink *self = GST_SYRINX_BALANCE_SINK (bin);

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    SyrinxSinkServer *server
        = syrinx_balance_sink_find_server (self, GST_MESSAGE_SRC (message));
    if (server != NULL) {
      syrinx_balance_sink_take_down (self, server);
      syrinx_sink_server_unref (server);
      gst_message_unref (message);
      return;
    }
  }
  GST_BIN_CLASS (gst_syrinx_balance_sink_parent_class)
      ->handle_message (bin, message);
}

/* --- Life --- */

static gboolean
make_server (GstSyrinxBalanceSink *self, const gchar *uri)
{
  g_autoptr (GError) error = NULL;
  GstElement *child
      = gst_element_make_from_uri (GST_URI_SINK, uri, NULL, &error);
  SyrinxSinkServer *server;

  if (child == NULL) {
    GST_ELEMENT_ERROR (self, RESOURCE, NOT_FOUND,
        ("There is no sink for the server '%s'.", uri),
        ("%s", error ? error->message : ""));
    return FALSE;
  }
  if (!gst_bin_add (GST_BIN (self), child))
    return FALSE;
  server = syrinx_balance_sink_find_server (self, child);
  if (server != NULL) {
    server->is_made = TRUE;
    g_free (server->name);
    server->name = g_strdup (uri);
    syrinx_sink_server_unref (server);
  }
  return TRUE;
}

static gboolean
make_servers (GstSyrinxBalanceSink *self)
{
  g_auto (GStrv) uris = NULL;

  GST_OBJECT_LOCK (self);
  uris = g_strsplit_set (
      self->settings.servers ? self->settings.servers : "", ", ", -1);
  GST_OBJECT_UNLOCK (self);
  for (guint i = 0; uris[i] != NULL; i++)
    if (uris[i][0] != '\0' && !make_server (self, uris[i]))
      return FALSE;
  return TRUE;
}

static void
drop_made_servers (GstSyrinxBalanceSink *self)
{
  g_autoptr (GPtrArray) servers = syrinx_balance_sink_dup_servers (self);

  for (guint i = 0; i < servers->len; i++) {
    SyrinxSinkServer *server = g_ptr_array_index (servers, i);
    if (!server->is_made)
      continue;
    gst_element_set_state (server->child, GST_STATE_NULL);
    gst_bin_remove (GST_BIN (self), server->child);
  }
}

/* All servers count as up until they fail. */
static void
bring_all_up (GstSyrinxBalanceSink *self)
{
  g_autoptr (GPtrArray) servers = syrinx_balance_sink_dup_servers (self);

  self->next_number = 0;
  for (guint i = 0; i < servers->len; i++) {
    SyrinxSinkServer *server = g_ptr_array_index (servers, i);
    g_atomic_int_set (&server->is_down, FALSE);
    server->load = server->answer_us = 0;
    if (server->child != NULL)
      GST_OBJECT_FLAG_SET (server->child, GST_ELEMENT_FLAG_SINK);
    gst_pad_set_active (server->pad, TRUE);
    syrinx_balance_sink_post_server (self, "syrinx-server-up", server);
  }
}

/* Clears EOS and other sticky events from the pads. */
static void
rest_pads (GstSyrinxBalanceSink *self)
{
  g_autoptr (GPtrArray) servers = syrinx_balance_sink_dup_servers (self);

  for (guint i = 0; i < servers->len; i++) {
    SyrinxSinkServer *server = g_ptr_array_index (servers, i);
    gst_pad_set_active (server->pad, FALSE);
  }
}

static GstStateChangeReturn
change_state (GstElement *element, GstStateChange transition)
{
  GstSyrinxBalanceSink *self = GST_SYRINX_BALANCE_SINK (element);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_NULL_TO_READY && !make_servers (self)) {
    drop_made_servers (self);
    return GST_STATE_CHANGE_FAILURE;
  }
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    bring_all_up (self);
  result = GST_ELEMENT_CLASS (gst_syrinx_balance_sink_parent_class)
               ->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    rest_pads (self);
  if (transition == GST_STATE_CHANGE_READY_TO_NULL)
    drop_made_servers (self);
  return result;
}

static void
dispose (GObject *object)
{
  /* removes the children, and their servers with them */
  G_OBJECT_CLASS (gst_syrinx_balance_sink_parent_class)->dispose (object);
  g_ptr_array_set_size (GST_SYRINX_BALANCE_SINK (object)->servers, 0);
}

static void
finalize (GObject *object)
{
  GstSyrinxBalanceSink *self = GST_SYRINX_BALANCE_SINK (object);

  g_ptr_array_unref (self->servers);
  g_free (self->settings.servers);
  g_free (self->settings.weights);
  G_OBJECT_CLASS (gst_syrinx_balance_sink_parent_class)->finalize (object);
}

static void
gst_syrinx_balance_sink_init (GstSyrinxBalanceSink *self)
{
  self->servers = g_ptr_array_new_with_free_func (
      (GDestroyNotify)syrinx_sink_server_unref);
  syrinx_balance_sink_init_settings (&self->settings);

  self->sinkpad = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (self->sinkpad, syrinx_balance_sink_chain);
  gst_pad_set_event_function (self->sinkpad, sink_event);
  gst_pad_set_query_function (self->sinkpad, sink_query);
  gst_element_add_pad (GST_ELEMENT (self), self->sinkpad);
}

static void
gst_syrinx_balance_sink_class_init (GstSyrinxBalanceSinkClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GstElementClass *element_class = GST_ELEMENT_CLASS (class);
  GstBinClass *bin_class = GST_BIN_CLASS (class);

  GST_DEBUG_CATEGORY_INIT (
      syrinx_balance_sink_debug, "syrinxbalancesink", 0, "server selection");
  object_class->dispose = dispose;
  object_class->finalize = finalize;
  syrinx_balance_sink_install_properties (object_class);
  element_class->change_state = change_state;
  element_class->request_new_pad = request_new_pad;
  element_class->release_pad = release_pad;
  bin_class->add_element = add_element;
  bin_class->remove_element = remove_element;
  bin_class->handle_message = handle_message;
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "Syrinx balancing sink",
      "Sink/Bin",
      "Gives each chunk to the best of several sinks, and to the next one if "
      "that fails",
      "Syrinx developers");
}
