/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A token bucket for each client, in a table of bounded size. Not locked. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SyrinxRateLimit SyrinxRateLimit;

/* Keeps at most @max_clients (1 or more) buckets: beyond that the least
 * recently used one is evicted. (transfer full) */
SyrinxRateLimit *syrinx_rate_limit_new (guint max_clients);
void syrinx_rate_limit_free (SyrinxRateLimit *limit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxRateLimit, syrinx_rate_limit_free)

/* Asks for one request of @client. 0: it is allowed, and has been counted.
 * Otherwise the microseconds until the next one is allowed; nothing is counted.
 * A bucket gains @per_second (1 or more) and holds at most @burst (1 or more);
 * either may differ from call to call, as after a reload. @now_us is
 * monotonic. */
gint64 syrinx_rate_limit_take (SyrinxRateLimit *limit, const gchar *client,
    guint per_second, guint burst, gint64 now_us);

/* The same for the client that has @address (see peer.h). An IPv6 address takes
 * from the bucket of its /48, too, which gains and holds
 * SYRINX_PEER_WIDE_FACTOR times as much. */
gint64 syrinx_rate_limit_take_for_address (SyrinxRateLimit *limit,
    const gchar *address, guint per_second, guint burst, gint64 now_us);

guint syrinx_rate_limit_get_size (SyrinxRateLimit *limit);

G_END_DECLS
