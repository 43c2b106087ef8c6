/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The names of encryptions. */
#include "encryption.h"

static const gchar *const encryptions[] = {
  [SYRINX_ENCRYPTION_HLS_AES128] = "hls-aes128",
  [SYRINX_ENCRYPTION_ECE] = "ece",
  [SYRINX_ENCRYPTION_NONE] = "none",
};

const gchar *
syrinx_encryption_to_string (SyrinxEncryption encryption)
{
  return encryptions[encryption];
}

gboolean
syrinx_encryption_parse (const gchar *text, SyrinxEncryption *encryption)
{
  for (guint i = 0; i < G_N_ELEMENTS (encryptions); i++)
    if (g_str_equal (text, encryptions[i])) {
      *encryption = i;
      return TRUE;
    }
  return FALSE;
}
