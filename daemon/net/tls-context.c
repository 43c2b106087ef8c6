/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The TLS context: an SSL_CTX that is never changed while it is in use. A
 * reload makes another and replaces it. */
#include "tls-context.h"

#include "tls-tickets.h"

#include "core/base/error.h"
#include "core/crypto/secret.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/stat.h>

/* Mozilla's intermediate list for TLS 1.2 without its DHE suites: a DHE
 * handshake costs the server many times what it costs the client, and every
 * client that speaks TLS 1.2 has ECDHE. */
#define CIPHERS_1_2                                                            \
  "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                 \
  "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"                 \
  "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define CIPHERS_1_3                                                            \
  "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define GROUPS             "X25519:prime256v1:secp384r1"
#define SECURITY_LEVEL     2 /* OpenSSL's: at least 112 bits, no SHA-1 */
#define SESSION_NAME       "syrinx"
#define MAX_PROTOCOL_BYTES 255 /* RFC 7301, section 3.1 */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (BIO, BIO_free_all)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_PKEY, EVP_PKEY_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SSL_CTX, SSL_CTX_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (X509, X509_free)

struct _SyrinxTlsContext
{
  gatomicrefcount refs;
  SSL_CTX *ssl_context;
};

/* --- Certificate and key --- */

/* A daemon can't ask for a password. */
static int
have_no_password (char *buffer, int size, int for_writing, void *user_data)
{
  return -1;
}

static gboolean
fail (GError **error, const gchar *path, const gchar *what)
{
  ERR_clear_error ();
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID, "%s %s", path, what);
  return FALSE;
}

static gchar *
read_pem (const gchar *path, GError **error)
{
  g_autoptr (GError) cause = NULL;
  gchar *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, &cause))
    g_set_error (error, SYRINX_ERROR,
        g_error_matches (cause, G_FILE_ERROR, G_FILE_ERROR_NOENT)
            ? SYRINX_ERROR_NOT_FOUND
            : SYRINX_ERROR_FAILED,
        "%s", cause->message);
  return text;
}

/* Adds the intermediate certificates. OpenSSL reports the end of the file as an
 * error, too. */
static gboolean
add_chain (SSL_CTX *context, BIO *bio)
{
  X509 *next;

  while ((next = PEM_read_bio_X509 (bio, NULL, have_no_password, NULL)))
    if (SSL_CTX_add0_chain_cert (context, next) != 1) {
      X509_free (next);
      return FALSE;
    }
  ERR_clear_error ();
  return TRUE;
}

static gboolean
use_certificate (SSL_CTX *context, const gchar *path, GError **error)
{
  g_autofree gchar *text = read_pem (path, error);
  g_autoptr (BIO) bio = text ? BIO_new_mem_buf (text, -1) : NULL;
  g_autoptr (X509) certificate = NULL;

  if (!bio)
    return FALSE;
  certificate = PEM_read_bio_X509 (bio, NULL, have_no_password, NULL);
  if (!certificate)
    return fail (error, path, "holds no certificate in PEM");
  if (SSL_CTX_use_certificate (context, certificate) != 1)
    return fail (error, path,
        "holds a certificate whose key is too weak (RSA needs 2048 bits)");
  if (!add_chain (context, bio))
    return fail (error, path, "holds a chain that OpenSSL does not take");
  if (X509_cmp_current_time (X509_get0_notAfter (certificate)) < 0)
    g_warning ("the certificate in %s has expired", path);
  return TRUE;
}

static void
warn_if_public (const gchar *path)
{
  struct stat info;

  if (stat (path, &info) == 0 && info.st_mode & S_IROTH)
    g_warning ("everybody on this machine can read the key %s", path);
}

static gboolean
use_key (SSL_CTX *context, const gchar *path, GError **error)
{
  gchar *text = read_pem (path, error);
  g_autoptr (BIO) bio = text ? BIO_new_mem_buf (text, -1) : NULL;
  g_autoptr (EVP_PKEY) key
      = bio ? PEM_read_bio_PrivateKey (bio, NULL, have_no_password, NULL)
            : NULL;

  if (!text)
    return FALSE;
  syrinx_wipe (text, strlen (text));
  g_free (text);
  if (!key)
    return fail (error, path, "holds no private key in PEM without a password");
  warn_if_public (path);
  if (X509_check_private_key (SSL_CTX_get0_certificate (context), key) != 1
      || SSL_CTX_use_PrivateKey (context, key) != 1)
    return fail (error, path, "is not the key of the certificate");
  return TRUE;
}

/* --- Protocols --- */

