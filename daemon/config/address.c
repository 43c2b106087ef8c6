/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parsing of ADDRESS:PORT in the configuration. */
#include "address.h"

#include "core/base/error.h"

GSocketAddress *
syrinx_address_parse (const gchar *text, GError **error)
{
  g_autoptr (GSocketConnectable) parsed
      = g_network_address_parse (text, 0, error);
  const gchar *host;
  GSocketAddress *address;

  if (!parsed)
    return NULL;
  host = g_network_address_get_hostname (G_NETWORK_ADDRESS (parsed));
  address = g_inet_socket_address_new_from_string (
      g_str_equal (host, "localhost") ? "127.0.0.1" : host,
      g_network_address_get_port (G_NETWORK_ADDRESS (parsed)));
  if (!address)
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "\"%s\" is no ADDRESS:PORT; the address must be numeric", text);
  return address;
}

gboolean
syrinx_address_explain (
    const gchar *text, const gchar *options, GError *cause, GError **error)
{
  if (g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE))
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_BUSY,
        "%s is in use; choose another with %s, or port 0 for any free one",
        text, options);
  else
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_FAILED,
        "can't listen on %s: %s", text, cause->message);
  g_error_free (cause);
  return FALSE;
}

gboolean
syrinx_address_is_loopback (GSocketAddress *address)
{
  return g_inet_address_get_is_loopback (
      g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address)));
}
