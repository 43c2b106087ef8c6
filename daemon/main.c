/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxd: signals, and the life of the daemon. */
#include "daemon/bus/bus.h"
#include "daemon/config/config.h"
#include "daemon/ingest/worker-spawn.h"
#include "engine.h"
#include "daemon/http/http.h"
#include "log.h"
#include "watchdog.h"
#include "daemon/config/options.h"
#include "daemon/rtsp/rtsp.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <locale.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define DRAIN_LOOK_MS 100

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
  SyrinxWatchdog *watchdog; /* (nullable): systemd has not asked for it */
  gint64 drained_by_us; /* when to stop at the latest; 0: not asked to stop */
} Daemon;

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

static guint
count_playing (Daemon *self)
{
  return syrinx_streams_count (syrinx_engine_get_streams (self->engine))
         + (self->rtsp ? syrinx_rtsp_count (self->rtsp) : 0);
}

static gboolean
is_drained (gpointer user_data)
{
  Daemon *self = user_data;

  if (count_playing (self) && g_get_monotonic_time () < self->drained_by_us)
    return G_SOURCE_CONTINUE;
  quit (self);
  return G_SOURCE_REMOVE;
}

/* A second SIGTERM stops at once. */
static gboolean
drain (gpointer user_data)
{
  Daemon *self = user_data;
  guint seconds = syrinx_engine_get_config (self->engine)->drain_s;

  if (self->drained_by_us || !seconds || !count_playing (self))
    return quit (self);
  g_message ("stopping when %u streams have ended, in %u s at the latest",
      count_playing (self), seconds);
  self->drained_by_us = g_get_monotonic_time () + seconds * G_TIME_SPAN_SECOND;
  syrinx_engine_drain (self->engine);
  g_timeout_add (DRAIN_LOOK_MS, is_drained, self);
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

/* Writes the addresses to files, so that scripts learn which port 0 became. */
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

/* Writes @address to the file @name and logs it. @address: (transfer full)
 * (nullable): RTSP does not listen there, and the file is removed. */
static void
tell_address (const gchar *state_dir, const gchar *name, gchar *address)
{
  g_autofree gchar *path = g_build_filename (state_dir, name, NULL);
  g_autofree gchar *text = address;
  g_autoptr (GError) error = NULL;

  if (!text) {
    g_unlink (path);
    return;
  }
  if (!g_file_set_contents (path, text, -1, &error))
    g_warning ("can't write the address: %s", error->message);
  g_message ("listening on %s", text);
}

static gboolean
start_rtsp (Daemon *self, GError **error)
{
  const SyrinxConfig *config = syrinx_engine_get_config (self->engine);
  gboolean is_on = !g_str_equal (config->rtsp, "none");

  if (is_on && !(self->rtsp = syrinx_rtsp_new (self->engine, error)))
    return FALSE;
  tell_address (config->state_dir, "rtsp-address",
      is_on ? syrinx_rtsp_get_address (self->rtsp) : NULL);
  tell_address (config->state_dir, "rtsps-address",
      is_on ? syrinx_rtsp_get_tls_address (self->rtsp) : NULL);
  return TRUE;
}

/* Takes group and world permissions from the files that an older version left
 * readable in the state directory. */
static void
close_to_others (const gchar *state_dir)
{
  g_autoptr (GDir) dir = g_dir_open (state_dir, 0, NULL);
  const gchar *name;

  while (dir && (name = g_dir_read_name (dir))) {
    g_autofree gchar *path = g_build_filename (state_dir, name, NULL);
    gint fd = g_open (path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;

    if (fd < 0)
      continue; /* a socket, or a link out of the directory */
    if (fstat (fd, &st) == 0 && (st.st_mode & 077)
        && fchmod (fd, st.st_mode & 0700) != 0)
      g_warning ("others can read %s: %s", path, g_strerror (errno));
    close (fd);
  }
}

static gboolean
start (Daemon *self, SyrinxConfig *config, GError **error)
{
  close_to_others (config->state_dir);
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
  g_unix_signal_add (SIGTERM, drain, self);
  g_unix_signal_add (SIGINT, quit, self);
  g_unix_signal_add (SIGHUP, reload, self);
  sd_notify (0, "READY=1");
  self->watchdog
      = syrinx_watchdog_new (syrinx_engine_get_content (self->engine),
          syrinx_engine_get_scheduler (self->engine));
  return TRUE;
}

static void
stop (Daemon *self)
{
  g_clear_pointer (&self->watchdog, syrinx_watchdog_free);
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

/* Handles options that need no configuration. -1: none was given. */
static int
print_what_is_asked (const SyrinxOptions *options)
{
  if (options->print_version)
    return g_print ("syrinxd %s\n", SYRINX_VERSION), EXIT_GOOD;
  if (options->help_gst)
    return print_gst_help ();
  if (options->print_config) {
    g_autofree gchar *text = syrinx_config_describe ();
    return g_print ("%s", text), EXIT_GOOD;
  }
  return -1;
}

int
main (int argc, char **argv)
{
  g_auto (SyrinxOptions) options = { 0 };
  g_autoptr (GError) error = NULL;
  SyrinxConfig *config;
  int status;

  umask (077); /* keys, index and addresses are private to this user */
  setlocale (LC_ALL, "");
  if (!syrinx_options_parse (&options, argc, argv))
    return EXIT_WRONG_USAGE;
  status = print_what_is_asked (&options);
  if (status >= 0)
    return status;
  if (!syrinx_log_init (options.log_level, options.log_format)) {
    g_printerr ("syrinxd: --log-level is error, warning, message, info or "
                "debug, --log-format text or json\n");
    return EXIT_WRONG_USAGE;
  }
  config = syrinx_config_load (options.config_file, options.overrides, &error);
  if (!config) {
    g_printerr ("syrinxd: %s\n", error->message);
    return EXIT_WRONG_USAGE;
  }
  if (!syrinx_workers_set_up (
          config->worker_user, config->worker_sandbox, &error)) {
    g_printerr ("syrinxd: %s\n", error->message);
    syrinx_config_free (config);
    return EXIT_WRONG_USAGE;
  }
  if (options.check_config) {
    syrinx_config_free (config);
    return g_print ("the configuration is good\n"), EXIT_GOOD;
  }
  raise_descriptor_limit ();
  return run (config);
}
