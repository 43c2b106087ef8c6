/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys of TLS session tickets. */
#include "tls-tickets.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#define NAME_BYTES 16 /* as OpenSSL's callback has it */
#define KEY_BYTES  32

typedef struct
{
  guint8 name[NAME_BYTES];
  guint8 cipher[KEY_BYTES], mac[KEY_BYTES];
  gint64 made_us; /* 0: no key */
} Key;

typedef struct
{
  GMutex lock;
  /* protected by lock */
  Key current, previous;
  gint64 ahead_us; /* shift of the clock, for tests */
} Tickets;

static void
tickets_free (void *parent, void *data, CRYPTO_EX_DATA *all, int index,
    long argument, void *unused)
{
  Tickets *self = data;

  if (!self)
    return;
  g_mutex_clear (&self->lock);
  OPENSSL_cleanse (self, sizeof *self);
  g_free (self);
}

static int
get_index (void)
{
  static gsize index_plus_one;

  if (g_once_init_enter (&index_plus_one))
    g_once_init_leave (&index_plus_one,
        (gsize)SSL_CTX_get_ex_new_index (0, NULL, NULL, NULL, tickets_free)
            + 1);
  return (int)index_plus_one - 1;
}

static gboolean
make_key (Key *key, gint64 now_us)
{
  if (RAND_bytes (key->name, sizeof key->name) != 1
      || RAND_priv_bytes (key->cipher, sizeof key->cipher) != 1
      || RAND_priv_bytes (key->mac, sizeof key->mac) != 1)
    return FALSE;
  key->made_us = MAX (now_us, 1);
  return TRUE;
}

/* Drops keys that are too old and makes a new one. Without random numbers there
 * is no new key, and sessions are not resumed. */
static void
rotate_locked (Tickets *self)
{
  gint64 now_us = g_get_monotonic_time () + self->ahead_us;
  gint64 age_us = now_us - self->current.made_us;
  gint64 period_us = SYRINX_TLS_TICKET_S * (gint64)G_USEC_PER_SEC;

  if (self->current.made_us && age_us < period_us)
    return;
  if (self->current.made_us && age_us < 2 * period_us)
    self->previous = self->current;
  else
    memset (&self->previous, 0, sizeof self->previous);
  if (!make_key (&self->current, now_us))
    memset (&self->current, 0, sizeof self->current);
}

/* Copies the key that has @name, or the current one if that is NULL. Returns,
 * as OpenSSL's callback does: 0 unknown, 1 known, 2 known but to be renewed. */
static int
find (Tickets *self, const guint8 *name, Key *key)
{
  const Key *keys[] = { &self->current, &self->previous };
  int found = 0;

  g_mutex_lock (&self->lock);
  rotate_locked (self);
  for (guint i = 0; i < G_N_ELEMENTS (keys) && !found; i++)
    if (keys[i]->made_us
        && (!name || memcmp (keys[i]->name, name, NAME_BYTES) == 0)) {
      *key = *keys[i];
      found = i + 1;
    }
  g_mutex_unlock (&self->lock);
  return found;
}

static gboolean
set_mac (EVP_MAC_CTX *mac, const Key *key)
{
  const OSSL_PARAM parameters[] = {
    OSSL_PARAM_construct_octet_string (
        OSSL_MAC_PARAM_KEY, (void *)key->mac, sizeof key->mac),
    OSSL_PARAM_construct_utf8_string (
        OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
    OSSL_PARAM_construct_end (),
  };

  return EVP_MAC_CTX_set_params (mac, parameters) == 1;
}

/* See SSL_CTX_set_tlsext_ticket_key_evp_cb(3). */
static int
use_key (SSL *ssl, unsigned char *name, unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int is_new)
{
  Tickets *self = SSL_CTX_get_ex_data (SSL_get_SSL_CTX (ssl), get_index ());
  Key key = { 0 };
  int found = self ? find (self, is_new ? NULL : name, &key) : 0;
  gboolean good;

  if (!found)
    return 0; /* no ticket, or a full handshake */
  if (is_new) {
    memcpy (name, key.name, NAME_BYTES);
    good = RAND_bytes (iv, EVP_CIPHER_get_iv_length (EVP_aes_256_cbc ())) == 1
           && EVP_EncryptInit_ex (
                  cipher, EVP_aes_256_cbc (), NULL, key.cipher, iv)
                  == 1;
  } else {
    good = EVP_DecryptInit_ex (cipher, EVP_aes_256_cbc (), NULL, key.cipher, iv)
           == 1;
  }
  good = good && set_mac (mac, &key);
  OPENSSL_cleanse (&key, sizeof key);
  return good ? found : -1;
}

gboolean
syrinx_tls_tickets_install (SSL_CTX *context)
{
  Tickets *self = g_new0 (Tickets, 1);

  g_mutex_init (&self->lock);
  if (!make_key (&self->current, g_get_monotonic_time ())
      || SSL_CTX_set_ex_data (context, get_index (), self) != 1) {
    tickets_free (NULL, self, NULL, 0, 0, NULL);
    return FALSE;
  }
  SSL_CTX_set_tlsext_ticket_key_evp_cb (context, use_key);
  return TRUE;
}

void
syrinx_tls_tickets_advance (SSL_CTX *context, guint seconds)
{
  Tickets *self = SSL_CTX_get_ex_data (context, get_index ());

  g_mutex_lock (&self->lock);
  self->ahead_us += seconds * (gint64)G_USEC_PER_SEC;
  g_mutex_unlock (&self->lock);
}
