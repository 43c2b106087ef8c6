/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Geography. A region that is not configured is ignored and the next source is
 * tried: clients can't create regions. */
#include "geography.h"

#include "core/base/error.h"

#include <gio/gio.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <string.h>

#define MAX_HOPS            16
#define MAX_FORWARDED_BYTES 1024
#define CODE_BYTES          3
#define DEFAULT_RTT_MS      100

struct _SyrinxGeography
{
  GPtrArray *proxies;     /* of GInetAddressMask */
  GHashTable *regions;    /* name → Region, all interned */
  GHashTable *countries;  /* code → name */
  GHashTable *continents; /* code → name */
  const gchar *fallback;
  gboolean has_database;
  MMDB_s database;
};

typedef struct
{
  guint weight, rtt_ms;
} Region;

/* --- Addresses --- */

/* Turns ::ffff:192.0.2.1, as a dual-stack socket reports it, into 192.0.2.1. */
static GInetAddress *
parse_address (const gchar *text)
{
  static const guint8 mapped[12] = { [10] = 0xff, [11] = 0xff };
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (text);
  const guint8 *bytes;

  if (!address || g_inet_address_get_family (address) != G_SOCKET_FAMILY_IPV6)
    return g_steal_pointer (&address);
  bytes = g_inet_address_to_bytes (address);
  return memcmp (bytes, mapped, sizeof mapped) == 0
             ? g_inet_address_new_from_bytes (
                 bytes + sizeof mapped, G_SOCKET_FAMILY_IPV4)
             : g_steal_pointer (&address);
}

static gboolean
is_trusted (SyrinxGeography *self, GInetAddress *address)
{
  for (guint i = 0; i < self->proxies->len; i++)
    if (g_inet_address_mask_matches (self->proxies->pdata[i], address))
      return TRUE;
  return FALSE;
}

gboolean
syrinx_geography_is_proxy (SyrinxGeography *self, const gchar *address)
{
  g_autoptr (GInetAddress) parsed
      = self->proxies->len ? parse_address (address) : NULL;

  return parsed && is_trusted (self, parsed);
}

/* Each proxy appends the address of its peer, so everything to the left of the
 * last untrusted address may be forged. */
static GInetAddress *
find_client (SyrinxGeography *self, const gchar *peer, const gchar *forwarded)
{
  g_autoptr (GInetAddress) client = peer ? parse_address (peer) : NULL;
  g_auto (GStrv) hops = NULL;
  guint n;

  if (!client || !forwarded || strlen (forwarded) > MAX_FORWARDED_BYTES)
    return g_steal_pointer (&client);
  hops = g_strsplit (forwarded, ",", -1);
  n = g_strv_length (hops);
  for (guint i = 0; i < MIN (n, MAX_HOPS) && is_trusted (self, client); i++) {
    GInetAddress *before = parse_address (g_strstrip (hops[n - 1 - i]));
    if (!before)
      break;
    g_object_unref (client);
    client = before;
  }
  return g_steal_pointer (&client);
}

static void
print_address (GInetAddress *address, const gchar *fallback, gchar client[46])
{
  g_autofree gchar *text = address ? g_inet_address_to_string (address) : NULL;

  g_strlcpy (client, text ? text : fallback ? fallback : "", 46);
}

void
syrinx_geography_find_client (SyrinxGeography *self, const gchar *peer,
    const gchar *forwarded, gchar client[46])
{
  g_autoptr (GInetAddress) address = find_client (self, peer, forwarded);

  print_address (address, peer, client);
}

/* --- The database --- */

static gboolean
get_code (MMDB_lookup_result_s *result, const gchar *group, const gchar *name,
    gchar code[CODE_BYTES])
{
  MMDB_entry_data_s data;

  if (MMDB_get_value (&result->entry, &data, group, name, NULL) != MMDB_SUCCESS
      || !data.has_data || data.type != MMDB_DATA_TYPE_UTF8_STRING
      || data.data_size != CODE_BYTES - 1)
    return FALSE;
  memcpy (code, data.utf8_string, CODE_BYTES - 1);
  code[CODE_BYTES - 1] = 0;
  return TRUE;
}

static gboolean
look_up (
    SyrinxGeography *self, GInetAddress *address, MMDB_lookup_result_s *result)
{
  g_autoptr (GSocketAddress) full = g_inet_socket_address_new (address, 0);
  struct sockaddr_storage raw = { 0 };
  int status = MMDB_SUCCESS;

  if (!g_socket_address_to_native (full, &raw, sizeof raw, NULL))
    return FALSE;
  *result = MMDB_lookup_sockaddr (
      &self->database, (const struct sockaddr *)&raw, &status);
  return status == MMDB_SUCCESS && result->found_entry;
}

