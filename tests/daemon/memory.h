/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a process has in its memory. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How often @needle is where @pid can write; -1: we may not look. */
gint count_in_memory (GPid pid, gconstpointer needle, gsize size_bytes);

G_END_DECLS
