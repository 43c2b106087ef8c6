/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* D-Bus: the interface Keys. Main thread only. */
#pragma once

#include "daemon/engine.h"

G_BEGIN_DECLS

/* Its calls work in threads of their own and answer when they are done. Ready
 * to be exported. (transfer full) */
GDBusInterfaceSkeleton *syrinx_bus_keys_new (SyrinxEngine *engine);

G_END_DECLS
