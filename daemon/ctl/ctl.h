/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the commands of syrinxctl share: the connection to the daemon, and
 * output as a table for people and as JSON for programs. */
#pragma once

#include "core/access/audit.h"
#include "daemon/config/config.h"

#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum
{
  CTL_OK = 0,
  CTL_FAILED = 1,    /* the daemon or the files refused */
  CTL_USAGE = 2,     /* wrong command line */
  CTL_NO_DAEMON = 3, /* no daemon runs, and the command needs one */
  CTL_NOT_FOUND = 4, /* the named object does not exist */
} CtlExit;

typedef struct
{
  gchar *state_dir;
  gchar *config_file; /* (nullable) */
  gboolean json;
  gint timeout_ms;       /* of calls; 0: the default */
  GDBusConnection *link; /* (nullable) see ctl_connect() */
} Ctl;

/* Connects to the daemon's private bus, else to the system bus if the daemon is
 * on it. Errors: G_IO_ERROR_NOT_FOUND if no daemon runs. */
gboolean ctl_connect (Ctl *ctl, GError **error);

/* The daemon's configuration, which has state_dir, for commands that work on
 * its files. (transfer full) */
SyrinxConfig *ctl_load_config (Ctl *ctl, GError **error);

/* Calls a method of "Manager", "Library" or "Keys". (transfer full) */
GVariant *ctl_call (Ctl *ctl, const gchar *interface, const gchar *method,
    GVariant *arguments, const gchar *reply_type, GError **error);
/* (transfer full) */
GVariant *ctl_get_property (
    Ctl *ctl, const gchar *interface, const gchar *property, GError **error);

/* A token with scope listen that is valid as long as one may listen at a
 * stretch. (transfer full) */
gchar *
ctl_issue_listener_token (Ctl *ctl, const gchar *subject, GError **error);

/* Prints @error; returns the exit code for it. */
CtlExit ctl_report (const GError *error);

/* Rows with the same number of cells. @columns: their names, NULL-terminated;
 * as JSON it is an array of objects. Control characters in cells are shown
 * escaped. */
typedef struct _CtlTable CtlTable;
CtlTable *ctl_table_new (const gchar *const *columns);
void ctl_table_add (CtlTable *table, const gchar *const *cells);
void ctl_table_print (CtlTable *table, gboolean json);
void ctl_table_free (CtlTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlTable, ctl_table_free)

/* The commands; @argv starts after the command's name. */
CtlExit ctl_check (Ctl *ctl, int argc, char **argv);
CtlExit ctl_token (Ctl *ctl, int argc, char **argv);
CtlExit ctl_play (Ctl *ctl, int argc, char **argv);
CtlExit ctl_key (Ctl *ctl, int argc, char **argv);
CtlExit ctl_status (Ctl *ctl, int argc, char **argv);
CtlExit ctl_search (Ctl *ctl, int argc, char **argv);
CtlExit ctl_failures (Ctl *ctl, int argc, char **argv);
CtlExit ctl_rescan (Ctl *ctl, int argc, char **argv);
CtlExit ctl_sessions (Ctl *ctl, int argc, char **argv);
CtlExit ctl_reload (Ctl *ctl, int argc, char **argv);

/* Parses a command's own options (before `--`) and leaves the words in @argv.
 * FALSE: an error was printed on standard error. */
gboolean ctl_parse (
    const gchar *usage, const GOptionEntry *entries, int *argc, char ***argv);

G_END_DECLS
