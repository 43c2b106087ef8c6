/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A session's container: a bin assembled from a *.launch shape, with a clock
 * and a bus that all sessions share, doing itself what GstPipeline would (base
 * time, running time over pause and seeks, EOS and errors). */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define SYRINX_TYPE_PIPE (syrinx_pipe_get_type ())
G_DECLARE_FINAL_TYPE (SyrinxPipe, syrinx_pipe, SYRINX, PIPE, GstBin)

/* The launch text of @shape ("stream", "hls", "produce") from @override_dir if
 * it has SHAPE.launch, else the built-in. Checked by parsing it once. (transfer
 * full) Errors: NOT_FOUND, INVALID. */
gchar *syrinx_shape_load (
    const gchar *shape, const gchar *override_dir, GError **error);

/* What a session says. @type is GST_MESSAGE_EOS, _ERROR or _ELEMENT; @structure
 * carries "gerror" (GError) and "debug" for an error, is NULL for EOS, and the
 * element's own otherwise. No element reference is held. Called in the thread
 * that posted, so it must not change state: hand over to your main loop. */
typedef void (*SyrinxPipeFunc) (const gchar *session_id, GstMessageType type,
    const GstStructure *structure, gpointer user_data);

/* @launch as syrinx_shape_load() gave it. (transfer full: not floating) Errors:
 * INVALID. */
SyrinxPipe *syrinx_pipe_new (const gchar *id, const gchar *launch,
    SyrinxPipeFunc func, gpointer user_data, GError **error);
/* (transfer full) (nullable): the element named @name: src, gate, queue, enc,
 * out. */
GstElement *syrinx_pipe_get_element (SyrinxPipe *pipe, const gchar *name);
/* Gives the encrypter, if there is one, its key and the key's id (nullable), in
 * a context that no log prints. Before it plays. */
void syrinx_pipe_set_key (SyrinxPipe *pipe, GBytes *key, const gchar *key_id);
gboolean syrinx_pipe_play (SyrinxPipe *pipe, GError **error);
void syrinx_pipe_pause (SyrinxPipe *pipe);
gboolean syrinx_pipe_seek (SyrinxPipe *pipe, GstClockTime position);
/* To NULL; safe from any thread but one that serves this session, where
 * syrinx_pipe_stop_later() does it. */
void syrinx_pipe_stop (SyrinxPipe *pipe);
/* One reaper thread stops it and drops this reference. (transfer full) */
void syrinx_pipe_stop_later (SyrinxPipe *pipe);

G_END_DECLS
