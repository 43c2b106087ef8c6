/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the backup decoders share. */
#pragma once

#include "backup-decoder.h"

G_BEGIN_DECLS

#define SYRINX_BACKUP_HEAD_BYTES 24

typedef struct
{
  gint fd;
  SyrinxBounds bounds;
  gint64 position; /* bytes from bounds.begin */
} SyrinxBackupInput;

typedef struct
{
  const gchar *name;
  /* Checks the file's first SYRINX_BACKUP_HEAD_BYTES. */
  gboolean (*is_mine) (const guint8 *head);
  /* @input stays at the same address. (nullable) */
  gpointer (*open) (SyrinxBackupInput *input);
  gboolean (*next) (gpointer state, AVFrame *frame);
  void (*close) (gpointer state);
} SyrinxBackupKind;

extern const SyrinxBackupKind syrinx_backup_flac, syrinx_backup_mpg;

/* As read(2) and lseek(2). */
gssize
syrinx_backup_input_read (SyrinxBackupInput *input, gpointer data, gsize n);
gint64
syrinx_backup_input_seek (SyrinxBackupInput *input, gint64 offset, gint whence);
/* Makes an empty frame with @n samples in each channel. */
gboolean syrinx_backup_make_frame (
    AVFrame *frame, gint format, guint rate_hz, guint channels, gsize n);

G_END_DECLS
