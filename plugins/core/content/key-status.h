/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What there is to know of the keys, as D-Bus and syrinxctl tell it. */
#pragma once

#include "content.h"

G_BEGIN_DECLS

/* a{sv}: master-key, master-key-name, and if there is a next one
 * master-key-next, master-key-next-name (s); keys, wrapped-by-master,
 * wrapped-by-next, lost (t); is-own (b), whether the files are the state
 * directory's. Looks at every key: blocks; any thread. (transfer floating) */
GVariant *syrinx_key_status (SyrinxContent *content, GError **error);

G_END_DECLS
