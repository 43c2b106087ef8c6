/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The events and queries by which a session's elements share one scheduler. */
#include "demand.h"

#define DEMAND        (g_quark_from_static_string ("syrinx-demand"))
#define HOLD          (g_quark_from_static_string ("syrinx-hold"))
#define RESUME        (g_quark_from_static_string ("syrinx-resume"))
#define READY         (g_quark_from_static_string ("syrinx-ready"))
#define DENIED        (g_quark_from_static_string ("syrinx-denied"))
#define NONBLOCKING   (g_quark_from_static_string ("syrinx-nonblocking"))
#define DEMAND_DRIVEN (g_quark_from_static_string ("syrinx-demand-driven"))

#define MAX_BUFFERS (g_quark_from_static_string ("max-buffers"))
#define MAX_TIME    (g_quark_from_static_string ("max-time"))
#define FRAGMENT    (g_quark_from_static_string ("fragment"))
#define REASON      (g_quark_from_static_string ("reason"))

GstEvent *
syrinx_event_new_demand (
    guint max_buffers, GstClockTime max_time, gint fragment)
{
  return gst_event_new_custom (GST_EVENT_CUSTOM_UPSTREAM,
      gst_structure_new_id (DEMAND, MAX_BUFFERS, G_TYPE_UINT, max_buffers,
          MAX_TIME, G_TYPE_UINT64, max_time, FRAGMENT, G_TYPE_INT, fragment,
          NULL));
}

gboolean
syrinx_event_parse_demand (
    GstEvent *event, guint *max_buffers, GstClockTime *max_time, gint *fragment)
{
  return gst_event_has_name_id (event, DEMAND)
         && gst_structure_id_get (gst_event_get_structure (event), MAX_BUFFERS,
             G_TYPE_UINT, max_buffers, MAX_TIME, G_TYPE_UINT64, max_time,
             FRAGMENT, G_TYPE_INT, fragment, NULL);
}

static GstEvent *
new_bare (GstEventType type, GQuark name)
{
  return gst_event_new_custom (type, gst_structure_new_id_empty (name));
}

GstEvent *
syrinx_event_new_hold (void)
{
  return new_bare (GST_EVENT_CUSTOM_UPSTREAM, HOLD);
}

GstEvent *
syrinx_event_new_resume (void)
{
  return new_bare (GST_EVENT_CUSTOM_UPSTREAM, RESUME);
}

GstEvent *
syrinx_event_new_ready (void)
{
  return new_bare (GST_EVENT_CUSTOM_DOWNSTREAM_OOB, READY);
}

gboolean
syrinx_event_is_hold (GstEvent *event)
{
  return gst_event_has_name_id (event, HOLD);
}

gboolean
syrinx_event_is_resume (GstEvent *event)
{
  return gst_event_has_name_id (event, RESUME);
}

gboolean
syrinx_event_is_ready (GstEvent *event)
{
  return gst_event_has_name_id (event, READY);
}

GstEvent *
syrinx_event_new_denied (const gchar *reason)
{
  return gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM_OOB,
      gst_structure_new_id (DENIED, REASON, G_TYPE_STRING, reason, NULL));
}

gboolean
syrinx_event_parse_denied (GstEvent *event, const gchar **reason)
{
  if (!gst_event_has_name_id (event, DENIED))
    return FALSE;
  *reason = gst_structure_get_string (
      gst_event_get_structure (event), g_quark_to_string (REASON));
  return TRUE;
}

static gboolean
is_query (GstQuery *query, GQuark name)
{
  const GstStructure *structure = GST_QUERY_TYPE (query) == GST_QUERY_CUSTOM
                                      ? gst_query_get_structure (query)
                                      : NULL;

  return structure && gst_structure_get_name_id (structure) == name;
}

GstQuery *
syrinx_query_new_nonblocking (void)
{
  return gst_query_new_custom (
      GST_QUERY_CUSTOM, gst_structure_new_id_empty (NONBLOCKING));
}

gboolean
syrinx_query_is_nonblocking (GstQuery *query)
{
  return is_query (query, NONBLOCKING);
}

GstQuery *
syrinx_query_new_demand_driven (void)
{
  return gst_query_new_custom (
      GST_QUERY_CUSTOM, gst_structure_new_id_empty (DEMAND_DRIVEN));
}

gboolean
syrinx_query_is_demand_driven (GstQuery *query)
{
  return is_query (query, DEMAND_DRIVEN);
}
