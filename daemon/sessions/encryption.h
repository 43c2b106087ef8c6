/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the media of a session are encrypted in transit. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  SYRINX_ENCRYPTION_HLS_AES128, /* the content's key */
  SYRINX_ENCRYPTION_ECE,        /* the session's own */
  SYRINX_ENCRYPTION_NONE,
} SyrinxEncryption;

/* "hls-aes128", "ece", "none" */
const gchar *syrinx_encryption_to_string (SyrinxEncryption encryption);
gboolean
syrinx_encryption_parse (const gchar *text, SyrinxEncryption *encryption);

G_END_DECLS
