/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state of the keys, as D-Bus and syrinxctl show it. */
#pragma once

#include "content.h"

G_BEGIN_DECLS

/* a{sv}: master-key, master-key-name, and during a replacement master-key-next,
 * master-key-next-name (s); keys, wrapped-by-master, wrapped-by-next, lost (t);
 * is-own (b), whether the key files are in the state directory. Looks at every
 * key: blocks; any thread. (transfer floating) */
GVariant *syrinx_key_status (SyrinxContent *content, GError **error);

G_END_DECLS
