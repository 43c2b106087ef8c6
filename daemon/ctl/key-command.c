/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxctl key: shows and rotates keys, through the daemon if it runs, else on
 * the files of its state directory. */
#include "ctl.h"

#include "core/content/key-status.h"

/* The files, while the state directory is locked. */
typedef struct
{
  SyrinxConfig *config;
  SyrinxContent *content;
  SyrinxAudit *audit;
} Files;

static void
files_clear (Files *files)
{
  if (files->content)
    syrinx_content_flush (files->content); /* removes fragments of old epochs */
  g_clear_pointer (&files->content, syrinx_content_unref);
  g_clear_pointer (&files->audit, syrinx_audit_free);
  g_clear_pointer (&files->config, syrinx_config_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Files, files_clear)

static gboolean
files_open (Files *files, Ctl *ctl, gboolean create, GError **error)
{
  SyrinxKeyringSettings settings = { .state_dir = ctl->state_dir };
  g_autoptr (SyrinxStore) store = NULL;
  g_autoptr (SyrinxKeyring) keyring = NULL;

  files->config = ctl_load_config (ctl, error);
  if (!files->config)
    return FALSE;
  settings.master_key = files->config->master_key;
  settings.master_key_next = files->config->master_key_next;
  settings.is_group_ok = files->config->master_key_group_ok;
  keyring = syrinx_keyring_open_with (&settings, create, error);
  store = keyring ? syrinx_store_open (ctl->state_dir, TRUE, error) : NULL;
  files->audit = store ? syrinx_audit_open (
                     ctl->state_dir, files->config->audit_log, error)
                       : NULL;
  if (files->audit)
    files->content = syrinx_content_new (
        store, keyring, G_MAXINT64, files->config->memory_bytes);
  return files->content != NULL;
}

static void
note_rotation (Files *files, const gchar *key, const gchar *track,
    const gchar *rendition, guint64 n_keys)
{
  syrinx_audit_note (files->audit, &(SyrinxAuditEntry){ .event = "key-rotated",
                                       .key = key,
                                       .track = track,
                                       .rendition = rendition,
                                       .n_keys = n_keys,
                                       .through = "files" });
}

/* --- Status, and the master key --- */

static GVariant *
status_by_files (Ctl *ctl, gboolean rotate, GError **error)
{
  g_auto (Files) files = { NULL };
  SyrinxKeyCount count;
  GVariant *status;

  if (!files_open (&files, ctl, FALSE, error))
    return NULL;
  if (rotate) {
    if (!syrinx_content_rotate_master_key (files.content, &count, error))
      return NULL;
    note_rotation (&files, "master", NULL, NULL, count.n_keys - count.n_lost);
  }
  status = syrinx_key_status (files.content, error);
  return status ? g_variant_ref_sink (status) : NULL;
}

static GVariant *
status_by_daemon (Ctl *ctl, gboolean rotate, GError **error)
{
  g_autoptr (GVariant) reply = ctl_call (ctl, "Keys",
      rotate ? "RotateMaster" : "GetStatus", NULL, "(a{sv})", error);

  return reply ? g_variant_get_child_value (reply, 0) : NULL;
}

static void
print_status (Ctl *ctl, GVariant *status)
{
  static const gchar *const columns[] = { "name", "value", NULL };
  static const gchar *const names[] = { "master-key", "master-key-name",
    "master-key-next", "master-key-next-name", "keys", "wrapped-by-master",
    "wrapped-by-next", "lost" };
  g_autoptr (CtlTable) table = ctl_table_new (columns);

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autoptr (GVariant) value
        = g_variant_lookup_value (status, names[i], NULL);
    g_autofree gchar *text
        = !value ? g_strdup ("")
          : g_variant_is_of_type (value, G_VARIANT_TYPE_STRING)
              ? g_variant_dup_string (value, NULL)
              : g_variant_print (value, FALSE);
    ctl_table_add (table, (const gchar *[]){ names[i], text });
  }
  ctl_table_print (table, ctl->json);
}

static void
advise (GVariant *status)
{
  guint64 n_lost = 0;
  gboolean is_own = TRUE;
  const gchar *next = NULL;

  g_variant_lookup (status, "lost", "t", &n_lost);
  g_variant_lookup (status, "is-own", "b", &is_own);
  g_variant_lookup (status, "master-key-next", "&s", &next);
  if (n_lost > 0)
    g_printerr ("syrinxctl: %" G_GUINT64_FORMAT " keys open with no master "
                "key that is here; `key rotate --track` gives their "
                "renditions new ones\n",
        n_lost);
  if (next && !is_own)
    g_printerr ("syrinxctl: everything is wrapped by %s now; make it the "
                "master-key, take master-key-next out, and reload\n",
        next);
}

