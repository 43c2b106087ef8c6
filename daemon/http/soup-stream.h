/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A connection as libsoup gets it. libsoup 3.2 never lets go of a kept
 * connection whose client has left between two requests: descriptor and memory
 * would stay for good. So the end of such a one is told to it as a broken
 * request, after which it does close; the answer to that goes nowhere. Main
 * thread only. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* @base: @connection or a layer on it. The remote address must be given to
 * libsoup with the stream: it is how the functions below find it. (transfer
 * full) */
GIOStream *syrinx_soup_stream_new (
    GSocketConnection *connection, GIOStream *base, GSocketAddress *remote);

/* The request that came from there was answered, or was none. */
void syrinx_soup_stream_note_end (GSocketAddress *remote);
gboolean syrinx_soup_stream_is_tls (GSocketAddress *remote);
/* What @stream, or the stream under it, was made of; it is closed by whoever
 * has it now. (transfer full) */
GIOStream *syrinx_soup_stream_take (GIOStream *stream);

G_END_DECLS
