/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxbalancesink: spreads chunks over several sinks. */

/**
 * SECTION:element-syrinxbalancesink
 * @title: syrinxbalancesink
 *
 * Every chunk (or every stream, see #per) goes to #replicas of several servers,
 * chosen by #policy. A server is a sink in this bin (one put into it, or made
 * for a URI of #servers) or whatever is linked to a request pad `src_%u`. A
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
#include "gstsyrinxbalancesink.h"

#include "core/balance/balance.h"
#include "core/schedule/demand.h"

#include <string.h>

GST_DEBUG_CATEGORY_STATIC (balancesink_debug);
#define GST_CAT_DEFAULT balancesink_debug

#define DEFAULT_PER      PER_CHUNK
#define DEFAULT_POLICY   SYRINX_BALANCE_P2C
#define DEFAULT_REPLICAS 1
/* Of the time to take a chunk; the new one counts an eighth, as TCP's. */
#define ANSWER_SHARE 8

typedef enum
{
  PER_CHUNK,
  PER_STREAM,
} Per;

/* One place that takes chunks. */
typedef struct
{
  gatomicrefcount ref_count;
  GstPad *pad;       /* ours, linked to the sink's; constant */
  GstElement *child; /* (nullable): a request pad's server is not in the bin */
  gchar *name;       /* constant */
  gboolean is_made;  /* for a URI: goes when we stop */
  gint is_down;      /* atomic */

  /* streaming thread only */
  gdouble load, answer_us;
  gint64 load_at_us;
} Server;

typedef struct
{
  gchar *servers, *weights; /* (nullable) */
  Per per;
  SyrinxBalancePolicy policy;
  guint replicas;
} Settings;

struct _GstSyrinxBalanceSink
{
  GstBin bin;

  /* constant after init */
  GstPad *sinkpad;

  /* protected by the object lock */
  Settings settings;
  GPtrArray *servers; /* of Server, in the order they came */
  guint n_requested, n_stats_moved;

  /* streaming thread only */
  guint64 next_number, stream_key;
};

