/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The watch on folders, by GFileMonitor. */
#include "folder-watch.h"

#define MAX_DIRECTORIES 4096 /* a user often has 8192 inotify watches */
#define SETTLE_MS       1500 /* a copy in progress makes many events */

struct _SyrinxWatch
{
  GHashTable *monitors; /* path → GFileMonitor */
  GFunc changed;
  gpointer user_data;
  guint timer;
};

static gboolean
on_settled (gpointer user_data)
{
  SyrinxWatch *self = user_data;

  self->timer = 0;
  self->changed (self, self->user_data);
  return G_SOURCE_REMOVE;
}

static void
on_event (GFileMonitor *monitor, GFile *file, GFile *other,
    GFileMonitorEvent event, SyrinxWatch *self)
{
  if (event == G_FILE_MONITOR_EVENT_ATTRIBUTE_CHANGED
      || event == G_FILE_MONITOR_EVENT_PRE_UNMOUNT)
    return;
  if (!self->timer)
    self->timer = g_timeout_add (SETTLE_MS, on_settled, self);
}

static void
free_monitor (GFileMonitor *monitor)
{
  g_signal_handlers_disconnect_matched (
      monitor, G_SIGNAL_MATCH_FUNC, 0, 0, NULL, on_event, NULL);
  g_file_monitor_cancel (monitor);
  g_object_unref (monitor);
}

SyrinxWatch *
syrinx_watch_new (GFunc changed, gpointer user_data)
{
  SyrinxWatch *self = g_new0 (SyrinxWatch, 1);

  self->monitors = g_hash_table_new_full (
      g_str_hash, g_str_equal, g_free, (GDestroyNotify)free_monitor);
  self->changed = changed;
  self->user_data = user_data;
  return self;
}

void
syrinx_watch_free (SyrinxWatch *self)
{
  g_hash_table_unref (self->monitors);
  g_clear_handle_id (&self->timer, g_source_remove);
  g_free (self);
}

static void
add (SyrinxWatch *self, GHashTable *monitors, const gchar *path)
{
  g_autofree gchar *key = NULL;
  g_autoptr (GFile) file = NULL;
  GFileMonitor *monitor = NULL;

  if (g_hash_table_steal_extended (
          self->monitors, path, (gpointer *)&key, (gpointer *)&monitor)) {
    g_hash_table_insert (monitors, g_steal_pointer (&key), monitor);
    return;
  }
  file = g_file_new_for_path (path);
  monitor
      = g_file_monitor_directory (file, G_FILE_MONITOR_WATCH_MOVES, NULL, NULL);
  if (!monitor)
    return;
  g_signal_connect (monitor, "changed", G_CALLBACK (on_event), self);
  g_hash_table_insert (monitors, g_strdup (path), monitor);
}

void
syrinx_watch_set_directories (SyrinxWatch *self, GPtrArray *directories)
{
  GHashTable *monitors = g_hash_table_new_full (
      g_str_hash, g_str_equal, g_free, (GDestroyNotify)free_monitor);

  if (directories->len > MAX_DIRECTORIES)
    g_message ("only %u of %u folders are watched; changes in the others are "
               "seen by the next scan",
        MAX_DIRECTORIES, directories->len);
  for (guint i = 0; i < directories->len && i < MAX_DIRECTORIES; i++)
    add (self, monitors, directories->pdata[i]);
  g_hash_table_unref (self->monitors);
  self->monitors = monitors;
}
