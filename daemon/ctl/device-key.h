/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A key pair of this process, which session keys are wrapped for. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _CtlDeviceKey CtlDeviceKey;

/* A new key pair on P-256, for ECDH-ES+A256KW. (transfer full) */
CtlDeviceKey *ctl_device_key_new (void);
void ctl_device_key_free (CtlDeviceKey *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlDeviceKey, ctl_device_key_free)

/* The public half as a JWK. (transfer full) */
gchar *ctl_device_key_get_jwk (CtlDeviceKey *key);
/* Decrypts @jwe (compact), a JWK Set, and returns the octets of the key with
 * the id @kid. (transfer full) Errors: G_IO_ERROR_INVALID_DATA. */
GBytes *ctl_device_key_open (
    CtlDeviceKey *key, const gchar *jwe, const gchar *kid, GError **error);

G_END_DECLS
