/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A foreign file as samples of a wanted format from an exact position on, with
 * silence after its end. */
#pragma once

#include <gst/audio/audio.h>

G_BEGIN_DECLS

typedef struct _SyrinxPcm SyrinxPcm;

typedef struct
{
  gint fd;
  guint rate_hz;     /* of the file, as scanned */
  guint64 n_samples; /* as scanned; samples beyond it are cut off */
  GstAudioFormat format;
  guint out_rate_hz, channels;
  guint64 start; /* first wanted sample, at out_rate_hz */
} SyrinxPcmRequest;

/* (transfer full) Errors: as syrinx_decoder_new(); INVALID if the file differs
 * from what the scan found. */
SyrinxPcm *syrinx_pcm_new (const SyrinxPcmRequest *request, GError **error);
void syrinx_pcm_free (SyrinxPcm *pcm);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxPcm, syrinx_pcm_free)

/* At least one sample. (transfer full) */
GBytes *syrinx_pcm_pull (SyrinxPcm *pcm, guint *n_frames, GError **error);
/* Whether only silence follows. */
gboolean syrinx_pcm_is_over (SyrinxPcm *pcm);

G_END_DECLS