enum
{
  PROP_0,
  PROP_SERVERS,
  PROP_WEIGHTS,
  PROP_PER,
  PROP_POLICY,
  PROP_REPLICAS,
  PROP_STATS,
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src_%u", GST_PAD_SRC, GST_PAD_REQUEST, GST_STATIC_CAPS_ANY);

G_DEFINE_TYPE (GstSyrinxBalanceSink, gst_syrinx_balance_sink, GST_TYPE_BIN)
GST_ELEMENT_REGISTER_DEFINE (syrinxbalancesink, "syrinxbalancesink",
    GST_RANK_NONE, GST_TYPE_SYRINX_BALANCE_SINK)

/* --- Servers --- */

static Server *
server_ref (Server *server)
{
  g_atomic_ref_count_inc (&server->ref_count);
  return server;
}

static void
server_unref (Server *server)
{
  if (!g_atomic_ref_count_dec (&server->ref_count))
    return;
  gst_object_unref (server->pad);
  g_free (server->name);
  g_free (server);
}

/* A picture of the list; servers in it stay while it is held. */
static GPtrArray *
dup_servers (GstSyrinxBalanceSink *self)
{
  GPtrArray *servers
      = g_ptr_array_new_with_free_func ((GDestroyNotify)server_unref);

  GST_OBJECT_LOCK (self);
  for (guint i = 0; i < self->servers->len; i++)
    g_ptr_array_add (
        servers, server_ref (g_ptr_array_index (self->servers, i)));
  GST_OBJECT_UNLOCK (self);
  return servers;
}

static void
post_server (GstSyrinxBalanceSink *self, const gchar *what, Server *server)
{
  gst_element_post_message (
      GST_ELEMENT (self), gst_message_new_element (GST_OBJECT (self),
                              gst_structure_new (what, "server", G_TYPE_STRING,
                                  server->name, NULL)));
}

static void
take_down (GstSyrinxBalanceSink *self, Server *server)
{
  if (!g_atomic_int_compare_and_exchange (&server->is_down, FALSE, TRUE))
    return;
  GST_WARNING_OBJECT (self, "server %s is down", server->name);
  /* The bin waits for the end of its sinks, and this one never gets there. */
  if (server->child != NULL)
    GST_OBJECT_FLAG_UNSET (server->child, GST_ELEMENT_FLAG_SINK);
  post_server (self, "syrinx-server-down", server);
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

static gboolean
copy_sticky (GstPad *pad, GstEvent **event, gpointer user_data)
{
  gst_pad_push_event (GST_PAD (user_data), gst_event_ref (*event));
  return TRUE;
}

/* Takes @pad. */
static Server *
add_server (GstSyrinxBalanceSink *self, GstPad *pad, GstElement *child)
{
  Server *server = g_new0 (Server, 1);

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

/* Which server @of (a pad or child) is. (transfer full) (nullable) */
static Server *
find_server (GstSyrinxBalanceSink *self, gpointer of)
{
  Server *found = NULL;

  GST_OBJECT_LOCK (self);
  for (guint i = 0; i < self->servers->len && !found; i++) {
    Server *server = g_ptr_array_index (self->servers, i);
    if (server->pad == of || (of != NULL && server->child == of))
      found = server_ref (server);
  }
  GST_OBJECT_UNLOCK (self);
  return found;
}

static void
remove_server (GstSyrinxBalanceSink *self, Server *server)
{
  GST_OBJECT_LOCK (self);
  g_ptr_array_remove (self->servers, server);
  GST_OBJECT_UNLOCK (self);
}

/* --- Data --- */

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

/* Server indices, best first. */
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
    Server *server = g_ptr_array_index (servers, i);
    server->load
        = syrinx_balance_decay (server->load, now - server->load_at_us);
    server->load_at_us = now;
    views[i] = (SyrinxBalanceServer){ server->name, 1, server->load,
      server->answer_us, !g_atomic_int_get (&server->is_down) };
  }
  GST_OBJECT_LOCK (self);
  parse_weights (self->settings.weights, views, n);
  policy = self->settings.policy;
  is_per_stream = self->settings.per == PER_STREAM;
  *replicas = self->settings.replicas;
  GST_OBJECT_UNLOCK (self);
  /* A stream's key keeps it where it is, and finds the same next one when that
   * goes down. */
  return syrinx_balance_order (
      is_per_stream ? SYRINX_BALANCE_RENDEZVOUS : policy, views, n,
      is_per_stream ? self->stream_key : number, order);
}

static GstFlowReturn
push_to (GstSyrinxBalanceSink *self, Server *server, GstBuffer *buffer)
{
  gint64 started = g_get_monotonic_time (), took;
  GstFlowReturn flow = gst_pad_push (server->pad, gst_buffer_ref (buffer));

  took = g_get_monotonic_time () - started;
  server->load += took;
  server->answer_us += (took - server->answer_us) / ANSWER_SHARE;
  /* Some sinks only say on the bus that they failed. */
  if (flow == GST_FLOW_OK && g_atomic_int_get (&server->is_down))
    flow = GST_FLOW_ERROR;
  if (flow != GST_FLOW_OK && flow != GST_FLOW_FLUSHING)
    take_down (self, server);
  return flow;
}

static void
post_moved (
    GstSyrinxBalanceSink *self, Server *from, Server *to, guint64 number)
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

/* To the best that take it, until there are enough. */
static GstFlowReturn
place (GstSyrinxBalanceSink *self, GPtrArray *servers, GstBuffer *buffer,
    guint64 number)
{
  guint order[SYRINX_BALANCE_MAX_SERVERS], replicas, n_placed = 0;
  guint n = choose (self, servers, number, order, &replicas);
  Server *failed = NULL;

  if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_HEADER))
    replicas = n;
  for (guint i = 0; i < n && n_placed < replicas; i++) {
    Server *server = g_ptr_array_index (servers, order[i]);
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

static GstFlowReturn
chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstSyrinxBalanceSink *self = GST_SYRINX_BALANCE_SINK (parent);
  g_autoptr (GPtrArray) servers = dup_servers (self);
  guint64 number = GST_BUFFER_OFFSET_IS_VALID (buffer)
                       ? GST_BUFFER_OFFSET (buffer)
                       : self->next_number;
  GstFlowReturn flow = place (self, servers, buffer, number);

  self->next_number = number + 1;
  gst_buffer_unref (buffer);
  return flow;
}

/* --- Events and queries --- */

