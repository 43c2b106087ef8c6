/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxctl: the daemon's D-Bus interface for people. */
#include "ctl.h"

#include <locale.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct
{
  const gchar *name, *arguments, *purpose;
  CtlExit (*run) (Ctl *ctl, int argc, char **argv);
} commands[] = {
  { "status", "", "what the daemon is and holds", ctl_status },
  { "search", "WORD…", "find tracks", ctl_search },
  { "play", "TRACK|WORD…", "listen here", ctl_play },
  { "rescan", "[--full] [--wait]", "bring the index in step with the folders",
      ctl_rescan },
  { "failures", "[--skipped]", "files that could not be read, and why",
      ctl_failures },
  { "sessions", "[terminate ID]", "who listens; end one", ctl_sessions },
  { "token", "issue|revoke|jwks …", "let listeners in, and out", ctl_token },
  { "key", "status|rotate …", "look at keys, and replace them", ctl_key },
  { "check", "[--files]", "look for damage; --rebuild begins anew", ctl_check },
  { "reload", "", "read configuration and keys again", ctl_reload },
};

gboolean
ctl_parse (
    const gchar *usage, const GOptionEntry *entries, int *argc, char ***argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *name = g_strconcat ("syrinxctl ", usage, NULL);

  g_set_prgname (name);
  g_option_context_add_main_entries (context, entries, NULL);
  if (g_option_context_parse (context, argc, argv, &error))
    return TRUE;
  g_printerr (
      "syrinxctl: %s (see: syrinxctl %s --help)\n", error->message, usage);
  return FALSE;
}

static gchar *
describe_commands (void)
{
  GString *text = g_string_new ("Commands:\n");

  for (guint i = 0; i < G_N_ELEMENTS (commands); i++) {
    g_autofree gchar *call
        = g_strjoin (" ", commands[i].name, commands[i].arguments, NULL);
    g_string_append_printf (text, "  %s%*s%s\n", call,
        (gint)(28 - g_utf8_strlen (call, -1)), "", commands[i].purpose);
  }
  g_string_append (text,
      "\nExit status: 0 done, 1 refused, 2 wrong command line, 3 no daemon "
      "runs, 4 not found.\nSee `syrinxctl COMMAND --help` for a command's own "
      "options.");
  return g_string_free (text, FALSE);
}

static gchar *
find_state_dir (void)
{
  const gchar *given = g_getenv ("SYRINX_STATE_DIR");

  if (given && *given)
    return g_strdup (given);
  return getuid () == 0
             ? g_strdup ("/var/lib/syrinx")
             : g_build_filename (g_get_user_state_dir (), "syrinx", NULL);
}

static CtlExit
print_command_help (guint i)
{
  const gchar *name = commands[i].name, *arguments = commands[i].arguments;

  g_print ("Usage:\n  syrinxctl %s%s%s\n\nPurpose: %s.\n", name,
      *arguments ? " " : "", arguments, commands[i].purpose);
  if (strchr (arguments, '|'))
    g_print ("See `syrinxctl %s %.*s --help` and so on for the options.\n",
        name, (gint)strcspn (arguments, "|"), arguments);
  return CTL_OK;
}

/* Whether the command itself reads options, --help among them. */
static gboolean
reads_options (guint i)
{
  return commands[i].run == ctl_play || commands[i].run == ctl_rescan
         || commands[i].run == ctl_failures || commands[i].run == ctl_check;
}

static CtlExit
run_command (Ctl *ctl, int argc, char **argv)
{
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++) {
    if (!g_str_equal (argv[0], commands[i].name))
      continue;
    if (argc > 1 && !reads_options (i)
        && (g_str_equal (argv[1], "--help") || g_str_equal (argv[1], "-h")))
      return print_command_help (i);
    if (argc > 1 && !*commands[i].arguments) {
      g_printerr (
          "syrinxctl: %s takes no arguments, not \"%s\"\n", argv[0], argv[1]);
      return CTL_USAGE;
    }
    return commands[i].run (ctl, argc, argv);
  }
  g_printerr (
      "syrinxctl: there is no command %s (see: syrinxctl --help)\n", argv[0]);
  return CTL_USAGE;
}

/* Accepts --json after the command, too. */
static gboolean
take_json (int *argc, char **argv)
{
  for (int i = 1; i < *argc && !g_str_equal (argv[i], "--"); i++)
    if (g_str_equal (argv[i], "--json")) {
      memmove (argv + i, argv + i + 1, (*argc - i) * sizeof *argv);
      (*argc)--;
      return TRUE;
    }
  return FALSE;
}

int
main (int argc, char **argv)
{
  Ctl ctl = { 0 };
  gboolean version = FALSE;
  const GOptionEntry entries[] = {
    { "state-dir", 0, 0, G_OPTION_ARG_FILENAME, &ctl.state_dir,
        "The daemon's state directory (default: $SYRINX_STATE_DIR, else "
        "/var/lib/syrinx for root and ~/.local/state/syrinx for others)",
        "DIR" },
    { "config", 'c', 0, G_OPTION_ARG_FILENAME, &ctl.config_file,
        "The daemon's configuration, for what is done without it (default: "
        "/etc/syrinx/syrinx.conf)",
        "FILE" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &ctl.json, "Print JSON", NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &version, "Print the version", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("COMMAND …");
  g_autofree gchar *description = describe_commands ();
  g_autoptr (GError) error = NULL;
  CtlExit status;

  umask (
      077); /* files in the state directory are private to the daemon's user */
  setlocale (LC_ALL, "");
  ctl.json = take_json (&argc, argv);
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_summary (context, "Looks at and steers a syrinxd.");
  g_option_context_set_description (context, description);
  g_option_context_set_strict_posix (context, TRUE);
  if (!g_option_context_parse (context, &argc, &argv, &error)) {
    g_printerr ("syrinxctl: %s (see: syrinxctl --help)\n", error->message);
    return CTL_USAGE;
  }
  if (version) {
    g_print ("syrinxctl %s\n", SYRINX_VERSION);
    return CTL_OK;
  }
  if (argc < 2) {
    g_printerr ("syrinxctl: say what to do (see: syrinxctl --help)\n");
    return CTL_USAGE;
  }
  if (!ctl.state_dir)
    ctl.state_dir = find_state_dir ();
  status = run_command (&ctl, argc - 1, argv + 1);
  g_clear_object (&ctl.link);
  g_free (ctl.state_dir);
  g_free (ctl.config_file);
  return status;
}
