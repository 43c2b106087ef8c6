/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Searches the memory of a process. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How often @needle occurs in the writable memory of @pid; -1: access is not
 * permitted. */
gint count_in_memory (GPid pid, gconstpointer needle, gsize size_bytes);

G_END_DECLS
