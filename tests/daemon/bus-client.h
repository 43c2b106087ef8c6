/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A client of the daemon's private bus. Failures end the program. */
#pragma once

#include "harness.h"

G_BEGIN_DECLS

#define BUS_ROOT    "/org/syrinx/Syrinx1"
#define BUS_NAME    "org.syrinx.Syrinx1"
#define BUS_SESSION BUS_NAME ".Session"

typedef struct
{
  gchar *path, *name;
  GVariant *parameters;
} Signal;

typedef struct
{
  GDBusConnection *connection;
  GPtrArray *heard; /* of Signal */
  guint subscription;
} Bus;

/* Returns after a first call was answered, so the daemon has accepted it. */
Bus *bus_new (Daemon *daemon);
void bus_free (Bus *bus);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Bus, bus_free)

/* (transfer full) (nullable): NULL if it answers with an error. */
GVariant *bus_call (Bus *bus, const gchar *path, const gchar *interface,
    const gchar *method, GVariant *parameters);

/* The first signal with this name and path whose parameters, printed as text,
 * contain @part. (nullable) */
const Signal *bus_find_signal (
    Bus *bus, const gchar *path, const gchar *name, const gchar *part);
const Signal *bus_wait_for_signal (
    Bus *bus, const gchar *path, const gchar *name, const gchar *part);

/* The properties of a session's object, a{sv}. (transfer full) (nullable) */
GVariant *bus_get_properties (Bus *bus, const gchar *path);
/* The path of the object of session @id. (transfer full) (nullable) */
gchar *bus_find_object (Bus *bus, const gchar *id);

G_END_DECLS
