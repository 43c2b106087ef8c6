/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Configuration. One table lists all keys. */
#include "config.h"

#include "address.h"
#include "core/base/error.h"

#include <string.h>
#include <unistd.h>

#define DEFAULT_FILE "/etc/syrinx/syrinx.conf"
#define GROUP        "syrinx"
#define REGION_GROUP "region "

/* What the renditions can be made with, in kbit/s. */
#define MIN_OPUS_KBPS 16
#define MIN_AAC_KBPS  48
#define MAX_KBPS      320

typedef enum
{
  PATHS,
  PATH,
  TEXT,
  WORDS,
  BYTES,
  NUMBER,
  FLAG
} Kind;

static const struct
{
  const gchar *key;
  Kind kind;
  gsize offset;
  const gchar *fallback; /* (nullable) */
  guint64 min, max;      /* of numbers and bytes */
  const gchar *comment;
  gboolean is_live; /* a reload takes it */
} keys[] = {
#define FIELD(name) G_STRUCT_OFFSET (SyrinxConfig, name)
  { "library", PATHS, FIELD (library), NULL, 0, 0,
      "Folders of music, separated by semicolons. They are only read." },
  { "suffixes", WORDS, FIELD (suffixes), "", 0, 0,
      "Suffixes of the files that are read (flac;mp3), separated by "
      "semicolons.\n"
      "# Default: those of all formats that can be read. `syrinxctl failures\n"
      "# --skipped` lists the files that are left out." },
  { "state-dir", PATH, FIELD (state_dir), NULL, 0, 0,
      "Index, keys and renditions. Default: /var/lib/syrinx for root,\n"
      "# ~/.local/state/syrinx for others." },
  { "http", TEXT, FIELD (http), "127.0.0.1:8080", 0, 0,
      "Where listeners connect, ADDRESS:PORT. Port 0 takes any free one." },
  { "https", TEXT, FIELD (https), NULL, 0, 0,
      "Where they connect by TLS (1.2 and later), ADDRESS:PORT. Default: "
      "nowhere.\n"
      "# If other machines connect, let http be loopback and this be public." },
  { "tls-certificate", PATH, FIELD (tls_certificate), NULL, 0, 0,
      "PEM file with the certificate of https, then its intermediate\n"
      "# certificates. Read again at a reload.",
      TRUE },
  { "tls-key", PATH, FIELD (tls_key), NULL, 0, 0, "PEM file with its key.",
      TRUE },
  { "rtsp", TEXT, FIELD (rtsp), "127.0.0.1:8554", 0, 0,
      "Where RTSP clients connect, ADDRESS:PORT. Port 0 takes any free one,\n"
      "# none turns it off." },
  { "rtsps", TEXT, FIELD (rtsps), NULL, 0, 0,
      "Where they connect by TLS (with the certificate of https), such as\n"
      "# 127.0.0.1:8322. Default: nowhere." },
  { "rtsp-profile", TEXT, FIELD (rtsp_profile), "any", 0, 0,
      "any: plain RTP, or SRTP for clients that ask with ?srtp=any; savp: "
      "SRTP\n"
      "# only, and therefore only by rtsps or from this machine." },
  { "admin", TEXT, FIELD (admin), "127.0.0.1:9180", 0, 0,
      "Metrics and status, ADDRESS:PORT. Keep it on loopback." },
  { "bus", TEXT, FIELD (bus), "none", 0, 0,
      "D-Bus besides the private one: session, system or none." },
  { "audience", TEXT, FIELD (audience), "syrinx", 0, 0,
      "A value that the aud claim of a token must contain.", TRUE },
  { "issuer", TEXT, FIELD (issuer), NULL, 0, 0,
      "The iss claim that a token must have. Default: any.", TRUE },
  { "jwks", PATH, FIELD (jwks), NULL, 0, 0,
      "File with a JWK Set of further keys that may sign tokens.", TRUE },
  { "clock-leeway", NUMBER, FIELD (clock_leeway_s), "5", 0, 300,
      "Seconds by which the clocks of token issuers may differ from ours: exp "
      "is\n"
      "# accepted that much later, nbf and iat may be that far in the future.",
      TRUE },
  { "master-key", PATH, FIELD (master_key), NULL, 0, 0,
      "File with the 32 bytes that all content keys are wrapped with. "
      "Default:\n"
      "# systemd's credential master-key, else state-dir's, which is made.",
      TRUE },
  { "master-key-next", PATH, FIELD (master_key_next), NULL, 0, 0,
      "The key that replaces it at `syrinxctl key rotate --master`. Default:\n"
      "# systemd's credential master-key-next, if there is one.",
      TRUE },
  { "master-key-group-ok", FLAG, FIELD (master_key_group_ok), "false", 0, 0,
      "Accept a master key that its group can read.", TRUE },
  { "audit-log", TEXT, FIELD (audit_log), NULL, 0, 0,
      "Log of keys given out, as JSON lines: a path, or none. Default: "
      "audit.log\n"
      "# in state-dir.",
      TRUE },
  { "pipelines-dir", PATH, FIELD (pipelines_dir), NULL, 0, 0,
      "Folder with session shapes (stream.launch, …) that replace ours." },
  { "region", TEXT, FIELD (region), "default", 0, 0,
      "Region of listeners whose region is unknown.", TRUE },
  { "trusted-proxies", WORDS, FIELD (trusted_proxies), "", 0, 0,
      "Proxies whose X-Forwarded-For and X-Syrinx-Region are trusted: ADDRESS "
      "or\n"
      "# ADDRESS/BITS, separated by semicolons.",
      TRUE },
  { "geo-database", PATH, FIELD (geo_database), NULL, 0, 0,
      "MaxMind database (.mmdb) of countries: which region an address is in.",
      TRUE },
  { "renditions", WORDS, FIELD (renditions), "opus-128;opus-64;aac-128", 0, 0,
      "The renditions offered, best first: opus-KBIT and aac-KBIT." },
  { "cache-size", BYTES, FIELD (cache_bytes), "10G", 1 << 20, G_MAXINT64,
      "How large the renditions on disk may grow (K, M, G, T)." },
  { "memory-size", BYTES, FIELD (memory_bytes), "32M", 1 << 20, G_MAXINT64,
      "How much of them is kept in memory." },
  { "max-sessions", NUMBER, FIELD (max_sessions), "10000", 1, 1000000,
      "Sessions at a time.", TRUE },
  { "max-sessions-per-subject", NUMBER, FIELD (max_sessions_per_subject), "16",
      1, 1000000,
      "Sessions with tokens of one subject, unless the token states another "
      "number\n"
      "# (its claim sessions). A further session ends the subject's own one "
      "that has\n"
      "# been idle longest, if for 30 seconds; otherwise it is refused.",
      TRUE },
  { "max-sessions-per-address", NUMBER, FIELD (max_sessions_per_address),
      "1000", 1, 1000000,
      "Sessions from one address (of IPv6, one /64), whatever the tokens say.",
      TRUE },
  { "max-egress-kbps", NUMBER, FIELD (max_egress_kbps), "0", 0, 1000000000,
      "Sum of the bit rates of all sessions' renditions, in kbit/s. 0: any.",
      TRUE },
  { "egress-budget-kbps", NUMBER, FIELD (egress_budget_kbps), "0", 0,
      1000000000,
      "Rate at which streams and fragments are sent in total, in kbit/s: above "
      "it\n"
      "# they take turns, regions by weight. Set it a little below the "
      "capacity of\n"
      "# the line. 0: any.",
      TRUE },
  { "priority-percent", NUMBER, FIELD (priority_percent), "50", 1, 99,
      "Percentage of the output that streams with a priority may take while "
      "others\n"
      "# wait.",
      TRUE },
  { "max-cpu-percent", NUMBER, FIELD (max_cpu_percent), "95", 0, 100,
      "CPU load, as percentage of all cores, above which no session begins. 0: "
      "any.",
      TRUE },
  { "admission-queue", NUMBER, FIELD (admission_queue), "256", 0, 100000,
      "New sessions that may wait for room, nearest regions first.", TRUE },
  { "admission-wait-ms", NUMBER, FIELD (admission_wait_ms), "3000", 1, 60000,
      "How long they wait before they are refused.", TRUE },
  { "max-connections-per-address", NUMBER, FIELD (max_connections_per_address),
      "256", 1, 1000000,
      "Connections from one address at a time; trusted proxies may have any "
      "number." },
  { "requests-per-second", NUMBER, FIELD (requests_per_second), "200", 1,
      1000000,
      "Requests from one address, on average; bursts of ten times as many.",
      TRUE },
  { "requests-per-second-per-subject", NUMBER,
      FIELD (requests_per_second_per_subject), "200", 1, 1000000,
      "Requests with tokens of one subject, likewise.", TRUE },
  { "rescan-interval", NUMBER, FIELD (rescan_interval_s), "900", 10, 86400,
      "Seconds between scans of library folders on shares (NFS, CIFS, FUSE), "
      "where\n"
      "# changes made by other machines are not reported." },
  { "forget-days", NUMBER, FIELD (forget_days), "30", 0, 3650,
      "Days for which a file that is gone, or whose folder left the library, "
      "is\n"
      "# remembered: if it comes back within that time it is the same track." },
  { "workers", NUMBER, FIELD (workers), "2", 1, 256,
      "Processes that decode and encode, at most." },
  { "worker-user", TEXT, FIELD (worker_user), NULL, 0, 0,
      "The user of these processes if the daemon runs as root. Default: each "
      "has a\n"
      "# user id of its own, from 61184 to 65519, which belong to no "
      "account." },
  { "worker-sandbox", TEXT, FIELD (worker_sandbox), "require", 0, 0,
      "require: without seccomp no file is read; try: then files are read\n"
      "# nevertheless, by processes that a malicious file could take over." },
  { "drain-seconds", NUMBER, FIELD (drain_s), "10", 0, 3600,
      "How long streams that play may go on after SIGTERM.", TRUE },
#undef FIELD
};

