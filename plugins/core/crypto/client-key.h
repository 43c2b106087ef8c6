/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A client's public JWK as an OpenSSL key. */
#pragma once

#include "evp.h"

G_BEGIN_DECLS

typedef struct
{
  EVP_PKEY *key;
  const gchar *curve; /* "P-256" or "P-384" (static); NULL for RSA */
  gsize coordinate_bytes;
  gchar *kid; /* (nullable) */
} SyrinxClientKey;

void syrinx_client_key_clear (SyrinxClientKey *jwk);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SyrinxClientKey, syrinx_client_key_clear)

/* Errors as syrinx_jwe_wrap(). @jwk must be zeroed. */
gboolean syrinx_client_key_parse (
    const gchar *json, SyrinxClientKey *jwk, GError **error);

G_END_DECLS
