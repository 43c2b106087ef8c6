/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* D-Bus: the interface Keys. Main thread only. */
#pragma once

#include "daemon/engine.h"

G_BEGIN_DECLS

/* The interface, ready to be exported. Its calls run in threads of their own
 * and are answered when they are done. (transfer full) */
GDBusInterfaceSkeleton *syrinx_bus_keys_new (SyrinxEngine *engine);

G_END_DECLS
