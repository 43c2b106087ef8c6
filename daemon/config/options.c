/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line of syrinxd. */
#include "options.h"

#include "config.h"

#include <string.h>

/* The common options, shown by --help; --help-config shows the others. */
static const struct
{
  const gchar *key, *value;
  gchar letter;
} common[] = { { "library", "DIR", 'l' }, { "state-dir", "DIR", 's' },
  { "http", "ADDR:PORT" }, { "https", "ADDR:PORT" },
  { "tls-certificate", "FILE" }, { "tls-key", "FILE" }, { "rtsp", "ADDR:PORT" },
  { "rtsps", "ADDR:PORT" }, { "admin", "ADDR:PORT" }, { "bus", "BUS" } };

/* The configuration key that --NAME, or its letter, sets. */
static const gchar *
find_key (const gchar *option)
{
  if (g_str_has_prefix (option, "--"))
    return option + 2;
  for (guint i = 0; i < G_N_ELEMENTS (common); i++)
    if (common[i].letter == option[1])
      return common[i].key;
  return option;
}

static gboolean
take_value (
    const gchar *option, const gchar *value, gpointer data, GError **error)
{
  SyrinxOptions *options = data;
  const gchar *key = find_key (option);
  const gchar *before = g_hash_table_lookup (options->overrides, key);

  /* --library may be given several times. */
  g_hash_table_replace (options->overrides, g_strdup (key),
      before && g_str_equal (key, "library")
          ? g_strjoin (";", before, value, NULL)
          : g_strdup (value));
  return TRUE;
}

static gint
find_common (const gchar *key)
{
  for (guint i = 0; i < G_N_ELEMENTS (common); i++)
    if (g_str_equal (common[i].key, key))
      return i;
  return -1;
}

/* The help text of an option: the first sentence of the key's comment, and its
 * default. */
static gchar *
describe (const gchar *comment, const gchar *fallback)
{
  g_auto (GStrv) lines = g_strsplit (comment, "\n# ", -1);
  g_autofree gchar *text = g_strjoinv (" ", lines);
  gchar *end = strstr (text, ". ");

  if (end)
    *end = '\0';
  g_strchomp (text);
  if (g_str_has_suffix (text, "."))
    text[strlen (text) - 1] = '\0';
  return fallback && *fallback
             ? g_strdup_printf ("%s (default: %s)", text, fallback)
             : g_steal_pointer (&text);
}

/* Adds the common keys (@want_common), or the others. @texts owns the strings
 * that the entries point to. */
static void
add_keys (GOptionGroup *group, gboolean want_common, GPtrArray *texts)
{
  const gchar *key, *comment, *fallback;

  for (guint n = 0; (key = syrinx_config_get_key (n, &comment, &fallback));
       n++) {
    gint found = find_common (key);
    gchar *text;
    GOptionEntry entries[2] = { { key, 0, 0, G_OPTION_ARG_CALLBACK,
        (gpointer)take_value, NULL, "VALUE" } };
    if ((found >= 0) != want_common)
      continue;
    text = describe (comment, fallback);
    g_ptr_array_add (texts, text);
    entries[0].description = text;
    if (found >= 0) {
      entries[0].short_name = common[found].letter;
      entries[0].arg_description = common[found].value;
    }
    g_option_group_add_entries (group, entries);
  }
}

static void
add_acts (GOptionGroup *group, SyrinxOptions *options)
{
  const GOptionEntry entries[] = {
    { "config", 'c', 0, G_OPTION_ARG_FILENAME, &options->config_file,
        "Configuration (default: /etc/syrinx/syrinx.conf)", "FILE" },
    { "log-level", 0, 0, G_OPTION_ARG_STRING, &options->log_level,
        "error, warning, message (default), info or debug", "LEVEL" },
    { "log-format", 0, 0, G_OPTION_ARG_STRING, &options->log_format,
        "text (default; the journal's own where it reads), or json", "FORMAT" },
    { "check-config", 0, 0, G_OPTION_ARG_NONE, &options->check_config,
        "Read the configuration, say what is wrong, and exit", NULL },
    { "print-config", 0, 0, G_OPTION_ARG_NONE, &options->print_config,
        "Print every key with its default, and exit", NULL },
    { "help-gst", 0, 0, G_OPTION_ARG_NONE, &options->help_gst,
        "Print GStreamer's environment variables, and exit", NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &options->print_version,
        "Print the version, and exit", NULL },
    { NULL },
  };

  g_option_group_add_entries (group, entries);
}

gboolean
syrinx_options_parse (SyrinxOptions *options, int argc, char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  GOptionGroup *main_group
      = g_option_group_new (NULL, NULL, NULL, options, NULL);
  GOptionGroup *rest
      = g_option_group_new ("config", "Every other key of the configuration:",
          "Show the options for the rest of the configuration", options, NULL);

  options->overrides
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  add_keys (main_group, TRUE, texts);
  add_acts (main_group, options);
  add_keys (rest, FALSE, texts);
  g_option_context_set_main_group (context, main_group);
  g_option_context_add_group (context, rest);
  g_option_context_set_summary (
      context, "Streams a folder of music to listeners with a token.");
  g_option_context_set_description (context,
      "SIGHUP reads configuration and keys again. SIGTERM lets what plays end "
      "for a while,\nthen stops; SIGINT stops at once.\n"
      "Exit status: 0 stopped as asked, 1 could not start, 2 wrong options or "
      "configuration.");
  if (g_option_context_parse (context, &argc, &argv, &error) && argc == 1)
    return TRUE;
  g_printerr ("syrinxd: %s (see: syrinxd --help)\n",
      error ? error->message : "it takes options only");
  return FALSE;
}

void
syrinx_options_clear (SyrinxOptions *options)
{
  g_clear_pointer (&options->overrides, g_hash_table_unref);
  g_clear_pointer (&options->config_file, g_free);
  g_clear_pointer (&options->log_level, g_free);
  g_clear_pointer (&options->log_format, g_free);
}