static const gchar *
ask_database (SyrinxGeography *self, GInetAddress *address)
{
  MMDB_lookup_result_s result;
  gchar code[CODE_BYTES];
  const gchar *region = NULL;

  if (!self->has_database || !address || !look_up (self, address, &result))
    return NULL;
  if (get_code (&result, "country", "iso_code", code)
      || get_code (&result, "registered_country", "iso_code", code))
    region = g_hash_table_lookup (self->countries, code);
  if (!region && get_code (&result, "continent", "code", code))
    region = g_hash_table_lookup (self->continents, code);
  return region;
}

/* --- Lookup --- */

/* The configured (interned) name, or NULL if there is none. */
static const gchar *
find_region (SyrinxGeography *self, const gchar *name)
{
  gpointer key = NULL;

  return name && g_hash_table_lookup_extended (self->regions, name, &key, NULL)
             ? key
             : NULL;
}

void
syrinx_geography_locate (
    SyrinxGeography *self, const SyrinxClues *clues, SyrinxPlace *place)
{
  g_autoptr (GInetAddress) client
      = find_client (self, clues->peer, clues->forwarded);
  const Region *region;

  print_address (client, clues->peer, place->client);
  place->region = find_region (self, clues->token_region);
  if (!place->region && clues->proxy_region && clues->peer
      && syrinx_geography_is_proxy (self, clues->peer))
    place->region = find_region (self, clues->proxy_region);
  if (!place->region)
    place->region = ask_database (self, client);
  if (!place->region)
    place->region = self->fallback;
  region = g_hash_table_lookup (self->regions, place->region);
  place->weight = region->weight;
  place->rtt_ms = clues->token_rtt_ms < 0 ? region->rtt_ms
                                          : MIN ((guint)clues->token_rtt_ms,
                                              SYRINX_REGION_MAX_RTT_MS);
}

/* --- Life --- */

static void
add_region (
    SyrinxGeography *self, const gchar *name, guint weight, guint rtt_ms)
{
  Region *region = g_new0 (Region, 1);

  region->weight = weight;
  region->rtt_ms = rtt_ms;
  g_hash_table_insert (self->regions, (gpointer)name, region);
}

/* If several regions name a country, the first has it. */
static void
add_codes (GHashTable *codes, gchar **given, const gchar *name)
{
  for (; *given; given++)
    if (!g_hash_table_contains (codes, *given))
      g_hash_table_insert (codes, g_strdup (*given), (gpointer)name);
}

static void
add_regions (SyrinxGeography *self, const SyrinxGeographySettings *settings)
{
  for (guint i = 0; i < settings->regions->len; i++) {
    const SyrinxRegion *region = settings->regions->pdata[i];
    add_region (self, region->name, region->weight, region->rtt_ms);
    add_codes (self->countries, region->countries, region->name);
    add_codes (self->continents, region->continents, region->name);
  }
  self->fallback = g_intern_string (settings->default_region);
  if (!g_hash_table_contains (self->regions, self->fallback))
    add_region (self, self->fallback, 1, DEFAULT_RTT_MS);
}

static gboolean
add_proxies (SyrinxGeography *self, const gchar *const *proxies, GError **error)
{
  for (; proxies && *proxies; proxies++) {
    g_autoptr (GError) cause = NULL;
    GInetAddressMask *mask
        = g_inet_address_mask_new_from_string (*proxies, &cause);
    if (!mask) {
      g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
          "trusted-proxies takes ADDRESS or ADDRESS/BITS, by semicolons, not "
          "\"%s\"",
          *proxies);
      return FALSE;
    }
    g_ptr_array_add (self->proxies, mask);
  }
  return TRUE;
}

static gboolean
open_database (SyrinxGeography *self, const gchar *path, GError **error)
{
  int status = MMDB_open (path, MMDB_MODE_MMAP, &self->database);

  self->has_database = status == MMDB_SUCCESS;
  if (!self->has_database)
    g_set_error (error, SYRINX_ERROR,
        status == MMDB_FILE_OPEN_ERROR ? SYRINX_ERROR_FAILED
                                       : SYRINX_ERROR_INVALID,
        "geo-database %s can't be used: %s", path, MMDB_strerror (status));
  return self->has_database;
}

SyrinxGeography *
syrinx_geography_new (const SyrinxGeographySettings *settings, GError **error)
{
  g_autoptr (SyrinxGeography) self = g_new0 (SyrinxGeography, 1);

  self->proxies = g_ptr_array_new_with_free_func (g_object_unref);
  self->regions = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
  self->countries
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->continents
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  add_regions (self, settings);
  if (!add_proxies (self, settings->proxies, error)
      || (settings->database
          && !open_database (self, settings->database, error)))
    return NULL;
  return g_steal_pointer (&self);
}

void
syrinx_geography_free (SyrinxGeography *self)
{
  if (self->has_database)
    MMDB_close (&self->database);
  g_ptr_array_unref (self->proxies);
  g_hash_table_unref (self->regions);
  g_hash_table_unref (self->countries);
  g_hash_table_unref (self->continents);
  g_free (self);
}
