/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* 32-bit FLAC (RFC 9639), by libFLAC. */
#include "backup-private.h"

#include <FLAC/stream_decoder.h>

#include <string.h>
#include <unistd.h>

#define BITS 32

typedef struct
{
  SyrinxBackupInput *input;
  FLAC__StreamDecoder *decoder;
  AVFrame *frame; /* to be filled */
  gboolean is_filled;
} Flac;

/* "fLaC", the head of the first block (STREAMINFO), which contains 20 bits of
 * rate, 3 of channels, 5 of sample size. */
static gboolean
is_mine (const guint8 *head)
{
  const guint8 *info = head + 8;

  return memcmp (head, "fLaC", 4) == 0
         && (((info[12] & 1) << 4 | info[13] >> 4) + 1) == BITS;
}

static FLAC__StreamDecoderReadStatus
on_read (const FLAC__StreamDecoder *decoder, FLAC__byte data[], size_t *n,
    void *user_data)
{
  Flac *self = user_data;
  gssize got = syrinx_backup_input_read (self->input, data, *n);

  *n = got > 0 ? (size_t)got : 0;
  if (got < 0)
    return FLAC__STREAM_DECODER_READ_STATUS_ABORT;
  return got == 0 ? FLAC__STREAM_DECODER_READ_STATUS_END_OF_STREAM
                  : FLAC__STREAM_DECODER_READ_STATUS_CONTINUE;
}

static FLAC__StreamDecoderWriteStatus
on_write (const FLAC__StreamDecoder *decoder, const FLAC__Frame *block,
    const FLAC__int32 *const samples[], void *user_data)
{
  Flac *self = user_data;
  guint n = block->header.blocksize;

  if (!self->frame || block->header.bits_per_sample != BITS
      || !syrinx_backup_make_frame (self->frame, AV_SAMPLE_FMT_S32P,
          block->header.sample_rate, block->header.channels, n))
    return FLAC__STREAM_DECODER_WRITE_STATUS_ABORT;
  for (guint i = 0; i < block->header.channels; i++)
    memcpy (self->frame->extended_data[i], samples[i], n * sizeof (gint32));
  self->is_filled = TRUE;
  return FLAC__STREAM_DECODER_WRITE_STATUS_CONTINUE;
}

/* A damaged frame; the decoder searches for the next one. */
static void
on_error (const FLAC__StreamDecoder *decoder,
    FLAC__StreamDecoderErrorStatus status, void *user_data)
{
}

static void
flac_close (gpointer state)
{
  Flac *self = state;

  if (self->decoder)
    FLAC__stream_decoder_delete (self->decoder);
  g_free (self);
}

static gpointer
flac_open (SyrinxBackupInput *input)
{
  Flac *self = g_new0 (Flac, 1);

  self->input = input;
  self->decoder = FLAC__stream_decoder_new ();
  if (self->decoder
      && FLAC__stream_decoder_init_stream (self->decoder, on_read, NULL, NULL,
             NULL, NULL, on_write, NULL, on_error, self)
             == FLAC__STREAM_DECODER_INIT_STATUS_OK
      && FLAC__stream_decoder_process_until_end_of_metadata (self->decoder))
    return self;
  flac_close (self);
  return NULL;
}

static gboolean
flac_next (gpointer state, AVFrame *frame)
{
  Flac *self = state;

  self->frame = frame;
  self->is_filled = FALSE;
  while (!self->is_filled
         && FLAC__stream_decoder_get_state (self->decoder)
                != FLAC__STREAM_DECODER_END_OF_STREAM
         && FLAC__stream_decoder_process_single (self->decoder))
    ;
  self->frame = NULL;
  return self->is_filled;
}

const SyrinxBackupKind syrinx_backup_flac
    = { "flac", is_mine, flac_open, flac_next, flac_close };
