/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The protocol between the daemon and its workers: messages on a stream socket,
 * each with a head and a payload; a job also carries the file's descriptor.
 * Each side treats the other's bytes as untrusted. Any thread, one at a time
 * per socket. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  SYRINX_MESSAGE_READY = 1, /* worker: the sandbox is closed; nothing, or the
                             * SyrinxWalls that are up (32 bit, native) */
  SYRINX_MESSAGE_SCAN,      /* daemon: no payload, descriptor */
  SYRINX_MESSAGE_PRODUCE,   /* daemon: a{sv}, descriptor */
  SYRINX_MESSAGE_LOUDNESS,  /* daemon: a{sv}, descriptor */
  SYRINX_MESSAGE_FRAGMENT,  /* worker: number (32 bit, native), CMAF fragment */
  SYRINX_MESSAGE_RESULT,    /* worker: a{sv}; the job is done */
  SYRINX_MESSAGE_FAILED,    /* worker: reason, UTF-8; the job is done, or in
                             * place of READY: it can't start */
  SYRINX_MESSAGE_REFUSED,   /* worker: likewise; it is the file's fault */
} SyrinxMessageType;

#define SYRINX_WORKER_FD         3 /* the worker's end of the socket */
#define SYRINX_MAX_MESSAGE_BYTES (10 * 1024 * 1024)
#define SYRINX_MAX_ARTWORK_BYTES (8 * 1024 * 1024)
#define SYRINX_MAX_TAG_BYTES     512
#define SYRINX_MAX_PRE_SKIP      9600 /* units */

typedef struct
{
  SyrinxMessageType type;
  GBytes *payload;
  gint fd; /* -1: none was sent */
} SyrinxMessage;

void syrinx_message_clear (SyrinxMessage *message);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SyrinxMessage, syrinx_message_clear)

/* @fd -1: none. @fd stays the caller's. Errors: FAILED (the peer is gone). */
gboolean syrinx_message_send (gint socket, SyrinxMessageType type,
    gconstpointer payload, gsize size_bytes, gint fd, GError **error);
/* @variant: floating references are taken. */
gboolean syrinx_message_send_variant (gint socket, SyrinxMessageType type,
    GVariant *variant, gint fd, GError **error);
/* The daemon's side: descriptors that a worker sends are not accepted.
 * @deadline_us: monotonic time, 0 = none; it applies to the whole message. At
 * most SYRINX_MAX_MESSAGE_BYTES are kept. Errors: FAILED (the peer is gone),
 * TIMED_OUT, INVALID (not our protocol). */
gboolean syrinx_message_receive (
    gint socket, gint64 deadline_us, SyrinxMessage *message, GError **error);
/* The worker's side: the first descriptor is kept, any others are closed. Waits
 * without a time limit. Errors: FAILED, INVALID. */
gboolean syrinx_message_receive_job (
    gint socket, SyrinxMessage *message, GError **error);
/* The payload as a{sv} in normal form. (transfer full) (nullable) */
GVariant *syrinx_message_get_dict (const SyrinxMessage *message);

G_END_DECLS
