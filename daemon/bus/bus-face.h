/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What one D-Bus connection sees of the engine: Manager, Library, and an
 * object per session. Main thread only. */
#pragma once

#include "daemon/engine.h"

G_BEGIN_DECLS

typedef struct _SyrinxBusFace SyrinxBusFace;

SyrinxBusFace *syrinx_bus_face_new (SyrinxEngine *engine,
    GDBusConnection *connection, const gchar *http_address);
void syrinx_bus_face_free (SyrinxBusFace *face);

G_END_DECLS
