/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* D-Bus: the interface Keys. */
#include "bus-keys.h"

#include "core/content/key-status.h"
#include "syrinx-dbus.h"

/* A call in progress: received on the main thread, run in a thread, answered on
 * the main thread. */
typedef struct
{
  SyrinxEngine *engine;
  SyrinxDBusKeys *keys;
  GDBusMethodInvocation *invocation;
  gchar *track_id, *rendition; /* (nullable) */
  guint64 n_rotated;
} Call;

static void
call_free (gpointer data)
{
  Call *call = data;

  g_object_unref (call->engine);
  g_object_unref (call->keys);
  g_object_unref (call->invocation);
  g_free (call->track_id);
  g_free (call->rendition);
  g_free (call);
}

/* @work: runs in the thread, with the Call as task data. @invocation: (transfer
 * full), as a handler of GDBus gets it. */
static void
begin (SyrinxEngine *engine, SyrinxDBusKeys *keys,
    GDBusMethodInvocation *invocation, const gchar *track_id,
    const gchar *rendition, GTaskThreadFunc work, GAsyncReadyCallback done)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, done, NULL);
  Call *call = g_new0 (Call, 1);

  call->engine = g_object_ref (engine);
  call->keys = g_object_ref (keys);
  call->invocation = invocation;
  call->track_id = track_id && *track_id ? g_strdup (track_id) : NULL;
  call->rendition = rendition && *rendition ? g_strdup (rendition) : NULL;
  g_task_set_task_data (task, call, call_free);
  g_task_run_in_thread (task, work);
}

static void
return_status (GTask *task, SyrinxContent *content)
{
  GError *error = NULL;
  GVariant *status = syrinx_key_status (content, &error);

  if (status)
    g_task_return_pointer (
        task, g_variant_ref_sink (status), (GDestroyNotify)g_variant_unref);
  else
    g_task_return_error (task, error);
}

/* --- GetStatus --- */

static void
work_status (
    GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  return_status (task, syrinx_engine_get_content (((Call *)data)->engine));
}

static void
status_done (GObject *source, GAsyncResult *result, gpointer data)
{
  Call *call = g_task_get_task_data (G_TASK (result));
  GError *error = NULL;
  g_autoptr (GVariant) status
      = g_task_propagate_pointer (G_TASK (result), &error);

  if (error)
    g_dbus_method_invocation_take_error (
        g_object_ref (call->invocation), error);
  else
    syrinx_dbus_keys_complete_get_status (
        call->keys, g_object_ref (call->invocation), status);
}

static gboolean
handle_get_status (SyrinxDBusKeys *keys, GDBusMethodInvocation *invocation,
    SyrinxEngine *engine)
{
  begin (engine, keys, invocation, NULL, NULL, work_status, status_done);
  return TRUE;
}

/* --- RotateMaster --- */

static void
work_rotate_master (
    GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Call *call = data;
  SyrinxContent *content = syrinx_engine_get_content (call->engine);
  SyrinxKeyCount count;
  GError *error = NULL;

  if (!syrinx_content_rotate_master_key (content, &count, &error)) {
    g_task_return_error (task, error);
    return;
  }
  call->n_rotated = count.n_keys - count.n_lost;
  return_status (task, content);
}

static void
note_rotation (const Call *call, const gchar *key)
{
  syrinx_journal_note (syrinx_engine_get_journal (call->engine),
      &(SyrinxEvent){ .kind = SYRINX_EVENT_KEY_ROTATED,
          .key = key,
          .track = call->track_id,
          .rendition = call->rendition,
          .n_keys = call->n_rotated,
          .through = "bus" });
}

static void
rotate_master_done (GObject *source, GAsyncResult *result, gpointer data)
{
  Call *call = g_task_get_task_data (G_TASK (result));
  GError *error = NULL;
  g_autoptr (GVariant) status
      = g_task_propagate_pointer (G_TASK (result), &error);

  if (error) {
    g_dbus_method_invocation_take_error (
        g_object_ref (call->invocation), error);
    return;
  }
  note_rotation (call, "master");
  syrinx_dbus_keys_complete_rotate_master (
      call->keys, g_object_ref (call->invocation), status);
}

static gboolean
handle_rotate_master (SyrinxDBusKeys *keys, GDBusMethodInvocation *invocation,
    SyrinxEngine *engine)
{
  begin (engine, keys, invocation, NULL, NULL, work_rotate_master,
      rotate_master_done);
  return TRUE;
}

/* --- Rotate --- */

static void
work_rotate (
    GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Call *call = data;
  GError *error = NULL;

  if (syrinx_content_rotate_keys (syrinx_engine_get_content (call->engine),
          call->track_id, call->rendition, &call->n_rotated, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
rotate_done (GObject *source, GAsyncResult *result, gpointer data)
{
  Call *call = g_task_get_task_data (G_TASK (result));
  GError *error = NULL;

  /* Some keys may have been rotated before the failure. */
  if (call->n_rotated > 0)
    note_rotation (call, "content");
  if (!g_task_propagate_boolean (G_TASK (result), &error))
    g_dbus_method_invocation_take_error (
        g_object_ref (call->invocation), error);
  else
    syrinx_dbus_keys_complete_rotate (
        call->keys, g_object_ref (call->invocation), call->n_rotated);
}

static gboolean
handle_rotate (SyrinxDBusKeys *keys, GDBusMethodInvocation *invocation,
    const gchar *track_id, const gchar *rendition, SyrinxEngine *engine)
{
  begin (
      engine, keys, invocation, track_id, rendition, work_rotate, rotate_done);
  return TRUE;
}

GDBusInterfaceSkeleton *
syrinx_bus_keys_new (SyrinxEngine *engine)
{
  SyrinxDBusKeys *keys = syrinx_dbus_keys_skeleton_new ();

  g_signal_connect_object (keys, "handle-get-status",
      G_CALLBACK (handle_get_status), engine, G_CONNECT_DEFAULT);
  g_signal_connect_object (keys, "handle-rotate-master",
      G_CALLBACK (handle_rotate_master), engine, G_CONNECT_DEFAULT);
  g_signal_connect_object (keys, "handle-rotate", G_CALLBACK (handle_rotate),
      engine, G_CONNECT_DEFAULT);
  return G_DBUS_INTERFACE_SKELETON (keys);
}