static gpointer
field (SyrinxConfig *config, guint i)
{
  return (guint8 *)config + keys[i].offset;
}

static gboolean
parse_number (const gchar *text, gboolean with_unit, guint64 *value)
{
  static const gchar units[] = "KMGT";
  gchar *end = NULL;
  const gchar *unit;

  if (!g_ascii_isdigit (*text))
    return FALSE;
  *value = g_ascii_strtoull (text, &end, 10);
  if (with_unit && *end && (unit = strchr (units, g_ascii_toupper (*end)))) {
    guint shift = 10 * (unit - units + 1);
    if (*value > G_MAXUINT64 >> shift)
      return FALSE;
    *value <<= shift;
    end++;
  }
  return *end == 0;
}

/* Splits @text at ";" and skips empty words: "a;b;" has two. */
static gchar **
split (const gchar *text)
{
  g_auto (GStrv) parts = g_strsplit (text, ";", -1);
  g_autoptr (GStrvBuilder) words = g_strv_builder_new ();

  for (guint i = 0; parts[i]; i++)
    if (*g_strstrip (parts[i]))
      g_strv_builder_add (words, parts[i]);
  return g_strv_builder_end (words);
}

static gboolean
set_flag (gboolean *at, const gchar *key, const gchar *text, const gchar *where,
    GError **error)
{
  *at = g_str_equal (text, "true");
  if (*at || g_str_equal (text, "false"))
    return TRUE;
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
      "%s: %s is true or false, not \"%s\"", where, key, text);
  return FALSE;
}