/* The protocol of a connection is the app data of its SSL. */
static int
choose_protocol (SSL *ssl, const unsigned char **chosen,
    unsigned char *chosen_bytes, const unsigned char *offered,
    unsigned int offered_bytes, void *unused)
{
  const gchar *ours = SSL_get_app_data (ssl);
  gsize size = ours ? strlen (ours) : 0;

  if (!ours)
    return SSL_TLSEXT_ERR_NOACK;
  for (guint i = 0; i + 1 + size <= offered_bytes; i += 1 + offered[i])
    if (offered[i] == size && memcmp (offered + i + 1, ours, size) == 0) {
      *chosen = offered + i + 1;
      *chosen_bytes = size;
      return SSL_TLSEXT_ERR_OK;
    }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void
set_behaviour (SSL_CTX *context)
{
  SSL_CTX_set_options (context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION
                                    | SSL_OP_ENABLE_KTLS
                                    | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode (context, SSL_MODE_ENABLE_PARTIAL_WRITE
                                 | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
                                 | SSL_MODE_RELEASE_BUFFERS);
  /* Sessions are kept in tickets only. */
  SSL_CTX_set_session_cache_mode (context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_timeout (context, SYRINX_TLS_TICKET_S);
  /* The head and the payload of a record are read by one system call. */
  SSL_CTX_set_read_ahead (context, 1);
  SSL_CTX_set_alpn_select_cb (context, choose_protocol, NULL);
}

static gboolean
set_strength (SSL_CTX *context)
{
  SSL_CTX_set_security_level (context, SECURITY_LEVEL);
  return SSL_CTX_set_min_proto_version (context, TLS1_2_VERSION) == 1
         && SSL_CTX_set_max_proto_version (context, TLS1_3_VERSION) == 1
         && SSL_CTX_set_cipher_list (context, CIPHERS_1_2) == 1
         && SSL_CTX_set_ciphersuites (context, CIPHERS_1_3) == 1
         && SSL_CTX_set1_groups_list (context, GROUPS) == 1
         && SSL_CTX_set_session_id_context (context,
                (const unsigned char *)SESSION_NAME, strlen (SESSION_NAME))
                == 1
         && syrinx_tls_tickets_install (context);
}

static SSL_CTX *
make_ssl_context (
    const gchar *certificate_path, const gchar *key_path, GError **error)
{
  g_autoptr (SSL_CTX) context = SSL_CTX_new (TLS_server_method ());

  if (!context || !set_strength (context)) {
    ERR_clear_error ();
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_FAILED,
        "OpenSSL can't be set up for TLS 1.2 and 1.3 (look into openssl.cnf)");
    return NULL;
  }
  set_behaviour (context);
  if (!use_certificate (context, certificate_path, error)
      || !use_key (context, key_path, error))
    return NULL;
  return g_steal_pointer (&context);
}

SSL *
syrinx_tls_context_accept (SyrinxTlsContext *self, const gchar *alpn)
{
  SSL *ssl = SSL_new (self->ssl_context);

  g_return_val_if_fail (!alpn || strlen (alpn) <= MAX_PROTOCOL_BYTES, NULL);
  if (!ssl)
    return NULL;
  SSL_set_app_data (ssl, (gchar *)alpn);
  SSL_set_accept_state (ssl);
  return ssl;
}

/* --- Life --- */

SyrinxTlsContext *
syrinx_tls_context_new (
    const gchar *certificate_path, const gchar *key_path, GError **error)
{
  SSL_CTX *ssl_context = make_ssl_context (certificate_path, key_path, error);
  SyrinxTlsContext *self;

  if (!ssl_context)
    return NULL;
  self = g_new0 (SyrinxTlsContext, 1);
  g_atomic_ref_count_init (&self->refs);
  self->ssl_context = ssl_context;
  return self;
}

SyrinxTlsContext *
syrinx_tls_context_ref (SyrinxTlsContext *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
syrinx_tls_context_unref (SyrinxTlsContext *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  SSL_CTX_free (self->ssl_context);
  g_free (self);
}

void
syrinx_tls_context_replace (SyrinxTlsContext *self, SyrinxTlsContext *fresh)
{
  SSL_CTX *before = self->ssl_context;

  SSL_CTX_up_ref (fresh->ssl_context);
  self->ssl_context = fresh->ssl_context;
  SSL_CTX_free (before);
  syrinx_tls_context_unref (fresh);
}

void
syrinx_tls_context_advance (SyrinxTlsContext *self, guint seconds)
{
  syrinx_tls_tickets_advance (self->ssl_context, seconds);
}
