/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxd: options, signals, and the life of the daemon. */
#include "bus.h"
#include "config.h"
#include "engine.h"
#include "http.h"
#include "rtsp.h"
#include "tls-certificate.h"

#include <glib-unix.h>
#include <glib/gstdio.h>
#include <locale.h>
#include <stdio.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>

enum
{
  EXIT_GOOD = 0,
  EXIT_BROKEN = 1,
  EXIT_WRONG_USAGE = 2
};

typedef struct
{
  GMainLoop *loop;
  SyrinxEngine *engine;
  SyrinxHttp *http;
  SyrinxRtsp *rtsp; /* (nullable): turned off */
  SyrinxBus *bus;
} Daemon;

/* --- Options --- */

static gchar *config_file, *state_dir, *http, *https, *admin_address, *bus_name;
static gchar *rtsp, *tls_certificate, *tls_key, *log_level;
static gchar **libraries;
static gboolean check_config, print_config, print_version, help_gst;

static const GOptionEntry entries[] = {
  { "library", 'l', 0, G_OPTION_ARG_FILENAME_ARRAY, &libraries,
      "A folder of music; may be given more than once", "DIR" },
  { "state-dir", 's', 0, G_OPTION_ARG_FILENAME, &state_dir,
      "Where index, keys and renditions lie", "DIR" },
  { "config", 'c', 0, G_OPTION_ARG_FILENAME, &config_file,
      "Configuration (default: /etc/syrinx/syrinx.conf)", "FILE" },
  { "http", 0, 0, G_OPTION_ARG_STRING, &http,
      "Where listeners connect (default: 127.0.0.1:8080)", "ADDR:PORT" },
  { "https", 0, 0, G_OPTION_ARG_STRING, &https,
      "Where they connect by TLS (default: nowhere)", "ADDR:PORT" },
  { "tls-certificate", 0, 0, G_OPTION_ARG_FILENAME, &tls_certificate,
      "Certificate for it, in PEM", "FILE" },
  { "tls-key", 0, 0, G_OPTION_ARG_FILENAME, &tls_key, "Its key, in PEM",
      "FILE" },
  { "rtsp", 0, 0, G_OPTION_ARG_STRING, &rtsp,
      "Where RTSP clients connect (default: 127.0.0.1:8554), or none",
      "ADDR:PORT" },
  { "admin", 0, 0, G_OPTION_ARG_STRING, &admin_address,
      "Metrics and status (default: 127.0.0.1:9180)", "ADDR:PORT" },
  { "bus", 0, 0, G_OPTION_ARG_STRING, &bus_name,
      "D-Bus besides the private one: session, system or none", "BUS" },
  { "log-level", 0, 0, G_OPTION_ARG_STRING, &log_level,
      "error, warning, message (default), info or debug", "LEVEL" },
  { "check-config", 0, 0, G_OPTION_ARG_NONE, &check_config,
      "Read the configuration, say what is wrong, and exit", NULL },
  { "print-config", 0, 0, G_OPTION_ARG_NONE, &print_config,
      "Print every key with its default, and exit", NULL },
  { "help-gst", 0, 0, G_OPTION_ARG_NONE, &help_gst,
      "Print GStreamer's environment variables, and exit", NULL },
  { "version", 0, 0, G_OPTION_ARG_NONE, &print_version,
      "Print the version, and exit", NULL },
  { NULL },
};

static GHashTable *
collect_overrides (void)
{
  GHashTable *overrides
      = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
  const struct
  {
    const gchar *key, *value;
  } given[]
      = { { "state-dir", state_dir }, { "http", http }, { "https", https },
          { "tls-certificate", tls_certificate }, { "tls-key", tls_key },
          { "rtsp", rtsp }, { "admin", admin_address }, { "bus", bus_name } };

  for (guint i = 0; i < G_N_ELEMENTS (given); i++)
    if (given[i].value)
      g_hash_table_insert (
          overrides, (gpointer)given[i].key, g_strdup (given[i].value));
  if (libraries)
    g_hash_table_insert (
        overrides, (gpointer) "library", g_strjoinv (";", libraries));
  return overrides;
}

/* --- Log --- */