static gboolean
set_value (SyrinxConfig *config, guint i, const gchar *text, const gchar *where,
    GError **error)
{
  gpointer at = field (config, i);
  guint64 number = 0;

  switch (keys[i].kind) {
  case PATHS:
  case WORDS:
    g_strfreev (*(gchar ***)at);
    *(gchar ***)at = split (text);
    for (gchar **p = *(gchar ***)at; keys[i].kind == PATHS && *p; p++) {
      gchar *absolute = g_canonicalize_filename (*p, NULL);
      g_free (*p);
      *p = absolute;
    }
    return TRUE;
  case PATH:
    g_free (*(gchar **)at);
    *(gchar **)at = *text ? g_canonicalize_filename (text, NULL) : NULL;
    return TRUE;
  case TEXT:
    g_free (*(gchar **)at);
    *(gchar **)at = *text ? g_strdup (text) : NULL;
    return TRUE;
  case BYTES:
  case NUMBER:
    if (!parse_number (text, keys[i].kind == BYTES, &number)
        || number < keys[i].min || number > keys[i].max) {
      g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
          "%s: %s takes a number from %" G_GUINT64_FORMAT
          " to %" G_GUINT64_FORMAT "%s, not \"%s\"",
          where, keys[i].key, keys[i].min, keys[i].max,
          keys[i].kind == BYTES ? " (with K, M, G or T)" : "", text);
      return FALSE;
    }
    if (keys[i].kind == BYTES)
      *(guint64 *)at = number;
    else
      *(guint *)at = number;
    return TRUE;
  case FLAG:
    return set_flag (at, keys[i].key, text, where, error);
  }
  return FALSE;
}

