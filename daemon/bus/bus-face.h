/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The objects at /org/syrinx/Syrinx1 for one D-Bus connection: Manager, Library
 * and Keys. Main thread only. */
#pragma once

#include "bus-sessions.h"

G_BEGIN_DECLS

typedef struct _SyrinxBusFace SyrinxBusFace;

/* @sessions must outlive it. (transfer full) */
SyrinxBusFace *
syrinx_bus_face_new (SyrinxEngine *engine, SyrinxBusSessions *sessions,
    GDBusConnection *connection, const gchar *http_address);
void syrinx_bus_face_free (SyrinxBusFace *face);

G_END_DECLS
