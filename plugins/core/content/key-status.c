/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state of the keys. */
#include "key-status.h"

GVariant *
syrinx_key_status (SyrinxContent *content, GError **error)
{
  static const gchar *const names[][2] = { { "master-key", "master-key-name" },
    { "master-key-next", "master-key-next-name" } };
  g_autoptr (SyrinxKeyring) keyring = syrinx_content_dup_keyring (content);
  SyrinxKeyCount count;
  GVariantDict dict;

  if (!syrinx_keyring_count (
          keyring, syrinx_content_get_store (content), &count, error))
    return NULL;
  g_variant_dict_init (&dict, NULL);
  for (guint i = 0; i < (syrinx_keyring_has_next (keyring) ? 2 : 1); i++) {
    g_autofree gchar *name = syrinx_keyring_dup_name (keyring, i);
    g_autofree gchar *path
        = g_utf8_make_valid (syrinx_keyring_get_path (keyring, i), -1);
    g_variant_dict_insert (&dict, names[i][0], "s", path);
    g_variant_dict_insert (&dict, names[i][1], "s", name);
  }
  g_variant_dict_insert (&dict, "is-own", "b", syrinx_keyring_is_own (keyring));
  g_variant_dict_insert (&dict, "keys", "t", count.n_keys);
  g_variant_dict_insert (&dict, "wrapped-by-master", "t", count.n_by_master);
  g_variant_dict_insert (&dict, "wrapped-by-next", "t", count.n_by_next);
  g_variant_dict_insert (&dict, "lost", "t", count.n_lost);
  return g_variant_dict_end (&dict);
}
