/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The audit log: whole lines in a private file, which can be moved away. */
#include "core/access/audit.h"

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/access/token.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  gchar *dir, *path;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->dir = g_dir_make_tmp ("syrinx-audit-XXXXXX", NULL);
  f->path = g_build_filename (f->dir, "audit.log", NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_autofree gchar *key = g_build_filename (f->dir, "node-key.jwk", NULL);

  g_unlink (key);
  g_unlink (f->path);
  g_assert_cmpint (g_rmdir (f->dir), ==, 0);
  g_free (f->path);
  g_free (f->dir);
}

static SyrinxAudit *
open_audit (Fixture *f)
{
  g_autoptr (GError) error = NULL;
  SyrinxAudit *audit = syrinx_audit_open (f->dir, NULL, &error);

  g_assert_no_error (error);
  return audit;
}

/* The lines of @path, each parsed. (element-type JsonObject) */
static GPtrArray *
read_lines (const gchar *path)
{
  GPtrArray *lines
      = g_ptr_array_new_with_free_func ((GDestroyNotify)json_object_unref);
  g_autofree gchar *text = NULL;
  g_auto (GStrv) parts = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_true (g_str_has_suffix (text, "\n"));
  parts = g_strsplit (text, "\n", -1);
  for (guint i = 0; parts[i + 1]; i++) {
    JsonObject *line
        = syrinx_json_parse_object (parts[i], strlen (parts[i]), NULL);
    g_assert_nonnull (line);
    g_ptr_array_add (lines, line);
  }
  return lines;
}

static void
an_entry_is_one_line_whatever_its_texts_hold (Fixture *f, gconstpointer data)
{
  static const gchar hostile[] = "a\"b\n{\\\xff\x1b[2J";
  g_autoptr (SyrinxAudit) audit = open_audit (f);
  g_autoptr (GPtrArray) lines = NULL;
  JsonObject *line;
  GStatBuf status;

  syrinx_audit_note (audit, &(SyrinxAuditEntry){ .event = "key-given",
                                .subject = hostile,
                                .track = "t",
                                .epoch = 3,
                                .form = "raw" });
  syrinx_audit_note (audit, &(SyrinxAuditEntry){ .event = "key-rotated" });
  lines = read_lines (f->path);
  g_assert_cmpuint (lines->len, ==, 2);
  line = lines->pdata[0];
  g_assert_cmpstr (syrinx_json_get_string (line, "event"), ==, "key-given");
  g_assert_nonnull (syrinx_json_get_string (line, "time"));
  g_assert_cmpint (json_object_get_int_member (line, "epoch"), ==, 3);
  g_assert_true (
      g_str_has_prefix (syrinx_json_get_string (line, "subject"), "a\"b\n{"));
  g_assert_false (json_object_has_member (line, "client"));
  g_assert_cmpint (g_stat (f->path, &status), ==, 0);
  g_assert_cmpuint (status.st_mode & 0777, ==, 0600);
}

static void
a_log_that_was_moved_away_is_begun_anew (Fixture *f, gconstpointer data)
{
  g_autofree gchar *moved = g_strconcat (f->path, ".1", NULL);
  SyrinxAudit *audit = open_audit (f);
  g_autoptr (SyrinxAudit) again = NULL;
  g_autoptr (GPtrArray) before = NULL, after = NULL;

  g_assert_cmpint (g_rename (f->path, moved), ==, 0);
  syrinx_audit_note (audit, &(SyrinxAuditEntry){ .event = "one" });
  again = open_audit (f);
  syrinx_audit_free (audit);
  syrinx_audit_note (again, &(SyrinxAuditEntry){ .event = "two" });
  before = read_lines (moved);
  after = read_lines (f->path);
  g_assert_cmpuint (before->len, ==, 1);
  g_assert_cmpuint (after->len, ==, 1);
  g_unlink (moved);
}

static void
a_log_that_others_can_read_is_refused (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents_full (
      f->path, "", 0, G_FILE_SET_CONTENTS_NONE, 0644, NULL));
  g_assert_null (syrinx_audit_open (f->dir, NULL, &error));
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_DENIED);
  g_assert_nonnull (strstr (error->message, "chmod 600"));
}

static void
none_keeps_nothing (Fixture *f, gconstpointer data)
{
  g_autoptr (SyrinxAudit) audit = syrinx_audit_open (f->dir, "none", NULL);

  g_assert_nonnull (audit);
  syrinx_audit_note (audit, &(SyrinxAuditEntry){ .event = "one" });
  g_assert_false (g_file_test (f->path, G_FILE_TEST_EXISTS));
}

static void
a_token_is_noted_by_its_claims_and_without_its_signature (
    Fixture *f, gconstpointer data)
{
  const SyrinxTokenRequest request
      = { .subject = "ada", .scope = "listen,admin", .ttl_s = 60 };
  g_autoptr (SyrinxAudit) audit = open_audit (f);
  g_autoptr (SyrinxIssuer) issuer = syrinx_issuer_open (f->dir, TRUE, NULL);
  g_autofree gchar *token = syrinx_issuer_issue (issuer, &request, NULL);
  g_autofree gchar *text = NULL;
  g_autoptr (GPtrArray) lines = NULL;
  JsonObject *line;

  syrinx_audit_note_token (audit, token, "files");
  syrinx_audit_note_token (audit, "no token", "files");
  lines = read_lines (f->path);
  g_assert_cmpuint (lines->len, ==, 2);
  line = lines->pdata[0];
  g_assert_cmpstr (syrinx_json_get_string (line, "subject"), ==, "ada");
  g_assert_cmpstr (syrinx_json_get_string (line, "scope"), ==, "listen admin");
  g_assert_nonnull (syrinx_json_get_string (line, "jti"));
  g_assert_cmpint (json_object_get_int_member (line, "expires_at"), >, 0);
  g_assert_true (g_file_get_contents (f->path, &text, NULL, NULL));
  g_assert_null (strstr (text, strrchr (token, '.') + 1));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name)                                                              \
  g_test_add ("/audit/" #name, Fixture, NULL, set_up, name, tear_down)
  ADD (an_entry_is_one_line_whatever_its_texts_hold);
  ADD (a_log_that_was_moved_away_is_begun_anew);
  ADD (a_log_that_others_can_read_is_refused);
  ADD (none_keeps_nothing);
  ADD (a_token_is_noted_by_its_claims_and_without_its_signature);
  return g_test_run ();
}
