/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What counts as one client. */
#include "peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#define CLIENT_BYTES 8 /* of an IPv6 address: /64 */
#define WIDE_BYTES   6 /* /48 */
#define MAPPED_BYTES 12

static gchar *
describe_v6 (const struct in6_addr *address)
{
  gchar text[INET6_ADDRSTRLEN] = "";

  if (IN6_IS_ADDR_V4MAPPED (address))
    inet_ntop (AF_INET, address->s6_addr + MAPPED_BYTES, text, sizeof text);
  else
    inet_ntop (AF_INET6, address, text, sizeof text);
  return g_strdup (text);
}

gchar *
syrinx_peer_describe (const struct sockaddr_storage *address)
{
  gchar text[INET_ADDRSTRLEN] = "";

  if (address->ss_family == AF_INET6)
    return describe_v6 (&((const struct sockaddr_in6 *)address)->sin6_addr);
  if (address->ss_family != AF_INET)
    return g_strdup ("local");
  inet_ntop (AF_INET, &((const struct sockaddr_in *)address)->sin_addr, text,
      sizeof text);
  return g_strdup (text);
}

/* Zeroes all but the first @n_bytes of an IPv6 address. */
static gchar *
mask (struct in6_addr network, gsize n_bytes)
{
  memset (network.s6_addr + n_bytes, 0, sizeof network.s6_addr - n_bytes);
  return describe_v6 (&network);
}

gchar *
syrinx_peer_get_client (const gchar *address)
{
  struct in6_addr parsed;

  if (inet_pton (AF_INET6, address, &parsed) != 1)
    return g_strdup (address);
  return IN6_IS_ADDR_V4MAPPED (&parsed) ? describe_v6 (&parsed)
                                        : mask (parsed, CLIENT_BYTES);
}

gchar *
syrinx_peer_get_wide_client (const gchar *address)
{
  struct in6_addr parsed;
  g_autofree gchar *network = NULL;

  if (inet_pton (AF_INET6, address, &parsed) != 1
      || IN6_IS_ADDR_V4MAPPED (&parsed))
    return NULL;
  network = mask (parsed, WIDE_BYTES);
  return g_strconcat (network, "/48", NULL);
}
