/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A session's container: a bin that is assembled from a *.launch shape, with a
 * clock and a bus that all sessions share. It does what GstPipeline would do:
 * base time, running time over pauses and seeks, EOS and errors. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define SYRINX_TYPE_PIPE (syrinx_pipe_get_type ())
G_DECLARE_FINAL_TYPE (SyrinxPipe, syrinx_pipe, SYRINX, PIPE, GstBin)

/* The launch text of @shape ("stream", "hls", "produce"): SHAPE.launch in
 * @override_dir if there is one, else the built-in text. It is parsed once as a
 * check. (transfer full) Errors: NOT_FOUND, INVALID. */
gchar *syrinx_shape_load (
    const gchar *shape, const gchar *override_dir, GError **error);

/* Called with the pipe's messages. @type is GST_MESSAGE_EOS, _ERROR or
 * _ELEMENT. @structure has "gerror" (GError) and "debug" for an error, is NULL
 * for EOS, and is the element's own otherwise. No element reference is held.
 * Called in the thread that posted the message, so it must not change state:
 * defer that to your main loop. */
typedef void (*SyrinxPipeFunc) (const gchar *session_id, GstMessageType type,
    const GstStructure *structure, gpointer user_data);

/* @launch: as from syrinx_shape_load(). (transfer full: not floating) Errors:
 * INVALID. */
SyrinxPipe *syrinx_pipe_new (const gchar *id, const gchar *launch,
    SyrinxPipeFunc func, gpointer user_data, GError **error);
/* The element called @name: src, gate, queue, enc, out. (transfer full)
 * (nullable) */
GstElement *syrinx_pipe_get_element (SyrinxPipe *pipe, const gchar *name);
/* Gives the key and its id (nullable) to the encrypter, if there is one, in a
 * context that is never logged. To be called before it plays. */
void syrinx_pipe_set_key (SyrinxPipe *pipe, GBytes *key, const gchar *key_id);
gboolean syrinx_pipe_play (SyrinxPipe *pipe, GError **error);
void syrinx_pipe_pause (SyrinxPipe *pipe);
gboolean syrinx_pipe_seek (SyrinxPipe *pipe, GstClockTime position);
/* Sets the state to NULL. Safe from any thread except one that serves this
 * session, which must call syrinx_pipe_stop_later() instead. */
void syrinx_pipe_stop (SyrinxPipe *pipe);
/* Has a reaper thread stop it and drop this reference. (transfer full) */
void syrinx_pipe_stop_later (SyrinxPipe *pipe);

G_END_DECLS
