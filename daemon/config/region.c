/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Regions: parsing the operator's configuration. */
#include "region.h"

#include "core/base/error.h"

#include <string.h>

#define MAX_NAME_BYTES                                                         \
  31 /* the size that scheduler statistics have room for                       \
      */
#define DEFAULT_RTT_MS 100

static gboolean
is_name (const gchar *name)
{
  gsize length = strlen (name);

  return length > 0 && length <= MAX_NAME_BYTES
         && strspn (name, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "-_")
                == length;
}

SyrinxRegion *
syrinx_region_new (const gchar *name, GError **error)
{
  SyrinxRegion *region;

  if (!is_name (name)) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "a region's name is 1 to %d letters, digits, - and _, not \"%s\"",
        MAX_NAME_BYTES, name);
    return NULL;
  }
  region = g_new0 (SyrinxRegion, 1);
  region->name = g_intern_string (name);
  region->weight = 1;
  region->rtt_ms = DEFAULT_RTT_MS;
  region->countries = g_new0 (gchar *, 1);
  region->continents = g_new0 (gchar *, 1);
  return region;
}

static gboolean
set_number (guint *number, const gchar *key, const gchar *text, guint min,
    guint max, GError **error)
{
  guint64 value;

  if (!g_ascii_string_to_unsigned (text, 10, min, max, &value, NULL)) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "%s takes a number from %u to %u, not \"%s\"", key, min, max, text);
    return FALSE;
  }
  *number = value;
  return TRUE;
}

static gboolean
set_codes (gchar ***codes, const gchar *key, const gchar *text, GError **error)
{
  g_auto (GStrv) given = g_strsplit (text, ";", -1);
  g_autoptr (GStrvBuilder) good = g_strv_builder_new ();

  for (guint i = 0; given[i]; i++) {
    g_autofree gchar *code = g_ascii_strup (g_strstrip (given[i]), -1);
    if (!*code)
      continue;
    if (strlen (code) != 2 || strspn (code, G_CSET_A_2_Z) != 2) {
      g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
          "%s takes codes of two letters, by semicolons, not \"%s\"", key,
          text);
      return FALSE;
    }
    g_strv_builder_add (good, code);
  }
  g_strfreev (*codes);
  *codes = g_strv_builder_end (good);
  return TRUE;
}

gboolean
syrinx_region_set (
    SyrinxRegion *region, const gchar *key, const gchar *value, GError **error)
{
  if (g_str_equal (key, "weight"))
    return set_number (
        &region->weight, key, value, 1, SYRINX_REGION_MAX_WEIGHT, error);
  if (g_str_equal (key, "rtt-ms"))
    return set_number (
        &region->rtt_ms, key, value, 0, SYRINX_REGION_MAX_RTT_MS, error);
  if (g_str_equal (key, "countries"))
    return set_codes (&region->countries, key, value, error);
  if (g_str_equal (key, "continents"))
    return set_codes (&region->continents, key, value, error);
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
      "a region has weight, rtt-ms, countries and continents, no \"%s\"", key);
  return FALSE;
}

void
syrinx_region_free (SyrinxRegion *region)
{
  g_strfreev (region->countries);
  g_strfreev (region->continents);
  g_free (region);
}
