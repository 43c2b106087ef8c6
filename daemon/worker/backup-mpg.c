/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Free-format MPEG audio, whose frames do not state their length (ISO/IEC
 * 11172-3, 2.4.2.3, bitrate_index 0000), by libmpg123. */
#include "backup-private.h"

#include <mpg123.h>
#include <string.h>

#define BLOCK_FRAMES 4096

typedef struct
{
  mpg123_handle *handle;
  long rate_hz;
  gint channels;
} Mpg;

/* The head of a layer III frame with bitrate_index 0. */
static gboolean
is_mine (const guint8 *head)
{
  return head[0] == 0xff && (head[1] & 0xe6) == 0xe2 && (head[1] & 0x18) != 0x08
         && head[2] >> 4 == 0 && (head[2] & 0x0c) != 0x0c;
}

static ssize_t
on_read (void *input, void *data, size_t n)
{
  return syrinx_backup_input_read (input, data, n);
}

static off_t
on_seek (void *input, off_t offset, int whence)
{
  return syrinx_backup_input_seek (input, offset, whence);
}

static void
mpg_close (gpointer state)
{
  Mpg *self = state;

  mpg123_delete (self->handle);
  g_free (self);
}

static gpointer
mpg_open (SyrinxBackupInput *input)
{
  Mpg *self = g_new0 (Mpg, 1);
  gint encoding;

  mpg123_init ();
  self->handle = mpg123_new (NULL, NULL);
  if (self->handle
      && mpg123_param (self->handle, MPG123_ADD_FLAGS,
             MPG123_QUIET | MPG123_GAPLESS | MPG123_FORCE_FLOAT, 0)
             == MPG123_OK
      && mpg123_replace_reader_handle (self->handle, on_read, on_seek, NULL)
             == MPG123_OK
      && mpg123_open_handle (self->handle, input) == MPG123_OK
      && mpg123_getformat (
             self->handle, &self->rate_hz, &self->channels, &encoding)
             == MPG123_OK
      && encoding == MPG123_ENC_FLOAT_32
      /* the output format is fixed from here on */
      && mpg123_format_none (self->handle) == MPG123_OK
      && mpg123_format (
             self->handle, self->rate_hz, self->channels, MPG123_ENC_FLOAT_32)
             == MPG123_OK)
    return self;
  mpg_close (self);
  return NULL;
}

static gboolean
mpg_next (gpointer state, AVFrame *frame)
{
  Mpg *self = state;
  gsize n_bytes = 0, block = sizeof (gfloat) * (gsize)self->channels;
  gint rc;

  if (!syrinx_backup_make_frame (frame, AV_SAMPLE_FMT_FLT, (guint)self->rate_hz,
          (guint)self->channels, BLOCK_FRAMES))
    return FALSE;
  do
    rc = mpg123_read (
        self->handle, frame->data[0], BLOCK_FRAMES * block, &n_bytes);
  while (rc == MPG123_NEW_FORMAT && n_bytes == 0);
  frame->nb_samples = (gint)(n_bytes / block);
  return frame->nb_samples > 0;
}

const SyrinxBackupKind syrinx_backup_mpg
    = { "mp3", is_mine, mpg_open, mpg_next, mpg_close };
