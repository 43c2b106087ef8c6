/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What counts as one client, and how many connections it has. */
#include "daemon/net/connections.h"
#include "daemon/net/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define BOUND 4

static void
an_address_of_ipv4_is_a_client_and_a_network_of_ipv6_is_one (void)
{
  static const struct
  {
    const gchar *address, *client, *wide;
  } cases[] = {
    { "192.0.2.7", "192.0.2.7", NULL },
    { "::ffff:192.0.2.7", "192.0.2.7", NULL },
    { "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", "2001:db8:1::/48" },
    { "2001:db8:1:2::9", "2001:db8:1:2::", "2001:db8:1::/48" },
    { "2001:db8:1:3::9", "2001:db8:1:3::", "2001:db8:1::/48" },
    { "::1", "::", "::/48" },
    { "local", "local", NULL },
    { "", "", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *client = syrinx_peer_get_client (cases[i].address);
    g_autofree gchar *wide = syrinx_peer_get_wide_client (cases[i].address);
    g_assert_cmpstr (client, ==, cases[i].client);
    g_assert_cmpstr (wide, ==, cases[i].wide);
  }
}

static void
a_mapped_address_is_described_as_what_is_mapped (void)
{
  static const struct
  {
    int family;
    const gchar *address, *text;
  } cases[] = {
    { AF_INET, "192.0.2.7", "192.0.2.7" },
    { AF_INET6, "::ffff:192.0.2.7", "192.0.2.7" },
    { AF_INET6, "2001:db8::7", "2001:db8::7" },
    { AF_UNIX, NULL, "local" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    struct sockaddr_storage address = { .ss_family = cases[i].family };
    g_autofree gchar *text = NULL;
    if (cases[i].family == AF_INET)
      inet_pton (AF_INET, cases[i].address,
          &((struct sockaddr_in *)&address)->sin_addr);
    if (cases[i].family == AF_INET6)
      inet_pton (AF_INET6, cases[i].address,
          &((struct sockaddr_in6 *)&address)->sin6_addr);
    text = syrinx_peer_describe (&address);
    g_assert_cmpstr (text, ==, cases[i].text);
  }
}

static void
a_client_has_its_bound_whatever_address_it_takes (void)
{
  g_autoptr (SyrinxConnections) connections = syrinx_connections_new ();

  for (guint i = 0; i < 2 * BOUND; i++) {
    g_autofree gchar *address = g_strdup_printf ("2001:db8::%x", i + 1);
    g_assert_true (
        syrinx_connections_take (connections, address, BOUND) == (i < BOUND));
  }
  syrinx_connections_give_back (connections, "2001:db8::1");
  g_assert_cmpuint (
      syrinx_connections_count (connections, "2001:db8::2"), ==, BOUND - 1);
  g_assert_true (syrinx_connections_take (connections, "2001:db8::9", BOUND));
  g_assert_true (syrinx_connections_take (connections, "192.0.2.1", BOUND));
}

static void
a_wider_network_has_sixteen_times_as_much (void)
{
  g_autoptr (SyrinxConnections) connections = syrinx_connections_new ();
  guint n = 0;

  for (guint i = 0; i < 100 * BOUND; i++) {
    g_autofree gchar *address
        = g_strdup_printf ("2001:db8:1:%x::%x", i / BOUND, i + 1);
    n += syrinx_connections_take (connections, address, BOUND);
  }
  g_assert_cmpuint (n, ==, 16 * BOUND);
  g_assert_true (syrinx_connections_take (connections, "2001:db8:2::1", BOUND));
  for (guint i = 0; i < n; i++) {
    g_autofree gchar *address
        = g_strdup_printf ("2001:db8:1:%x::%x", i / BOUND, i + 1);
    syrinx_connections_give_back (connections, address);
  }
  g_assert_true (
      syrinx_connections_take (connections, "2001:db8:1:63::1", BOUND));
}

int
main (int argc, char **argv)
{
#define TEST(name) g_test_add_func ("/net/connections/" #name, name)
  g_test_init (&argc, &argv, NULL);
  TEST (an_address_of_ipv4_is_a_client_and_a_network_of_ipv6_is_one);
  TEST (a_mapped_address_is_described_as_what_is_mapped);
  TEST (a_client_has_its_bound_whatever_address_it_takes);
  TEST (a_wider_network_has_sixteen_times_as_much);
  return g_test_run ();
}
