/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Declarations shared by the files of syrinxbalancesink. */
#pragma once

#include "gstsyrinxbalancesink.h"

#include "core/balance/balance.h"

G_BEGIN_DECLS

GST_DEBUG_CATEGORY_EXTERN (syrinx_balance_sink_debug);
#define GST_CAT_DEFAULT syrinx_balance_sink_debug

typedef enum
{
  SYRINX_PER_CHUNK,
  SYRINX_PER_STREAM,
} SyrinxPer;

/* A sink that takes chunks. */
typedef struct
{
  gatomicrefcount ref_count;
  GstPad *pad;       /* our pad, linked to the sink's; constant */
  GstElement *child; /* (nullable): NULL for a request pad, whose server is not
                        in this bin */
  gchar *name;       /* constant */
  gboolean is_made;  /* made for a URI; removed at stop */
  gint is_down;      /* atomic */

  /* streaming thread only */
  gdouble load, answer_us;
  gint64 load_at_us;
} SyrinxSinkServer;

typedef struct
{
  gchar *servers, *weights; /* (nullable) */
  SyrinxPer per;
  SyrinxBalancePolicy policy;
  guint replicas;
} SyrinxBalanceSinkSettings;

struct _GstSyrinxBalanceSink
{
  GstBin bin;

  /* constant after init */
  GstPad *sinkpad;

  /* protected by the object lock */
  SyrinxBalanceSinkSettings settings;
  GPtrArray *servers; /* of SyrinxSinkServer, in the order of adding */
  guint n_requested, n_stats_moved;

  /* streaming thread only */
  guint64 next_number, stream_key;
};

/* --- Servers (balancesink-servers.c) --- */

SyrinxSinkServer *syrinx_sink_server_ref (SyrinxSinkServer *server);
void syrinx_sink_server_unref (SyrinxSinkServer *server);
/* A copy of the list, which holds references of the servers. (transfer full) */
GPtrArray *syrinx_balance_sink_dup_servers (GstSyrinxBalanceSink *self);
/* Takes @pad. @child: (nullable). (transfer none) */
SyrinxSinkServer *syrinx_balance_sink_add_server (
    GstSyrinxBalanceSink *self, GstPad *pad, GstElement *child);
/* The server that has the pad or child @of. (transfer full) (nullable) */
SyrinxSinkServer *
syrinx_balance_sink_find_server (GstSyrinxBalanceSink *self, gpointer of);
void syrinx_balance_sink_remove_server (
    GstSyrinxBalanceSink *self, SyrinxSinkServer *server);
/* Posts the element message @what about @server. */
void syrinx_balance_sink_post_server (
    GstSyrinxBalanceSink *self, const gchar *what, SyrinxSinkServer *server);
/* Marks @server as down: it gets no chunks until the element is started
 * again. */
void syrinx_balance_sink_take_down (
    GstSyrinxBalanceSink *self, SyrinxSinkServer *server);

/* --- Placing chunks (balancesink-place.c) --- */

GstFlowReturn
syrinx_balance_sink_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer);

/* --- Properties (balancesink-properties.c) --- */

void syrinx_balance_sink_install_properties (GObjectClass *class);
void syrinx_balance_sink_init_settings (SyrinxBalanceSinkSettings *settings);

G_END_DECLS
