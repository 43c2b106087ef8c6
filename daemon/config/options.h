/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line of syrinxd: actions, and an option for every key of the
 * configuration. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  gchar *config_file;            /* (nullable) */
  GHashTable *overrides;         /* configuration key → value */
  gchar *log_level, *log_format; /* (nullable) */
  gboolean check_config, print_config, print_version, help_gst;
} SyrinxOptions;

/* FALSE: an error was printed on standard error. */
gboolean syrinx_options_parse (SyrinxOptions *options, int argc, char **argv);
void syrinx_options_clear (SyrinxOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SyrinxOptions, syrinx_options_clear)

G_END_DECLS
