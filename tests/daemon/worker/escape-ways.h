/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ways out of a sandbox, each one system call that would have an effect on
 * something that is not the worker's. */
#pragma once

#include <glib.h>

/* What the ways aim at, prepared before the sandbox closes. */
typedef struct
{
  gint daemon; /* its process id, as far as it can be known */
  gint file;   /* descriptor of the job */
} EscapeTarget;

guint escape_count_ways (void);
const gchar *escape_get_name (guint way);
/* 0: it worked; else the errno. */
gint escape_try (guint way, const EscapeTarget *target);
