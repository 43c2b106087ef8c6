/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The D-Bus face: always a private socket in the state directory, and the
 * session or system bus if configured. Main thread only. */
#pragma once

#include "daemon/engine.h"

G_BEGIN_DECLS

#define SYRINX_BUS_NAME "org.syrinx.Syrinx1"
#define SYRINX_BUS_PATH "/org/syrinx/Syrinx1"

typedef struct _SyrinxBus SyrinxBus;

/* Serves STATE_DIR/bus to processes of the same user (and root), and @bus,
 * which is "session", "system" or "none". @http_address (nullable) is the value
 * of Manager.HttpAddress. (transfer full) Errors: FAILED if the bus can't be
 * reached, or the name is taken. */
SyrinxBus *syrinx_bus_new (SyrinxEngine *engine, const gchar *bus,
    const gchar *http_address, GError **error);
void syrinx_bus_free (SyrinxBus *bus);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxBus, syrinx_bus_free)

G_END_DECLS
