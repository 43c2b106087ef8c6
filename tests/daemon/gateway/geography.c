/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a listener is: the order of the sources, and which are not trusted. */
#include "daemon/gateway/geography.h"

#include "core/base/error.h"
#include "mmdb-writer.h"

#include <glib/gstdio.h>
#include <unistd.h>

typedef struct
{
  gchar *dir, *database;
  GPtrArray *regions;
  SyrinxGeography *geography;
} Fixture;

static void
add_region (Fixture *f, const gchar *name, const gchar *weight,
    const gchar *rtt_ms, const gchar *countries, const gchar *continents)
{
  SyrinxRegion *region = syrinx_region_new (name, NULL);
  const gchar *const values[][2] = { { "weight", weight }, { "rtt-ms", rtt_ms },
    { "countries", countries }, { "continents", continents } };

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    g_assert_true (
        syrinx_region_set (region, values[i][0], values[i][1], NULL));
  g_ptr_array_add (f->regions, region);
}

static void
make_database (Fixture *f)
{
  g_autoptr (MmdbWriter) writer = mmdb_writer_new ();

  mmdb_writer_add (writer, "192.0.2.0/24", "DE", "EU");
  mmdb_writer_add (writer, "198.51.100.0/24", "CH", "EU");
  mmdb_writer_add (writer, "203.0.113.0/24", "JP", "AS");
  mmdb_writer_add (writer, "233.252.0.0/24", NULL, "AS");
  mmdb_writer_add (writer, "2001:db8:1::/48", "DE", "EU");
  mmdb_writer_save (writer, f->database);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  static const gchar *const proxies[]
      = { "127.0.0.0/8", "2001:db8:ffff::/48", NULL };
  SyrinxGeographySettings settings
      = { .default_region = "home", .proxies = proxies };
  g_autoptr (GError) error = NULL;

  f->dir = g_dir_make_tmp ("syrinx-geo-XXXXXX", NULL);
  f->database = g_build_filename (f->dir, "test.mmdb", NULL);
  f->regions
      = g_ptr_array_new_with_free_func ((GDestroyNotify)syrinx_region_free);
  add_region (f, "german", "8", "10", "de", "");
  add_region (f, "europe", "4", "30", "", "EU");
  add_region (f, "asia", "1", "250", "", "AS;OC");
  make_database (f);
  settings.regions = f->regions;
  settings.database = f->database;
  f->geography = syrinx_geography_new (&settings, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  syrinx_geography_free (f->geography);
  g_ptr_array_unref (f->regions);
  g_unlink (f->database);
  g_rmdir (f->dir);
  g_free (f->database);
  g_free (f->dir);
}

typedef struct
{
  const gchar *name;
  SyrinxClues clues;
  const gchar *region;
  guint rtt_ms, weight;
  const gchar *client;
} Case;

#define PROXY  "127.0.0.1"
#define NO_RTT .token_rtt_ms = -1

static const Case cases[] = {
  { "the_token_comes_first", { "asia", 7, PROXY, "german", "198.51.100.1" },
      "asia", 7, 1, "198.51.100.1" },
  { "then_the_proxys_header", { NULL, NO_RTT, PROXY, "german", "198.51.100.1" },
      "german", 10, 8, "198.51.100.1" },
  { "then_the_country", { NULL, NO_RTT, PROXY, NULL, "192.0.2.9" }, "german",
      10, 8, "192.0.2.9" },
  { "then_the_continent", { NULL, NO_RTT, "198.51.100.1" }, "europe", 30, 4,
      "198.51.100.1" },
  { "a_continent_without_a_country", { NULL, NO_RTT, "233.252.0.1" }, "asia",
      250, 1, "233.252.0.1" },
  { "then_the_default", { NULL, NO_RTT, "8.8.8.8" }, "home", 100, 1,
      "8.8.8.8" },
  { "ipv6_is_known", { NULL, NO_RTT, "2001:db8:1::5" }, "german", 10, 8,
      "2001:db8:1::5" },
  { "mapped_ipv4_is_ipv4", { NULL, NO_RTT, "::ffff:192.0.2.1" }, "german", 10,
      8, "192.0.2.1" },
  { "the_tokens_round_trip_stands_alone", { NULL, 3, "198.51.100.1" }, "europe",
      3, 4, "198.51.100.1" },
  { "an_unknown_name_in_a_token_makes_no_region",
      { "atlantis", NO_RTT, "8.8.8.8" }, "home", 100, 1, "8.8.8.8" },
  { "an_unknown_name_from_a_proxy_makes_no_region",
      { NULL, NO_RTT, PROXY, "atlantis", "8.8.8.8" }, "home", 100, 1,
      "8.8.8.8" },
  { "a_strangers_headers_are_not_believed",
      { NULL, NO_RTT, "203.0.113.5", "german", "192.0.2.9" }, "asia", 250, 1,
      "203.0.113.5" },
  { "what_stands_left_of_the_first_stranger_is_not_believed",
      { NULL, NO_RTT, PROXY, NULL, "192.0.2.9, 203.0.113.5, 127.3.3.3" },
      "asia", 250, 1, "203.0.113.5" },
  { "a_chain_of_proxies_is_followed",
      { NULL, NO_RTT, PROXY, NULL, "203.0.113.5,2001:db8:ffff::1" }, "asia",
      250, 1, "203.0.113.5" },
  { "rubbish_ends_the_chain",
      { NULL, NO_RTT, PROXY, NULL, "192.0.2.9, <script>, 127.0.0.2" }, "home",
      100, 1, "127.0.0.2" },
  { "nothing_known_at_all", { NULL, NO_RTT }, "home", 100, 1, "" },
};

static void
test_case (Fixture *f, gconstpointer data)
{
  const Case *c = data;
  SyrinxPlace place;

  syrinx_geography_locate (f->geography, &c->clues, &place);
  g_assert_cmpstr (place.region, ==, c->region);
  g_assert_cmpuint (place.rtt_ms, ==, c->rtt_ms);
  g_assert_cmpuint (place.weight, ==, c->weight);
  g_assert_cmpstr (place.client, ==, c->client);
}

/* A header of a megabyte costs no more than one of a line. */
static void
test_long_header (Fixture *f, gconstpointer data)
{
  GString *forwarded = g_string_new (NULL);
  gchar client[46];

  for (guint i = 0; i < 100000; i++)
    g_string_append (forwarded, "127.0.0.1,");
  syrinx_geography_find_client (f->geography, PROXY, forwarded->str, client);
  g_assert_cmpstr (client, ==, PROXY);
  g_string_free (forwarded, TRUE);
}

/* --- Settings --- */

static void
test_no_database (void)
{
  g_autoptr (GPtrArray) regions = g_ptr_array_new ();
  const SyrinxGeographySettings settings
      = { .regions = regions, .default_region = "home" };
  const SyrinxClues clues = { .token_rtt_ms = -1, .peer = "192.0.2.1" };
  g_autoptr (SyrinxGeography) geography
      = syrinx_geography_new (&settings, NULL);
  SyrinxPlace place;

  syrinx_geography_locate (geography, &clues, &place);
  g_assert_cmpstr (place.region, ==, "home");
}

static void
test_bad_settings (Fixture *f, gconstpointer data)
{
  static const gchar *const proxies[] = { "127.0.0.1/99", NULL };
  SyrinxGeographySettings settings
      = { .regions = f->regions, .default_region = "home", .proxies = proxies };
  g_autoptr (GError) error = NULL;

  g_assert_null (syrinx_geography_new (&settings, &error));
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "127.0.0.1/99"));
  g_clear_error (&error);
  settings.proxies = NULL;
  settings.database = "/nowhere/at-all.mmdb";
  g_assert_null (syrinx_geography_new (&settings, &error));
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_FAILED);
  g_clear_error (&error);
  g_assert_true (
      g_file_set_contents (f->database, "no database at all", -1, NULL));
  settings.database = f->database;
  g_assert_null (syrinx_geography_new (&settings, &error));
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID);
}