static GLogLevelFlags shown = G_LOG_LEVEL_MESSAGE;

static gboolean
set_log_level (const gchar *name)
{
  static const struct
  {
    const gchar *name;
    GLogLevelFlags level;
  } levels[] = { { "error", G_LOG_LEVEL_CRITICAL },
    { "warning", G_LOG_LEVEL_WARNING }, { "message", G_LOG_LEVEL_MESSAGE },
    { "info", G_LOG_LEVEL_INFO }, { "debug", G_LOG_LEVEL_DEBUG } };

  for (guint i = 0; i < G_N_ELEMENTS (levels); i++)
    if (g_str_equal (levels[i].name, name)) {
      shown = levels[i].level;
      return TRUE;
    }
  return FALSE;
}

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields,
    gpointer user_data)
{
  if ((level & G_LOG_LEVEL_MASK) > shown)
    return G_LOG_WRITER_HANDLED;
  if (g_log_writer_is_journald (fileno (stderr)))
    return g_log_writer_journald (level, fields, n_fields, NULL);
  for (gsize i = 0; i < n_fields; i++)
    if (g_str_equal (fields[i].key, "MESSAGE")) {
      g_autofree gchar *line = g_utf8_make_valid (fields[i].value, -1);
      g_strdelimit (line, "\n\r\033", ' ');
      fprintf (stderr, "syrinxd: %s%s\n",
          level & G_LOG_LEVEL_MESSAGE || level > G_LOG_LEVEL_MESSAGE ? ""
          : level & G_LOG_LEVEL_WARNING ? "warning: "
                                        : "error: ",
          line);
    }
  return G_LOG_WRITER_HANDLED;
}

/* --- Life --- */

static gboolean
quit (gpointer user_data)
{
  Daemon *self = user_data;

  g_message ("stopping");
  sd_notify (0, "STOPPING=1");
  g_main_loop_quit (self->loop);
  return G_SOURCE_CONTINUE;
}

static gboolean
reload (gpointer user_data)
{
  Daemon *self = user_data;
  g_autoptr (GError) error = NULL;

  if (!syrinx_engine_reload (self->engine, &error))
    g_warning ("reload failed, everything stays as it was: %s", error->message);
  return G_SOURCE_CONTINUE;
}

static gboolean
feed_watchdog (gpointer user_data)
{
  sd_notify (0, "WATCHDOG=1");
  return G_SOURCE_CONTINUE;
}

/* Scripts read there which port 0 became. */
static void
write_address (Daemon *self)
{
  const gchar *dir = syrinx_engine_get_config (self->engine)->state_dir;
  g_autofree gchar *path = g_build_filename (dir, "http-address", NULL);
  g_autofree gchar *tls_path = g_build_filename (dir, "https-address", NULL);
  g_autofree gchar *admin_path = g_build_filename (dir, "admin-address", NULL);
  const gchar *tls = syrinx_http_get_tls_address (self->http);
  g_autoptr (GError) error = NULL;

  if (!tls)
    g_unlink (tls_path);
  if ((tls && !g_file_set_contents (tls_path, tls, -1, &error))
      || !g_file_set_contents (
          admin_path, syrinx_http_get_admin_address (self->http), -1, &error)
      || !g_file_set_contents (
          path, syrinx_http_get_address (self->http), -1, &error))
    g_warning ("can't write the addresses: %s", error->message);
}

static void
raise_descriptor_limit (void)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit (RLIMIT_NOFILE, &limit);
  }
}

static gboolean
start_rtsp (Daemon *self, GError **error)
{
  const SyrinxConfig *config = syrinx_engine_get_config (self->engine);
  g_autofree gchar *path
      = g_build_filename (config->state_dir, "rtsp-address", NULL);
  g_autofree gchar *address = NULL;
  g_autoptr (GError) cause = NULL;

  g_unlink (path);
  if (g_str_equal (config->rtsp, "none"))
    return TRUE;
  self->rtsp = syrinx_rtsp_new (self->engine, error);
  if (!self->rtsp)
    return FALSE;
  address = syrinx_rtsp_get_address (self->rtsp);
  if (!g_file_set_contents (path, address, -1, &cause))
    g_warning ("can't write the address: %s", cause->message);
  g_message ("listening on %s", address);
  return TRUE;
}

