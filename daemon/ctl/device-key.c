/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A key pair of this process, by libjose. */
#include "device-key.h"

#include "core/crypto/secret.h"

#include <gio/gio.h>
#include <jose/jose.h>
#include <stdlib.h>
#include <string.h>

struct _CtlDeviceKey
{
  json_t *pair;
};

CtlDeviceKey *
ctl_device_key_new (void)
{
  CtlDeviceKey *self = g_new0 (CtlDeviceKey, 1);

  self->pair = json_pack ("{s:s,s:s}", "kty", "EC", "crv", "P-256");
  if (!jose_jwk_gen (NULL, self->pair))
    g_error ("no key pair can be made");
  return self;
}

void
ctl_device_key_free (CtlDeviceKey *self)
{
  json_decref (self->pair);
  g_free (self);
}

gchar *
ctl_device_key_get_jwk (CtlDeviceKey *self)
{
  json_t *half = json_deep_copy (self->pair);
  char *text = jose_jwk_pub (NULL, half) ? json_dumps (half, 0) : NULL;
  gchar *copy = g_strdup (text);

  free (text);
  json_decref (half);
  return copy;
}

/* The octets of the key in @set with the id @kid. (transfer full) (nullable) */
static GBytes *
find_octets (json_t *set, const gchar *kid)
{
  json_t *keys = json_object_get (set, "keys"), *key;
  guint8 octets[64];
  GBytes *found = NULL;
  size_t i, n;

  json_array_foreach (keys, i, key)
  {
    const char *id = json_string_value (json_object_get (key, "kid"));
    n = jose_b64_dec (json_object_get (key, "k"), octets, sizeof octets);
    if (!found && n <= sizeof octets && g_strcmp0 (id, kid) == 0)
      found = syrinx_secret_new (octets, n);
  }
  syrinx_wipe (octets, sizeof octets);
  return found;
}

static json_t *
flatten (const gchar *compact)
{
  g_auto (GStrv) parts = g_strsplit (compact, ".", 6);

  return g_strv_length (parts) == 5 ? json_pack ("{s:s,s:s,s:s,s:s,s:s}",
             "protected", parts[0], "encrypted_key", parts[1], "iv", parts[2],
             "ciphertext", parts[3], "tag", parts[4])
                                    : NULL;
}

GBytes *
ctl_device_key_open (
    CtlDeviceKey *self, const gchar *jwe, const gchar *kid, GError **error)
{
  size_t n_bytes = 0; /* libjose reads it as well as sets it */
  json_t *parts = flatten (jwe);
  char *plain
      = parts ? jose_jwe_dec (NULL, parts, NULL, self->pair, &n_bytes) : NULL;
  json_t *set = plain ? json_loadb (plain, n_bytes, 0, NULL) : NULL;
  GBytes *octets = set ? find_octets (set, kid) : NULL;

  if (!octets)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
        "the session's key can't be unwrapped");
  if (plain)
    syrinx_wipe (plain, n_bytes);
  free (plain);
  json_decref (set);
  json_decref (parts);
  return octets;
}
