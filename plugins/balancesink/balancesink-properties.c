/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxbalancesink: properties and statistics. */
#include "balancesink-private.h"

#define DEFAULT_PER      SYRINX_PER_CHUNK
#define DEFAULT_POLICY   SYRINX_BALANCE_P2C
#define DEFAULT_REPLICAS 1

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

static GstStructure *
get_stats (GstSyrinxBalanceSink *self)
{
  guint n_up = 0, n, n_moved;

  GST_OBJECT_LOCK (self);
  n = self->servers->len;
  n_moved = self->n_stats_moved;
  for (guint i = 0; i < n; i++) {
    SyrinxSinkServer *server = g_ptr_array_index (self->servers, i);
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
  SyrinxBalanceSinkSettings *settings = &self->settings;

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
  SyrinxBalanceSinkSettings *settings = &self->settings;

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

static GType
per_get_type (void)
{
  static const GEnumValue values[] = {
    { SYRINX_PER_CHUNK, "Every buffer by itself", "chunk" },
    { SYRINX_PER_STREAM, "All of a stream, by its id, while its server is up",
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

void
syrinx_balance_sink_install_properties (GObjectClass *class)
{
  const GParamFlags flags
      = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING;

  class->set_property = set_property;
  class->get_property = get_property;
  gst_type_mark_as_plugin_api (per_get_type (), 0);
  gst_type_mark_as_plugin_api (policy_get_type (), 0);
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

void
syrinx_balance_sink_init_settings (SyrinxBalanceSinkSettings *settings)
{
  *settings = (SyrinxBalanceSinkSettings){
    .per = DEFAULT_PER, .policy = DEFAULT_POLICY, .replicas = DEFAULT_REPLICAS
  };
}