static gboolean
start (Daemon *self, SyrinxConfig *config, GError **error)
{
  guint64 watchdog_us = 0;

  self->engine = syrinx_engine_new (config, error);
  self->http = self->engine ? syrinx_http_new (self->engine, error) : NULL;
  if (!self->http)
    return FALSE;
  self->bus = syrinx_bus_new (
      self->engine, config->bus, syrinx_http_get_address (self->http), error);
  if (!self->bus || !start_rtsp (self, error))
    return FALSE;
  write_address (self);
  g_message ("listening on %s", syrinx_http_get_address (self->http));
  if (syrinx_http_get_tls_address (self->http))
    g_message ("listening on %s", syrinx_http_get_tls_address (self->http));
  syrinx_ingest_scan (syrinx_engine_get_ingest (self->engine));
  g_unix_signal_add (SIGTERM, quit, self);
  g_unix_signal_add (SIGINT, quit, self);
  g_unix_signal_add (SIGHUP, reload, self);
  sd_notify (0, "READY=1");
  if (sd_watchdog_enabled (0, &watchdog_us) > 0)
    g_timeout_add (watchdog_us / 2000, feed_watchdog, NULL);
  return TRUE;
}

static void
stop (Daemon *self)
{
  g_clear_pointer (&self->bus, syrinx_bus_free);
  g_clear_pointer (&self->rtsp, syrinx_rtsp_free);
  g_clear_pointer (&self->http, syrinx_http_free);
  if (self->engine)
    syrinx_engine_stop (self->engine);
  g_clear_object (&self->engine);
  g_clear_pointer (&self->loop, g_main_loop_unref);
}

static int
run (SyrinxConfig *config)
{
  Daemon self = { .loop = g_main_loop_new (NULL, FALSE) };
  g_autoptr (GError) error = NULL;
  gboolean started = start (&self, config, &error);

  if (started)
    g_main_loop_run (self.loop);
  else
    g_printerr ("syrinxd: %s\n", error->message);
  stop (&self);
  return started ? EXIT_GOOD : EXIT_BROKEN;
}

static int
print_gst_help (void)
{
  g_print ("GST_PLUGIN_PATH   where plugins are looked for\n"
           "GST_REGISTRY      file that remembers them\n"
           "GST_DEBUG         what is logged: syrinx*:5\n"
           "GST_TRACERS       leaks, latency, …\n");
  return EXIT_GOOD;
}

int
main (int argc, char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GHashTable) overrides = NULL;
  g_autoptr (GError) error = NULL;
  SyrinxConfig *config;

  setlocale (LC_ALL, "");
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_summary (
      context, "Streams a folder of music to those who hold a token.");
  g_option_context_set_description (context,
      "SIGHUP reads configuration and keys again, SIGTERM stops.\nExit status: "
      "0 stopped as "
      "asked, 1 could not start, 2 wrong options or configuration.");
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc > 1
      || (log_level && !set_log_level (log_level))) {
    g_printerr ("syrinxd: %s (see: syrinxd --help)\n",
        error      ? error->message
        : argc > 1 ? "it takes options only"
                   : "--log-level is error, warning, message, info or debug");
    return EXIT_WRONG_USAGE;
  }
  if (print_version)
    return g_print ("syrinxd %s\n", SYRINX_VERSION), EXIT_GOOD;
  if (help_gst)
    return print_gst_help ();
  if (print_config) {
    g_autofree gchar *text = syrinx_config_describe ();
    return g_print ("%s", text), EXIT_GOOD;
  }
  g_log_set_writer_func (write_log, NULL, NULL);
  overrides = collect_overrides ();
  config = syrinx_config_load (config_file, overrides, &error);
  if (!config) {
    g_printerr ("syrinxd: %s\n", error->message);
    return EXIT_WRONG_USAGE;
  }
  if (check_config) {
    syrinx_config_free (config);
    return g_print ("the configuration is good\n"), EXIT_GOOD;
  }
  raise_descriptor_limit ();
  syrinx_tls_init ();
  return run (config);
}
