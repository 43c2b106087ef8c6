/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The key of syrinxchunkenc and syrinxchunkdec: from the property `key`, or
 * from a GstContext SYRINX_KEY_CONTEXT. It is guarded by the element's object
 * lock: functions that end in _locked are called with it, the others without.
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* A context of this type carries a field "key" of type GBytes or SyrinxSecret.
 */
#define SYRINX_KEY_CONTEXT "syrinx.key"

typedef struct
{
  GBytes *bytes; /* (nullable): in secret memory */
  gchar *id;     /* (nullable) */
} SyrinxChunkKey;

/* The property "key": base64url, write-only. (transfer floating) */
GParamSpec *syrinx_chunk_key_new_param_spec (void);
/* Sets the property's value. @text (nullable): if it is not a key, a warning is
 * logged and there is no key. */
void syrinx_chunk_key_set_locked (
    SyrinxChunkKey *key, GstElement *element, const gchar *text);
void syrinx_chunk_key_set_id_locked (SyrinxChunkKey *key, const gchar *id);
/* For GstElementClass.set_context. Does nothing if @context has no key. */
void syrinx_chunk_key_take_context (
    SyrinxChunkKey *key, GstElement *element, GstContext *context);
/* If there is no key, asks the application for a context with one; it may
 * answer during the call with gst_element_set_context(). */
void syrinx_chunk_key_ask (SyrinxChunkKey *key, GstElement *element);
/* (transfer full) (nullable) */
GBytes *syrinx_chunk_key_dup (SyrinxChunkKey *key, GstElement *element);
gchar *syrinx_chunk_key_dup_id (SyrinxChunkKey *key, GstElement *element);
/* FALSE with GST_STREAM_ERROR_DECRYPT_NOKEY if @bytes is NULL. @purpose: for
 * example "to encrypt with". */
gboolean
syrinx_chunk_key_check (GBytes *bytes, const gchar *purpose, GError **error);
/* For use in finalize(). */
void syrinx_chunk_key_clear (SyrinxChunkKey *key);

G_END_DECLS
