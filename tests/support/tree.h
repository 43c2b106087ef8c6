/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Removes a folder with all that is in it. */
void tree_remove (const gchar *path);

G_END_DECLS