static gint
find_key (const gchar *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if (g_str_equal (keys[i].key, name))
      return i;
  return -1;
}

/* GKeyFile does not keep line numbers, so the message looks them up. */
static guint
find_line (const gchar *text, const gchar *group, const gchar *key)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autofree gchar *header = g_strdup_printf ("[%s]", group);
  gboolean is_in_group = FALSE;

  for (guint i = 0; lines[i]; i++) {
    const gchar *line = g_strchug (lines[i]);
    if (*line == '[')
      is_in_group = g_str_has_prefix (line, header);
    else if (is_in_group && g_str_has_prefix (line, key)
             && strchr ("= \t", line[strlen (key)]))
      return i + 1;
  }
  return 0;
}

static gboolean
read_key (SyrinxConfig *config, GKeyFile *file, const gchar *path,
    const gchar *text, const gchar *name, GError **error)
{
  g_autofree gchar *value = NULL;
  g_autofree gchar *where
      = g_strdup_printf ("%s, line %u", path, find_line (text, GROUP, name));
  gint i = find_key (name);

  if (i < 0) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "%s: there is no key \"%s\"; `syrinxd --print-config` shows all", where,
        name);
    return FALSE;
  }
  value = g_key_file_get_value (file, GROUP, name, error);
  return value && set_value (config, i, value, where, error);
}

static gboolean
read_region (SyrinxConfig *config, GKeyFile *file, const gchar *path,
    const gchar *text, const gchar *group, GError **error)
{
  g_auto (GStrv) names = g_key_file_get_keys (file, group, NULL, NULL);
  g_autoptr (SyrinxRegion) region
      = syrinx_region_new (group + strlen (REGION_GROUP), error);

  if (region && config->regions->len == SYRINX_MAX_REGIONS) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "there are more than %d regions", SYRINX_MAX_REGIONS);
    g_clear_pointer (&region, syrinx_region_free);
  }
  if (!region) {
    g_prefix_error (error, "%s: ", path);
    return FALSE;
  }
  for (guint i = 0; names && names[i]; i++) {
    g_autofree gchar *value
        = g_key_file_get_value (file, group, names[i], error);
    if (!value || !syrinx_region_set (region, names[i], value, error)) {
      g_prefix_error (
          error, "%s, line %u: ", path, find_line (text, group, names[i]));
      return FALSE;
    }
  }
  g_ptr_array_add (config->regions, g_steal_pointer (&region));
  return TRUE;
}

static gboolean
read_group (SyrinxConfig *config, GKeyFile *file, const gchar *path,
    const gchar *text, const gchar *group, GError **error)
{
  g_auto (GStrv) names = NULL;

  if (g_str_has_prefix (group, REGION_GROUP))
    return read_region (config, file, path, text, group, error);
  if (!g_str_equal (group, GROUP)) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "%s: there is no group [%s]; there are [" GROUP "] and [" REGION_GROUP
        "NAME]",
        path, group);
    return FALSE;
  }
  names = g_key_file_get_keys (file, group, NULL, NULL);
  for (guint i = 0; names && names[i]; i++)
    if (!read_key (config, file, path, text, names[i], error))
      return FALSE;
  return TRUE;
}

static gboolean
read_file (SyrinxConfig *config, const gchar *path, GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree gchar *text = NULL;
  g_auto (GStrv) groups = NULL;

  if (!g_file_get_contents (path, &text, NULL, error)
      || !g_key_file_load_from_data (file, text, -1, G_KEY_FILE_NONE, error)) {
    g_prefix_error (error, "%s: ", path);
    return FALSE;
  }
  groups = g_key_file_get_groups (file, NULL);
  for (guint i = 0; groups[i]; i++)
    if (!read_group (config, file, path, text, groups[i], error))
      return FALSE;
  return TRUE;
}

