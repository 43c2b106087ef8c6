/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ways out of a sandbox: each is one system call that would affect something
 * outside the worker. */
#pragma once

#include <glib.h>

/* Targets of the calls, prepared before the sandbox is entered. */
typedef struct
{
  gint daemon; /* the daemon's process id, as far as it is known */
  gint file;   /* descriptor of the job */
} EscapeTarget;

guint escape_count_ways (void);
const gchar *escape_get_name (guint way);
/* 0: the call succeeded; else the errno. */
gint escape_try (guint way, const EscapeTarget *target);
