/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxgeoqueue: properties and statistics. */
#include "geoqueue-private.h"

#define DEFAULT_SCHEDULER   "default"
#define DEFAULT_RTT         0
#define DEFAULT_PRIORITY    0
#define DEFAULT_BATCH       10
#define DEFAULT_LEAD        (5 * GST_SECOND)
#define DEFAULT_MAX_BUFFERS 500
#define DEFAULT_MAX_BYTES   (4 * 1024 * 1024)
#define DEFAULT_MAX_TIME    (10 * GST_SECOND)
#define DEFAULT_SYNC        FALSE

enum
{
  PROP_SCHEDULER = 1,
  PROP_REGION,
  PROP_RTT,
  PROP_PRIORITY,
  PROP_POLICY,
  PROP_BATCH,
  PROP_LEAD,
  PROP_MAX_BUFFERS,
  PROP_MAX_BYTES,
  PROP_MAX_TIME,
  PROP_SYNC,
  PROP_STATS,
};

static GType
policy_get_type (void)
{
  static const GEnumValue values[] = {
    { SYRINX_POLICY_GEO, "Shares by region, then earliest deadline", "geo" },
    { SYRINX_POLICY_FIFO, "Whoever was ready first", "fifo" },
    { SYRINX_POLICY_STRICT, "The weightiest region first", "strict" },
    { 0, NULL, NULL },
  };
  static gsize type;

  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, g_enum_register_static ("GstSyrinxGeoQueuePolicy", values));
  return type;
}

static GstStructure *
make_stats_locked (GstSyrinxGeoQueue *self)
{
  return gst_structure_new ("application/x-syrinx-geoqueue-stats", "buffers",
      G_TYPE_UINT, self->items.sum.n_buffers, "bytes", G_TYPE_UINT64,
      (guint64)self->items.sum.n_bytes, "time", G_TYPE_UINT64,
      self->items.sum.n_time, "released", G_TYPE_UINT64, self->n_released,
      "released-bytes", G_TYPE_UINT64, self->bytes_released, "demands",
      G_TYPE_UINT64, self->n_demands, "turns", G_TYPE_UINT64, self->n_turns,
      "shared", G_TYPE_BOOLEAN, self->flow != NULL, NULL);
}

/* Region, rtt and priority may change during playback. */
static void
update_class_locked (GstSyrinxGeoQueue *self)
{
  if (self->flow)
    syrinx_flow_set_class (self->flow, self->settings.region,
        self->settings.rtt / 1000, self->settings.priority);
}