static gboolean
read_environment (SyrinxConfig *config, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++) {
    g_autofree gchar *upper = g_ascii_strup (keys[i].key, -1);
    g_autofree gchar *name
        = g_strconcat ("SYRINX_", g_strdelimit (upper, "-", '_'), NULL);
    const gchar *value = g_getenv (name);
    if (value && !set_value (config, i, value, name, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
check_default_region (SyrinxConfig *config, GError **error)
{
  g_autoptr (SyrinxRegion) region = syrinx_region_new (config->region, error);

  return region != NULL;
}

/* @value (nullable) */
static gboolean
check_choice (const gchar *key, const gchar *value, const gchar *const *choices,
    GError **error)
{
  g_autofree gchar *list = NULL;

  if (value && g_strv_contains (choices, value))
    return TRUE;
  list = g_strjoinv (" or ", (gchar **)choices);
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
      "%s is %s, not \"%s\"", key, list, value ? value : "");
  return FALSE;
}

static gboolean
is_rendition (const gchar *name)
{
  gboolean is_opus = g_str_has_prefix (name, "opus-");
  const gchar *kbps = strchr (name, '-');
  guint64 number;

  return (is_opus || g_str_has_prefix (name, "aac-")) && kbps[1] != '0'
         && g_ascii_string_to_unsigned (kbps + 1, 10,
             is_opus ? MIN_OPUS_KBPS : MIN_AAC_KBPS, MAX_KBPS, &number, NULL);
}

static gboolean
check_renditions (SyrinxConfig *config, GError **error)
{
  for (guint i = 0; config->renditions[i]; i++)
    if (!is_rendition (config->renditions[i])) {
      g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
          "renditions are named opus-KBIT (%d to %d) or aac-KBIT (%d to %d), "
          "not \"%s\"",
          MIN_OPUS_KBPS, MAX_KBPS, MIN_AAC_KBPS, MAX_KBPS,
          config->renditions[i]);
      return FALSE;
    }
  return TRUE;
}

/* Addresses that are not set are skipped; rtsp may be "none". */
static gboolean
check_addresses (SyrinxConfig *config, GError **error)
{
  const struct
  {
    const gchar *key, *value;
  } addresses[] = { { "http", config->http }, { "https", config->https },
    { "admin", config->admin }, { "rtsps", config->rtsps },
    { "rtsp", g_strcmp0 (config->rtsp, "none") == 0 ? NULL : config->rtsp } };

  for (guint i = 0; i < G_N_ELEMENTS (addresses); i++) {
    g_autoptr (GSocketAddress) address = NULL;
    if (!addresses[i].value)
      continue;
    address = syrinx_address_parse (addresses[i].value, error);
    if (!address) {
      g_prefix_error (error, "%s: ", addresses[i].key);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
check (SyrinxConfig *config, GError **error)
{
  static const gchar *const buses[] = { "session", "system", "none", NULL };
  static const gchar *const profiles[] = { "any", "savp", NULL };
  static const gchar *const sandboxes[] = { "require", "try", NULL };

  if (!check_choice ("bus", config->bus, buses, error)
      || !check_choice ("rtsp-profile", config->rtsp_profile, profiles, error)
      || !check_choice (
          "worker-sandbox", config->worker_sandbox, sandboxes, error))
    return FALSE;
  if ((config->https || config->rtsps)
      && (!config->tls_certificate || !config->tls_key)) {
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "https and rtsps need tls-certificate and tls-key");
    return FALSE;
  }
  if (!check_renditions (config, error) || !check_addresses (config, error))
    return FALSE;
  if (config->renditions[0] && config->http && config->admin && config->rtsp
      && config->region)
    return check_default_region (config, error);
  g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
      "renditions, http, rtsp, admin and region can't be empty");
  return FALSE;
}

static void
set_defaults (SyrinxConfig *config)
{
  config->library = g_new0 (gchar *, 1);
  config->trusted_proxies = g_new0 (gchar *, 1);
  config->regions
      = g_ptr_array_new_with_free_func ((GDestroyNotify)syrinx_region_free);
  config->state_dir
      = getuid () == 0
            ? g_strdup ("/var/lib/syrinx")
            : g_build_filename (g_get_user_state_dir (), "syrinx", NULL);
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if (keys[i].fallback)
      set_value (config, i, keys[i].fallback, "default", NULL);
}

SyrinxConfig *
syrinx_config_load (const gchar *file, GHashTable *overrides, GError **error)
{
  g_autoptr (SyrinxConfig) config = g_new0 (SyrinxConfig, 1);
  GHashTableIter iter;
  gpointer key, value;

  set_defaults (config);
  config->file = g_strdup (file);
  config->overrides = g_hash_table_ref (overrides);
  if (!file && g_file_test (DEFAULT_FILE, G_FILE_TEST_EXISTS))
    file = DEFAULT_FILE;
  if ((file && !read_file (config, file, error))
      || !read_environment (config, error))
    return NULL;
  g_hash_table_iter_init (&iter, overrides);
  while (g_hash_table_iter_next (&iter, &key, &value)) {
    g_autofree gchar *where = g_strconcat ("--", key, NULL);
    if (!set_value (config, find_key (key), value, where, error))
      return NULL;
  }
  return check (config, error) ? g_steal_pointer (&config) : NULL;
}

/* --- Reloading --- */

SyrinxConfig *
syrinx_config_load_again (const SyrinxConfig *config, GError **error)
{
  return syrinx_config_load (config->file, config->overrides, error);
}

static gboolean
is_same (SyrinxConfig *a, SyrinxConfig *b, guint i)
{
  gpointer x = field (a, i), y = field (b, i);

  switch (keys[i].kind) {
  case PATHS:
  case WORDS:
    return g_strv_equal (*(const gchar *const **)x, *(const gchar *const **)y);
  case PATH:
  case TEXT:
    return g_strcmp0 (*(gchar **)x, *(gchar **)y) == 0;
  case BYTES:
    return *(guint64 *)x == *(guint64 *)y;
  case NUMBER:
  case FLAG:
    break;
  }
  return *(guint *)x == *(guint *)y;
}

static void
swap (gpointer a, gpointer b, gsize size_bytes)
{
  guint8 kept[sizeof (guint64)];

  memcpy (kept, a, size_bytes);
  memcpy (a, b, size_bytes);
  memcpy (b, kept, size_bytes);
}

void
syrinx_config_adopt (SyrinxConfig *config, SyrinxConfig *fresh)
{
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if (keys[i].is_live)
      swap (field (config, i), field (fresh, i),
          keys[i].kind == NUMBER || keys[i].kind == FLAG ? sizeof (guint)
          : keys[i].kind == BYTES                        ? sizeof (guint64)
                                                         : sizeof (gpointer));
    else if (!is_same (config, fresh, i))
      g_warning (
          "%s has changed; that takes effect at the next start", keys[i].key);
  swap (&config->regions, &fresh->regions, sizeof (gpointer));
}

void
syrinx_config_free (SyrinxConfig *config)
{
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++) {
    gpointer at = field (config, i);
    if (keys[i].kind == PATHS || keys[i].kind == WORDS)
      g_strfreev (*(gchar ***)at);
    else if (keys[i].kind == PATH || keys[i].kind == TEXT)
      g_free (*(gchar **)at);
  }
  g_clear_pointer (&config->regions, g_ptr_array_unref);
  g_clear_pointer (&config->overrides, g_hash_table_unref);
  g_free (config->file);
  g_free (config);
}

gchar *
syrinx_config_describe (void)
{
  GString *text = g_string_new (
      "# syrinx.conf: every key with its default. SYRINX_KEY in the "
      "environment\n# and --key=VALUE on the command line override "
      "it.\n\n[" GROUP "]\n");

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    g_string_append_printf (text, "\n# %s\n#%s=%s\n", keys[i].comment,
        keys[i].key, keys[i].fallback ? keys[i].fallback : "");
  g_string_append (text,
      "\n# Regions, as many as there are (up to 64): a larger weight is a "
      "larger\n"
      "# share. The default region may have such a group too.\n"
      "#[region eu]\n#weight=8\n#rtt-ms=20\n#countries=DE;FR\n"
      "#continents=EU\n");
  return g_string_free (text, FALSE);
}

const gchar *
syrinx_config_get_key (guint n, const gchar **comment, const gchar **fallback)
{
  if (n >= G_N_ELEMENTS (keys))
    return NULL;
  *comment = keys[n].comment;
  *fallback = keys[n].fallback;
  return keys[n].key;
}
