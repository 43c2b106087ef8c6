/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What counts as one client: the one definition for connections, rate limits
 * and handshakes.
 *
 * An IPv4 address is one client. An IPv6 client is a /64 network, since every
 * host there has 2^64 addresses; and because providers give whole /48 networks
 * to anyone who asks, a /48 has a bound of its own, SYRINX_PEER_WIDE_FACTOR
 * times that of one client. An IPv4 address that is mapped into IPv6 (RFC 4291,
 * section 2.5.5.2), as a socket bound to [::] gets it, is the IPv4 address. */
#pragma once

#include <gio/gio.h>
#include <sys/socket.h>

G_BEGIN_DECLS

#define SYRINX_PEER_WIDE_FACTOR 16

/* The address without its port, such as "192.0.2.1"; "local" if its family is
 * neither IPv4 nor IPv6. (transfer full) */
gchar *syrinx_peer_describe (const struct sockaddr_storage *address);

/* The client that @address belongs to: "192.0.2.1", "2001:db8:1:2::". Anything
 * that is no address is returned unchanged. (transfer full) */
gchar *syrinx_peer_get_client (const gchar *address);
/* The wider network that has a bound of its own: "2001:db8:1::/48". (transfer
 * full) (nullable): IPv4 has none. */
gchar *syrinx_peer_get_wide_client (const gchar *address);

G_END_DECLS