static void
geo_queue_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstSyrinxGeoQueue *self = GST_SYRINX_GEO_QUEUE (object);
  SyrinxGeoQueueSettings *s = &self->settings;

  g_mutex_lock (&self->lock);
  switch (id) {
  case PROP_SCHEDULER:
    g_free (s->scheduler);
    s->scheduler = g_value_dup_string (value);
    break;
  case PROP_REGION:
    g_free (s->region);
    s->region = g_value_dup_string (value);
    break;
  case PROP_RTT:
    s->rtt = g_value_get_uint64 (value);
    break;
  case PROP_PRIORITY:
    s->priority = g_value_get_uint (value);
    break;
  case PROP_POLICY:
    s->policy = g_value_get_enum (value);
    s->has_policy = TRUE;
    break;
  case PROP_BATCH:
    s->batch = g_value_get_uint (value);
    break;
  case PROP_LEAD:
    s->lead = g_value_get_uint64 (value);
    break;
  case PROP_MAX_BUFFERS:
    s->max_buffers = g_value_get_uint (value);
    break;
  case PROP_MAX_BYTES:
    s->max_bytes = g_value_get_uint (value);
    break;
  case PROP_MAX_TIME:
    s->max_time = g_value_get_uint64 (value);
    break;
  case PROP_SYNC:
    s->sync = g_value_get_boolean (value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  if (id == PROP_REGION || id == PROP_RTT || id == PROP_PRIORITY)
    update_class_locked (self);
  syrinx_geo_queue_tell_locked (self);
  g_mutex_unlock (&self->lock);
}

static void
geo_queue_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstSyrinxGeoQueue *self = GST_SYRINX_GEO_QUEUE (object);
  const SyrinxGeoQueueSettings *s = &self->settings;

  g_mutex_lock (&self->lock);
  switch (id) {
  case PROP_SCHEDULER:
    g_value_set_string (value, s->scheduler);
    break;
  case PROP_REGION:
    g_value_set_string (value, s->region);
    break;
  case PROP_RTT:
    g_value_set_uint64 (value, s->rtt);
    break;
  case PROP_PRIORITY:
    g_value_set_uint (value, s->priority);
    break;
  case PROP_POLICY:
    g_value_set_enum (value, s->policy);
    break;
  case PROP_BATCH:
    g_value_set_uint (value, s->batch);
    break;
  case PROP_LEAD:
    g_value_set_uint64 (value, s->lead);
    break;
  case PROP_MAX_BUFFERS:
    g_value_set_uint (value, s->max_buffers);
    break;
  case PROP_MAX_BYTES:
    g_value_set_uint (value, s->max_bytes);
    break;
  case PROP_MAX_TIME:
    g_value_set_uint64 (value, s->max_time);
    break;
  case PROP_SYNC:
    g_value_set_boolean (value, s->sync);
    break;
  case PROP_STATS:
    g_value_take_boxed (value, make_stats_locked (self));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  g_mutex_unlock (&self->lock);
}

void
syrinx_geo_queue_install_properties (GObjectClass *klass)
{
  const GParamFlags ready
      = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;
  const GParamFlags playing
      = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING;

  klass->set_property = geo_queue_set_property;
  klass->get_property = geo_queue_get_property;
  gst_type_mark_as_plugin_api (policy_get_type (), 0);
  g_object_class_install_property (klass, PROP_SCHEDULER,
      g_param_spec_string ("scheduler", "Scheduler",
          "Name of the scheduler, shared by the process", DEFAULT_SCHEDULER,
          ready));
  g_object_class_install_property (klass, PROP_REGION,
      g_param_spec_string ("region", "Region",
          "The client's region (NULL: \"default\")", NULL, playing));
  g_object_class_install_property (klass, PROP_RTT,
      g_param_spec_uint64 ("rtt", "Round trip",
          "The client's round trip in nanoseconds, taken off its deadlines", 0,
          10 * GST_SECOND, DEFAULT_RTT, playing));
  g_object_class_install_property (klass, PROP_PRIORITY,
      g_param_spec_uint ("priority", "Priority",
          "Above 0: before all others, for at most half of what is sent", 0, 7,
          DEFAULT_PRIORITY, playing));
  g_object_class_install_property (klass, PROP_POLICY,
      g_param_spec_enum ("policy", "Policy", "Order of the whole scheduler",
          policy_get_type (), SYRINX_POLICY_GEO, ready));
  g_object_class_install_property (klass, PROP_BATCH,
      g_param_spec_uint ("batch", "Batch", "Buffers a wake-up", 1, 1000,
          DEFAULT_BATCH, playing));
  g_object_class_install_property (klass, PROP_LEAD,
      g_param_spec_uint64 ("lead", "Lead",
          "With sync: how much leaves ahead of its time, in nanoseconds", 0,
          3600 * GST_SECOND, DEFAULT_LEAD, playing));
  g_object_class_install_property (klass, PROP_MAX_BUFFERS,
      g_param_spec_uint ("max-size-buffers", "Max. buffers",
          "Most buffers in it (0: no bound)", 0, G_MAXUINT, DEFAULT_MAX_BUFFERS,
          playing));
  g_object_class_install_property (klass, PROP_MAX_BYTES,
      g_param_spec_uint ("max-size-bytes", "Max. bytes",
          "Most bytes in it (0: no bound)", 0, G_MAXUINT, DEFAULT_MAX_BYTES,
          playing));
  g_object_class_install_property (klass, PROP_MAX_TIME,
      g_param_spec_uint64 ("max-size-time", "Max. time",
          "Most nanoseconds in it (0: no bound)", 0, G_MAXUINT64,
          DEFAULT_MAX_TIME, playing));
  g_object_class_install_property (klass, PROP_SYNC,
      g_param_spec_boolean ("sync", "Sync",
          "Release by running time, so that sinks need not block", DEFAULT_SYNC,
          playing));
  g_object_class_install_property (klass, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "buffers, bytes, time (ns), released, released-bytes, demands, "
          "turns, shared",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

void
syrinx_geo_queue_init_settings (SyrinxGeoQueueSettings *settings)
{
  *settings
      = (SyrinxGeoQueueSettings){ .scheduler = g_strdup (DEFAULT_SCHEDULER),
          .rtt = DEFAULT_RTT,
          .lead = DEFAULT_LEAD,
          .priority = DEFAULT_PRIORITY,
          .batch = DEFAULT_BATCH,
          .max_buffers = DEFAULT_MAX_BUFFERS,
          .max_bytes = DEFAULT_MAX_BYTES,
          .max_time = DEFAULT_MAX_TIME,
          .sync = DEFAULT_SYNC };
}

void
syrinx_geo_queue_clear_settings (SyrinxGeoQueueSettings *settings)
{
  g_clear_pointer (&settings->scheduler, g_free);
  g_clear_pointer (&settings->region, g_free);
}
