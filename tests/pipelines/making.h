/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A state directory whose tracks are made on request, a little later, in other
 * threads, as in syrinxd. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define MAKING_SECONDS 20 /* of each track */

typedef struct _Making Making;

Making *making_new (guint n_tracks);
const gchar *making_get_dir (Making *making);
/* (transfer none): a track's URI for syrinxstoresrc. */
const gchar *making_get_uri (Making *making, guint number);
/* Nothing may use it any more. */
void making_free (Making *making);

G_END_DECLS