/* To all, and it is enough that one takes it. */
static gboolean
push_to_all (GstSyrinxBalanceSink *self, GstEvent *event)
{
  g_autoptr (GPtrArray) servers = dup_servers (self);
  gboolean done = FALSE;

  for (guint i = 0; i < servers->len; i++) {
    Server *server = g_ptr_array_index (servers, i);
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

/* Pushing blocks nobody only if no server does. */
static gboolean
is_nonblocking (GPtrArray *servers)
{
  for (guint i = 0; i < servers->len; i++) {
    Server *server = g_ptr_array_index (servers, i);
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
    Server *server = g_ptr_array_index (servers, i);
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
  g_autoptr (GPtrArray) servers = dup_servers (self);

  if (syrinx_query_is_nonblocking (query))
    return is_nonblocking (servers);
  switch (GST_QUERY_TYPE (query)) {
  case GST_QUERY_CAPS:
    answer_caps (servers, query);
    return TRUE;
  case GST_QUERY_ALLOCATION:
    return FALSE; /* what one offers another may not read */
  default:
    return gst_pad_query_default (pad, parent, query);
  }
}

/* --- Children --- */

/* A sink that waits for its first chunk would hold up all the others. */
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
  add_server (self, pad, child);
  gst_pad_set_active (pad, TRUE);
  gst_pad_link (pad, sink);
  gst_pad_sticky_events_foreach (self->sinkpad, copy_sticky, pad);
  return TRUE;
}

static gboolean
remove_element (GstBin *bin, GstElement *child)
{
  GstSyrinxBalanceSink *self = GST_SYRINX_BALANCE_SINK (bin);
  Server *server = find_server (self, child);

  if (server != NULL) {
    g_autoptr (GstPad) peer = gst_pad_get_peer (server->pad);
    remove_server (self, server);
    gst_pad_set_active (server->pad, FALSE);
    if (peer != NULL)
      gst_pad_unlink (server->pad, peer);
    server_unref (server);
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
  add_server (self, gst_object_ref_sink (pad), NULL);
  gst_pad_set_active (pad, TRUE);
  if (!gst_element_add_pad (element, pad)) {
    Server *server = find_server (self, pad);
    remove_server (self, server);
    server_unref (server);
    return NULL;
  }
  gst_pad_sticky_events_foreach (self->sinkpad, copy_sticky, pad);
  return pad;
}

static void
release_pad (GstElement *element, GstPad *pad)
{
  GstSyrinxBalanceSink *self = GST_SYRINX_BALANCE_SINK (element);
  Server *server = find_server (self, pad);

  gst_pad_set_active (pad, FALSE);
  if (server != NULL) {
    remove_server (self, server);
    server_unref (server);
  }
  gst_element_remove_pad (element, pad);
}

/* One server's failure is not the element's. */
static void
handle_message (GstBin *bin, GstMessage *message)
{
  GstSyrinxBalanceSink *self = GST_SYRINX_BALANCE_SINK (bin);

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    Server *server = find_server (self, GST_MESSAGE_SRC (message));
    if (server != NULL) {
      take_down (self, server);
      server_unref (server);
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
  Server *server;

  if (child == NULL) {
    GST_ELEMENT_ERROR (self, RESOURCE, NOT_FOUND,
        ("There is no sink for the server '%s'.", uri),
        ("%s", error ? error->message : ""));
    return FALSE;
  }
  if (!gst_bin_add (GST_BIN (self), child))
    return FALSE;
  server = find_server (self, child);
  if (server != NULL) {
    server->is_made = TRUE;
    g_free (server->name);
    server->name = g_strdup (uri);
    server_unref (server);
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
  g_autoptr (GPtrArray) servers = dup_servers (self);

  for (guint i = 0; i < servers->len; i++) {
    Server *server = g_ptr_array_index (servers, i);
    if (!server->is_made)
      continue;
    gst_element_set_state (server->child, GST_STATE_NULL);
    gst_bin_remove (GST_BIN (self), server->child);
  }
}

/* Everybody is up until he shows otherwise. */
static void
bring_all_up (GstSyrinxBalanceSink *self)
{
  g_autoptr (GPtrArray) servers = dup_servers (self);

  self->next_number = 0;
  for (guint i = 0; i < servers->len; i++) {
    Server *server = g_ptr_array_index (servers, i);
    g_atomic_int_set (&server->is_down, FALSE);
    server->load = server->answer_us = 0;
    if (server->child != NULL)
      GST_OBJECT_FLAG_SET (server->child, GST_ELEMENT_FLAG_SINK);
    gst_pad_set_active (server->pad, TRUE);
    post_server (self, "syrinx-server-up", server);
  }
}

/* Forgets EOS and what else sticks to a pad. */
static void
rest_pads (GstSyrinxBalanceSink *self)
{
  g_autoptr (GPtrArray) servers = dup_servers (self);

  for (guint i = 0; i < servers->len; i++) {
    Server *server = g_ptr_array_index (servers, i);
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

/* --- Properties --- */

static GstStructure *
get_stats (GstSyrinxBalanceSink *self)
{
  guint n_up = 0, n, n_moved;

  GST_OBJECT_LOCK (self);
  n = self->servers->len;
  n_moved = self->n_stats_moved;
  for (guint i = 0; i < n; i++) {
    Server *server = g_ptr_array_index (self->servers, i);
    n_up += !g_atomic_int_get (&server->is_down);
  }
  GST_OBJECT_UNLOCK (self);
  return gst_structure_new ("syrinx-balance-stats", "servers", G_TYPE_UINT, n,
      "up", G_TYPE_UINT, n_up, "moved", G_TYPE_UINT, n_moved, NULL);
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstSyrinxBalanceSink *self = GST_SYRINX_BALANCE_SINK (object);
  Settings *settings = &self->settings;

  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_SERVERS:
    g_free (settings->servers);
    settings->servers = g_value_dup_string (value);
    break;
  case PROP_WEIGHTS:
    g_free (settings->weights);
    settings->weights = g_value_dup_string (value);
    break;
  case PROP_PER:
    settings->per = g_value_get_enum (value);
    break;
  case PROP_POLICY:
    settings->policy = g_value_get_enum (value);
    break;
  case PROP_REPLICAS:
    settings->replicas = g_value_get_uint (value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstSyrinxBalanceSink *self = GST_SYRINX_BALANCE_SINK (object);
  Settings *settings = &self->settings;

  if (id == PROP_STATS) {
    g_value_take_boxed (value, get_stats (self));
    return;
  }
  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_SERVERS:
    g_value_set_string (value, settings->servers);
    break;
  case PROP_WEIGHTS:
    g_value_set_string (value, settings->weights);
    break;
  case PROP_PER:
    g_value_set_enum (value, settings->per);
    break;
  case PROP_POLICY:
    g_value_set_enum (value, settings->policy);
    break;
  case PROP_REPLICAS:
    g_value_set_uint (value, settings->replicas);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
dispose (GObject *object)
{
  /* Takes the children out, and their servers with them. */
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
  self->servers = g_ptr_array_new_with_free_func ((GDestroyNotify)server_unref);
  self->settings.per = DEFAULT_PER;
  self->settings.policy = DEFAULT_POLICY;
  self->settings.replicas = DEFAULT_REPLICAS;

  self->sinkpad = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (self->sinkpad, chain);
  gst_pad_set_event_function (self->sinkpad, sink_event);
  gst_pad_set_query_function (self->sinkpad, sink_query);
  gst_element_add_pad (GST_ELEMENT (self), self->sinkpad);
}

static GType
per_get_type (void)
{
  static const GEnumValue values[] = {
    { PER_CHUNK, "Every buffer by itself", "chunk" },
    { PER_STREAM, "All of a stream, by its id, while its server is up",
        "stream" },
    { 0, NULL, NULL },
  };
  static GType type;

  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, g_enum_register_static ("GstSyrinxBalanceSinkPer", values));
  return type;
}

static GType
policy_get_type (void)
{
  static const GEnumValue values[] = {
    { SYRINX_BALANCE_LEAST_LOAD, "Least busy for its weight", "least-load" },
    { SYRINX_BALANCE_P2C, "The less busy of two taken at random", "p2c" },
    { SYRINX_BALANCE_RENDEZVOUS, "By chunk number: the same finds the same",
        "rendezvous" },
    { SYRINX_BALANCE_NEAREST, "Which takes a chunk fastest", "nearest" },
    { SYRINX_BALANCE_WEIGHTED, "At random, by weight", "weighted" },
    { 0, NULL, NULL },
  };
  static GType type;

  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, g_enum_register_static ("SyrinxBalancePolicy", values));
  return type;
}

static void
install_properties (GObjectClass *class)
{
  const GParamFlags flags
      = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING;

  g_object_class_install_property (class, PROP_SERVERS,
      g_param_spec_string ("servers", "Servers",
          "URIs for each of which a sink is made, with a comma between", NULL,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
              | GST_PARAM_MUTABLE_READY));
  g_object_class_install_property (class, PROP_WEIGHTS,
      g_param_spec_string ("weights", "Weights",
          "Numbers over 0 for the servers in their order, with a comma "
          "between; what is missing is 1",
          NULL, flags));
  g_object_class_install_property (class, PROP_PER,
      g_param_spec_enum ("per", "Per",
          "What is given to a server as a whole (a stream is always placed by "
          "rendezvous)",
          per_get_type (), DEFAULT_PER, flags));
  g_object_class_install_property (class, PROP_POLICY,
      g_param_spec_enum ("policy", "Policy", "How a server is chosen",
          policy_get_type (), DEFAULT_POLICY, flags));
  g_object_class_install_property (class, PROP_REPLICAS,
      g_param_spec_uint ("replicas", "Replicas",
          "How many servers get each chunk, if so many are up", 1,
          SYRINX_BALANCE_MAX_SERVERS, DEFAULT_REPLICAS, flags));
  g_object_class_install_property (class, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "Numbers of servers, of those up, and of chunks moved",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

static void
gst_syrinx_balance_sink_class_init (GstSyrinxBalanceSinkClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GstElementClass *element_class = GST_ELEMENT_CLASS (class);
  GstBinClass *bin_class = GST_BIN_CLASS (class);

  GST_DEBUG_CATEGORY_INIT (
      balancesink_debug, "syrinxbalancesink", 0, "server selection");
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->dispose = dispose;
  object_class->finalize = finalize;
  install_properties (object_class);
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
  gst_type_mark_as_plugin_api (per_get_type (), 0);
  gst_type_mark_as_plugin_api (policy_get_type (), 0);
}