static void
test_bad_regions (void)
{
  static const gchar *const bad[][2]
      = { { "weight", "0" }, { "weight", "1001" }, { "weight", "8x" },
          { "rtt-ms", "-1" }, { "rtt-ms", "10001" }, { "countries", "DEU" },
          { "countries", "D1" }, { "height", "3" } };
  static const gchar *const names[]
      = { "", "a b", "é", "a-name-that-is-longer-than-31-bytes" };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (SyrinxRegion) region = syrinx_region_new ("eu", NULL);
    g_autoptr (GError) error = NULL;
    g_assert_false (syrinx_region_set (region, bad[i][0], bad[i][1], &error));
    g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID);
  }
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_null (syrinx_region_new (names[i], &error));
    g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID);
  }
}

#define ADD(name, data, func)                                                  \
  g_test_add ("/daemon/geography/" name, Fixture, data, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *name
        = g_strconcat ("/daemon/geography/", cases[i].name, NULL);
    g_test_add (name, Fixture, &cases[i], set_up, test_case, tear_down);
  }
  ADD ("a_long_header_is_not_read", NULL, test_long_header);
  ADD ("bad_settings_are_refused_by_name", NULL, test_bad_settings);
  g_test_add_func (
      "/daemon/geography/without_a_database_it_is_skipped", test_no_database);
  g_test_add_func (
      "/daemon/geography/bad_regions_are_refused", test_bad_regions);
  return g_test_run ();
}
