/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The daemon's certificate. OpenSSL looks whether certificate and key are a
 * pair, which GIO would find out only with the first client. */
#include "tls-certificate.h"

#include "core/base/error.h"
#include "core/crypto/secret.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/stat.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC (BIO, BIO_free_all)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_PKEY, EVP_PKEY_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (X509, X509_free)

void
syrinx_tls_init (void)
{
  /* GnuTLS, which stands behind GIO, would do 1.0 and 1.1 too. */
  g_setenv ("G_TLS_GNUTLS_PRIORITY",
      "NORMAL:-VERS-TLS1.0:-VERS-TLS1.1:-VERS-DTLS-ALL", FALSE);
}

/* There is nobody to ask for a password. */
static int
have_no_password (char *buffer, int size, int for_writing, void *user_data)
{
  return -1;
}

static gboolean
fail (GError **error, const gchar *file, const gchar *what)
{
  ERR_clear_error ();
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID, "%s %s", file, what);
  return FALSE;
}

static void
warn_if_over (X509 *certificate, const gchar *file)
{
  if (X509_cmp_current_time (X509_get0_notAfter (certificate)) < 0)
    g_warning ("the certificate in %s is over its time", file);
}

static gboolean
check_pair (const gchar *certificate_file, const gchar *certificate_pem,
    const gchar *key_file, const gchar *key_pem, GError **error)
{
  g_autoptr (BIO) certificate_bio = BIO_new_mem_buf (certificate_pem, -1);
  g_autoptr (BIO) key_bio = BIO_new_mem_buf (key_pem, -1);
  g_autoptr (X509) certificate
      = PEM_read_bio_X509 (certificate_bio, NULL, have_no_password, NULL);
  g_autoptr (EVP_PKEY) key
      = PEM_read_bio_PrivateKey (key_bio, NULL, have_no_password, NULL);

  if (!certificate)
    return fail (error, certificate_file, "holds no certificate in PEM");
  if (!key)
    return fail (
        error, key_file, "holds no private key in PEM without a password");
  if (X509_check_private_key (certificate, key) != 1)
    return fail (error, key_file, "is not the key of the certificate");
  warn_if_over (certificate, certificate_file);
  return TRUE;
}

static gchar *
read_pem (const gchar *file, GError **error)
{
  g_autoptr (GError) cause = NULL;
  gchar *text = NULL;

  if (!g_file_get_contents (file, &text, NULL, &cause))
    g_set_error (error, SYRINX_ERROR,
        g_error_matches (cause, G_FILE_ERROR, G_FILE_ERROR_NOENT)
            ? SYRINX_ERROR_NOT_FOUND
            : SYRINX_ERROR_FAILED,
        "%s", cause->message);
  return text;
}

static void
warn_if_public (const gchar *key_file)
{
  struct stat info;

  if (stat (key_file, &info) == 0 && info.st_mode & S_IROTH)
    g_warning ("everybody on this machine can read the key %s", key_file);
}

GTlsCertificate *
syrinx_tls_certificate_load (
    const gchar *certificate_file, const gchar *key_file, GError **error)
{
  g_autofree gchar *certificate = read_pem (certificate_file, error);
  gchar *key = certificate ? read_pem (key_file, error) : NULL;
  GTlsCertificate *pair = NULL;
  gchar *both;

  if (!key)
    return NULL;
  warn_if_public (key_file);
  both = g_strjoin ("\n", certificate, key, NULL);
  if (!g_tls_backend_supports_tls (g_tls_backend_get_default ()))
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_UNSUPPORTED,
        "GIO has no TLS here: install glib-networking");
  else if (check_pair (certificate_file, certificate, key_file, key, error))
    pair = g_tls_certificate_new_from_pem (both, -1, error);
  syrinx_wipe (key, strlen (key));
  syrinx_wipe (both, strlen (both));
  g_free (key);
  g_free (both);
  return pair;
}
