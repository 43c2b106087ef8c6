/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Declarations shared by the files of syrinxchunkenc. */
#pragma once

#include "gstsyrinxchunkenc.h"

#include "chunk-common.h"
#include "chunk-key.h"

#include "core/crypto/ece.h"

G_BEGIN_DECLS

GST_DEBUG_CATEGORY_EXTERN (syrinx_chunk_enc_debug);
#define GST_CAT_DEFAULT syrinx_chunk_enc_debug

typedef enum
{
  SYRINX_CHUNK_ENC_FLUSH_NONE,
  SYRINX_CHUNK_ENC_FLUSH_BUFFER,
} SyrinxChunkEncFlush;

typedef struct
{
  SyrinxChunkFormat format;
  SyrinxChunkKey key;
  GBytes *salt; /* (nullable): random */
  guint record_size;
  SyrinxChunkEncFlush flush;
  GstClockTime max_latency;
} SyrinxChunkEncSettings;

struct _GstSyrinxChunkEnc
{
  GstElement element;

  /* constant after init */
  GstPad *sinkpad, *srcpad;
  GstClock *clock; /* the system clock, which runs timer */

  /* protected by the object lock */
  SyrinxChunkEncSettings settings;

  /* streaming thread only (holds the sink pad's stream lock) */
  gint is_chunk; /* atomic: queries ask from any thread */
  gboolean has_caps;
  guint64 next_number;
  GstClockTime held_pts;

  /* protected by lock; the object lock may be taken under it */
  GMutex lock;
  SyrinxEceEncoder *encoder; /* NULL until the first data of a message */
  gboolean is_salt_used;     /* a set salt is used for one message only */
  gboolean is_cut;           /* denied: no data may leave any more */
  GstClockTime held_since;
  GstClockID timer; /* armed if not NULL */
};

/* --- Messages by RFC 8188 (chunkenc-ece.c) --- */

/* Hot. Encrypts all of @buffers as the next piece of the message, and pushes
 * the completed records. Under the sink pad's stream lock. */
GstFlowReturn syrinx_chunk_enc_push_ece (GstSyrinxChunkEnc *self,
    GstBuffer **buffers, guint n_buffers, SyrinxEceEnd end);
/* Drops held data; the next data begins a new message, unless @is_cut. */
void syrinx_chunk_enc_reset_message (GstSyrinxChunkEnc *self, gboolean is_cut);

/* --- Chunks for HLS (chunkenc-hls.c) --- */

/* Under the sink pad's stream lock. @buffer: (transfer none). */
GstFlowReturn
syrinx_chunk_enc_push_chunk (GstSyrinxChunkEnc *self, GstBuffer *buffer);
GstFlowReturn syrinx_chunk_enc_push_chunks (
    GstSyrinxChunkEnc *self, GstBuffer **buffers, guint n_buffers);

/* --- Properties (chunkenc-properties.c) --- */

void syrinx_chunk_enc_install_properties (GObjectClass *class);
void syrinx_chunk_enc_init_settings (SyrinxChunkEncSettings *settings);
void syrinx_chunk_enc_clear_settings (SyrinxChunkEncSettings *settings);

G_END_DECLS