static CtlExit
show_status (Ctl *ctl, gboolean rotate)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) status = ctl_connect (ctl, NULL)
                                    ? status_by_daemon (ctl, rotate, &error)
                                    : status_by_files (ctl, rotate, &error);

  if (!status)
    return ctl_report (error);
  print_status (ctl, status);
  if (rotate)
    advise (status);
  return CTL_OK;
}

/* --- Content keys --- */

static gboolean
rotate_by_daemon (Ctl *ctl, const gchar *track, const gchar *rendition,
    guint64 *n_rotated, GError **error)
{
  g_autoptr (GVariant) reply = ctl_call (ctl, "Keys", "Rotate",
      g_variant_new ("(ss)", track ? track : "", rendition ? rendition : ""),
      "(t)", error);

  if (reply)
    g_variant_get (reply, "(t)", n_rotated);
  return reply != NULL;
}

static gboolean
rotate_by_files (Ctl *ctl, const gchar *track, const gchar *rendition,
    guint64 *n_rotated, GError **error)
{
  g_auto (Files) files = { NULL };
  gboolean done;

  /* If all keys are made anew, a lost master key does not matter. */
  if (!files_open (&files, ctl, !track && !rendition, error))
    return FALSE;
  done = syrinx_content_rotate_keys (
      files.content, track, rendition, n_rotated, error);
  if (*n_rotated > 0)
    note_rotation (&files, "content", track, rendition, *n_rotated);
  return done;
}

static CtlExit
rotate_content (Ctl *ctl, const gchar *track, const gchar *rendition)
{
  g_autoptr (GError) error = NULL;
  guint64 n_rotated = 0;
  gboolean done
      = ctl_connect (ctl, NULL)
            ? rotate_by_daemon (ctl, track, rendition, &n_rotated, &error)
            : rotate_by_files (ctl, track, rendition, &n_rotated, &error);

  if (!done)
    return ctl_report (error);
  g_print (ctl->json ? "{\"rotated\":%" G_GUINT64_FORMAT "}\n"
                     : "renditions with new keys: %" G_GUINT64_FORMAT "\n",
      n_rotated);
  return CTL_OK;
}

static CtlExit
rotate_key (Ctl *ctl, int argc, char **argv)
{
  g_autofree gchar *track = NULL, *rendition = NULL;
  gboolean master = FALSE, all = FALSE;
  const GOptionEntry entries[] = {
    { "master", 0, 0, G_OPTION_ARG_NONE, &master,
        "The master key, which wraps all others", NULL },
    { "track", 't', 0, G_OPTION_ARG_STRING, &track,
        "The content keys of this track", "ID" },
    { "all", 0, 0, G_OPTION_ARG_NONE, &all, "Those of every track", NULL },
    { "rendition", 'r', 0, G_OPTION_ARG_STRING, &rendition,
        "Of this rendition only", "NAME" },
    { NULL },
  };

  if (!ctl_parse (
          "key rotate --master | --track ID | --all", entries, &argc, &argv))
    return CTL_USAGE;
  if (argc > 1 || !!master + !!track + !!all != 1 || (master && rendition)) {
    g_printerr ("syrinxctl: say which: --master, --track ID or --all, the "
                "latter two with --rendition NAME if it is one only\n");
    return CTL_USAGE;
  }
  return master ? show_status (ctl, TRUE)
                : rotate_content (ctl, track, rendition);
}

static CtlExit
read_status_options (Ctl *ctl, int argc, char **argv)
{
  const GOptionEntry entries[] = { { NULL } };

  if (!ctl_parse ("key status", entries, &argc, &argv))
    return CTL_USAGE;
  if (argc > 1) {
    g_printerr ("syrinxctl: key status takes no arguments\n");
    return CTL_USAGE;
  }
  return show_status (ctl, FALSE);
}

CtlExit
ctl_key (Ctl *ctl, int argc, char **argv)
{
  ctl->timeout_ms = G_MAXINT; /* a large index takes long */
  if (argc > 1 && g_str_equal (argv[1], "status"))
    return read_status_options (ctl, argc - 1, argv + 1);
  if (argc > 1 && g_str_equal (argv[1], "rotate"))
    return rotate_key (ctl, argc - 1, argv + 1);
  g_printerr ("syrinxctl: key takes `status` or `rotate`\n");
  return CTL_USAGE;
}
