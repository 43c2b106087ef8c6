/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxctl check: checks the index, and the cache against the index. */
#include "ctl.h"

#include "core/base/error.h"
#include "core/content/chunk-files.h"
#include "core/store/store-check.h"

#include <json-glib/json-glib.h>

#include <string.h>

typedef struct
{
  SyrinxStore *store; /* (nullable): only the index is checked */
  JsonBuilder *json;  /* (nullable): print text */
  guint64 n_fragments, bytes;
  guint n_problems;
} Check;

static void
tell (Check *check, const gchar *where, const gchar *problem)
{
  g_autofree gchar *line = g_strdup_printf ("%s: %s", where, problem);

  check->n_problems++;
  if (check->json)
    json_builder_add_string_value (check->json, line);
  else
    g_print ("%s\n", line);
}

static void
on_index_problem (const gchar *problem, gpointer user_data)
{
  tell (user_data, "index", problem);
}

/* A running daemon may have removed file and row meanwhile. */
static gboolean
is_known_still (Check *check, const gchar *track_id, const gchar *rendition,
    guint epoch, guint number)
{
  SyrinxFragmentRow row;

  return syrinx_store_get_fragment (
      check->store, track_id, rendition, epoch, number, &row, NULL);
}

static gboolean
has_digest (GBytes *chunk, const guint8 sha256[32], GError **error)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  guint8 digest[32];
  gsize n_bytes = sizeof digest;

  g_checksum_update (
      checksum, g_bytes_get_data (chunk, NULL), g_bytes_get_size (chunk));
  g_checksum_get_digest (checksum, digest, &n_bytes);
  if (memcmp (digest, sha256, sizeof digest) == 0)
    return TRUE;
  g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_CORRUPT,
      "its SHA-256 is not that of the index");
  return FALSE;
}

static void
on_fragment (const gchar *track_id, const gchar *rendition, guint epoch,
    const SyrinxFragmentRow *row, gpointer user_data)
{
  Check *check = user_data;
  const gchar *dir = syrinx_store_get_state_dir (check->store);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) chunk = syrinx_chunk_files_read (
      dir, track_id, rendition, epoch, row->number, row->size_bytes, &error);
  gboolean ok = chunk && has_digest (chunk, row->sha256, &error);
  g_autofree gchar *where = g_strdup_printf (
      "cache: %s/%s/%u/%u.m4s", track_id, rendition, epoch, row->number);

  check->n_fragments++;
  check->bytes += row->size_bytes;
  if (!ok && is_known_still (check, track_id, rendition, epoch, row->number))
    tell (check, where, error->message);
}

static gboolean
check_files (Check *check, Ctl *ctl, GError **error)
{
  check->store = syrinx_store_open (ctl->state_dir, FALSE, error);
  return check->store
         && syrinx_store_foreach_fragment (
             check->store, on_fragment, check, error);
}

static void
print_figures (const Check *check, gboolean reads_files)
{
  if (check->n_problems == 0)
    g_print ("nothing is wrong with the index\n");
  if (reads_files)
    g_print ("%" G_GUINT64_FORMAT " fragments, %" G_GUINT64_FORMAT
             " bytes, were read\n",
        check->n_fragments, check->bytes);
}

static void
advise (const Check *check)
{
  if (check->n_problems == 0)
    return;
  g_printerr ("syrinxctl: problems: %u. What is wrong in the cache is made "
              "again when it is asked for. If it is the index: stop syrinxd, "
              "then put a copy of the state directory back, or `syrinxctl "
              "check --rebuild`\n",
      check->n_problems);
}

static void
print_json (Check *check)
{
  g_autoptr (JsonNode) root = NULL;
  g_autofree gchar *text = NULL;

  json_builder_end_array (check->json);
  json_builder_set_member_name (check->json, "fragments_read");
  json_builder_add_int_value (check->json, check->n_fragments);
  json_builder_end_object (check->json);
  root = json_builder_get_root (check->json);
  text = json_to_string (root, TRUE);
  g_print ("%s\n", text);
}

static CtlExit
look (Ctl *ctl, gboolean reads_files)
{
  g_autoptr (JsonBuilder) json = ctl->json ? json_builder_new () : NULL;
  Check check = { .json = json };
  g_autoptr (GError) error = NULL;
  gboolean ok;

  if (json) {
    json_builder_begin_object (json);
    json_builder_set_member_name (json, "problems");
    json_builder_begin_array (json);
  }
  ok = syrinx_store_check (ctl->state_dir, on_index_problem, &check, &error)
       && (!reads_files || check.n_problems
           || check_files (&check, ctl, &error));
  g_clear_pointer (&check.store, syrinx_store_unref);
  if (json)
    print_json (&check);
  else if (ok)
    print_figures (&check, reads_files);
  if (!ok)
    return ctl_report (error);
  advise (&check);
  return check.n_problems ? CTL_FAILED : CTL_OK;
}

static CtlExit
rebuild (Ctl *ctl)
{
  g_autofree gchar *kept = NULL;
  g_autoptr (GError) error = NULL;
  guint n_revocations = 0;
  SyrinxStore *store
      = syrinx_store_begin_anew (ctl->state_dir, &kept, &n_revocations, &error);

  if (!store)
    return ctl_report (error);
  syrinx_store_unref (store);
  g_print ("The old index is kept as %s; revocations taken over from it: %u."
           "\nThe next start of syrinxd reads the folders again. Tracks get "
           "new ids and keys;\nwhat is in %s/chunks belongs to the old index "
           "and can be removed.\n",
      kept, n_revocations, ctl->state_dir);
  return CTL_OK;
}

CtlExit
ctl_check (Ctl *ctl, int argc, char **argv)
{
  gboolean reads_files = FALSE, is_rebuild = FALSE;
  const GOptionEntry entries[] = {
    { "files", 0, 0, G_OPTION_ARG_NONE, &reads_files,
        "Read every fragment in the cache, too", NULL },
    { "rebuild", 0, 0, G_OPTION_ARG_NONE, &is_rebuild,
        "Keep the index aside and begin a new one (no daemon may run)", NULL },
    { NULL },
  };

  if (!ctl_parse ("check [--files] [--rebuild]", entries, &argc, &argv))
    return CTL_USAGE;
  if (argc > 1 || (reads_files && is_rebuild)) {
    g_printerr ("syrinxctl: check takes --files or --rebuild\n");
    return CTL_USAGE;
  }
  return is_rebuild ? rebuild (ctl) : look (ctl, reads_files);
}
