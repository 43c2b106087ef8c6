/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tracks, albums and artists as the API shows them. */
#pragma once

#include "core/store/store.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Appends an object. It includes a track's details if they have been loaded. */
void http_json_add_track (JsonBuilder *json, const SyrinxTrack *track);
void http_json_add_group (JsonBuilder *json, const SyrinxGroup *group);
/* Adds a member that is a list of groups. */
void
http_json_add_groups (JsonBuilder *json, const gchar *name, GPtrArray *groups);

G_END_DECLS
