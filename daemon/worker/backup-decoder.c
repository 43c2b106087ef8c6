/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Chooses a backup decoder, and reads for it. */
#include "backup-decoder.h"

#include "backup-private.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct _SyrinxBackupDecoder
{
  SyrinxBackupInput input;
  const SyrinxBackupKind *kind;
  gpointer state;
};

static const SyrinxBackupKind *const kinds[]
    = { &syrinx_backup_flac, &syrinx_backup_mpg };

gssize
syrinx_backup_input_read (SyrinxBackupInput *input, gpointer data, gsize n)
{
  gint64 at = input->bounds.begin + input->position;
  gssize got;

  if (at >= input->bounds.end)
    return 0;
  n = MIN (n, (gsize)(input->bounds.end - at));
  do
    got = pread (input->fd, data, n, at);
  while (got < 0 && errno == EINTR);
  if (got > 0)
    input->position += got;
  return got;
}

gint64
syrinx_backup_input_seek (SyrinxBackupInput *input, gint64 offset, gint whence)
{
  gint64 size = input->bounds.end - input->bounds.begin;

  if (whence == SEEK_CUR)
    offset += input->position;
  else if (whence == SEEK_END)
    offset += size;
  if (offset < 0 || offset > size)
    return -1;
  return input->position = offset;
}

gboolean
syrinx_backup_make_frame (
    AVFrame *frame, gint format, guint rate_hz, guint channels, gsize n)
{
  av_frame_unref (frame);
  frame->format = format;
  frame->sample_rate = (gint)rate_hz;
  frame->nb_samples = (gint)n;
  av_channel_layout_default (&frame->ch_layout, (gint)channels);
  return av_frame_get_buffer (frame, 0) >= 0;
}

SyrinxBackupDecoder *
syrinx_backup_decoder_new (gint fd, const SyrinxBounds *bounds)
{
  g_autoptr (SyrinxBackupDecoder) self = g_new0 (SyrinxBackupDecoder, 1);

  self->input.fd = fd;
  self->input.bounds = *bounds;
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    guint8 head[SYRINX_BACKUP_HEAD_BYTES] = { 0 };

    self->input.position = 0;
    if (syrinx_backup_input_read (&self->input, head, sizeof head)
            < (gssize)sizeof head
        || !kinds[i]->is_mine (head))
      continue;
    self->input.position = 0;
    self->kind = kinds[i];
    self->state = self->kind->open (&self->input);
    return self->state ? g_steal_pointer (&self) : NULL;
  }
  return NULL;
}

void
syrinx_backup_decoder_free (SyrinxBackupDecoder *self)
{
  if (self->state)
    self->kind->close (self->state);
  g_free (self);
}

const gchar *
syrinx_backup_decoder_get_name (SyrinxBackupDecoder *self)
{
  return self->kind->name;
}

gboolean
syrinx_backup_decoder_next (SyrinxBackupDecoder *self, AVFrame *frame)
{
  return self->kind->next (self->state, frame);
}
