/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Key and token events of the journal are written to the audit log, and a
 * failed write is reported. */
#include "daemon/audit-reader.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

typedef struct
{
  gchar *dir, *path;
  SyrinxJournal *journal;
  SyrinxAuditReader *reader;
  guint n_errors;
} Fixture;

static SyrinxAudit *
open_audit (Fixture *f)
{
  g_autoptr (GError) error = NULL;
  SyrinxAudit *audit = syrinx_audit_open (f->dir, NULL, &error);

  g_assert_no_error (error);
  return audit;
}

static void
count_error (const SyrinxEvent *event, gpointer data)
{
  Fixture *f = data;

  g_assert_nonnull (strstr (event->reason, "audit log"));
  f->n_errors++;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->dir = g_dir_make_tmp ("syrinx-audit-reader-XXXXXX", NULL);
  f->path = g_build_filename (f->dir, "audit.log", NULL);
  f->journal = syrinx_journal_new ();
  f->reader = syrinx_audit_reader_new (f->journal, open_audit (f));
  syrinx_journal_add_reader (
      f->journal, SYRINX_EVENT_BIT (SYRINX_EVENT_ERROR), count_error, f);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  syrinx_audit_reader_free (f->reader);
  syrinx_journal_free (f->journal);
  g_unlink (f->path);
  g_assert_cmpint (g_rmdir (f->dir), ==, 0);
  g_free (f->path);
  g_free (f->dir);
}

static void
note_revoked (Fixture *f, const gchar *subject)
{
  syrinx_journal_note (
      f->journal, &(SyrinxEvent){ .kind = SYRINX_EVENT_TOKEN_REVOKED,
                      .subject = subject,
                      .through = "bus" });
}

/* (transfer full) */
static gchar *
read_log (Fixture *f)
{
  gchar *text;

  g_assert_true (g_file_get_contents (f->path, &text, NULL, NULL));
  return text;
}

static void
keys_and_tokens_are_written_and_nothing_else (Fixture *f, gconstpointer data)
{
  g_autofree gchar *text = NULL;

  note_revoked (f, "eve");
  syrinx_journal_note (
      f->journal, &(SyrinxEvent){ .kind = SYRINX_EVENT_KEY_ROTATED,
                      .key = "content",
                      .track = "t1",
                      .rendition = "opus-128",
                      .n_keys = 3,
                      .through = "bus" });
  syrinx_journal_note (f->journal, &(SyrinxEvent){ .kind = SYRINX_EVENT_REFUSED,
                                       .subject = "mallory",
                                       .reason = "no-right" });
  text = read_log (f);
  g_assert_nonnull (strstr (text, "\"event\":\"token-revoked\",\"subject\":"
                                  "\"eve\",\"through\":\"bus\"}\n"));
  g_assert_nonnull (strstr (text,
      "\"event\":\"key-rotated\",\"track\":\"t1\",\"rendition\":\"opus-128\","
      "\"key\":\"content\",\"keys\":3,\"through\":\"bus\"}\n"));
  g_assert_null (strstr (text, "mallory"));
}

/* Limits the size of files to @bytes. */
static void
limit_files (rlim_t bytes)
{
  struct rlimit limit;

  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  limit.rlim_cur = MIN (bytes, limit.rlim_max);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
}

static void
expect_warning (void)
{
  g_test_expect_message (
      G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "*audit.log has lost a line*");
}

/* One warning until writing works again, and an error event for each line. */
static void
a_line_that_is_lost_is_told (Fixture *f, gconstpointer data)
{
  g_autofree gchar *before = NULL, *text = NULL;

  signal (SIGXFSZ, SIG_IGN);
  note_revoked (f, "first");
  before = read_log (f);
  limit_files (strlen (before));
  expect_warning ();
  note_revoked (f, "second");
  g_test_assert_expected_messages ();
  note_revoked (f, "third");
  limit_files (RLIM_INFINITY);
  g_assert_cmpuint (f->n_errors, ==, 2);
  note_revoked (f, "fourth");
  text = read_log (f);
  g_assert_nonnull (strstr (text, "\"first\""));
  g_assert_null (strstr (text, "\"second\""));
  g_assert_nonnull (strstr (text, "\"fourth\""));
  limit_files (strlen (text));
  expect_warning ();
  note_revoked (f, "fifth");
  g_test_assert_expected_messages ();
  limit_files (RLIM_INFINITY);
  g_assert_cmpuint (f->n_errors, ==, 3);
}

static void
another_log_takes_over (Fixture *f, gconstpointer data)
{
  g_autofree gchar *moved = g_strconcat (f->path, ".1", NULL);
  g_autofree gchar *text = NULL;

  note_revoked (f, "old");
  g_assert_cmpint (g_rename (f->path, moved), ==, 0);
  syrinx_audit_reader_set_audit (f->reader, open_audit (f));
  note_revoked (f, "new");
  text = read_log (f);
  g_assert_null (strstr (text, "\"old\""));
  g_assert_nonnull (strstr (text, "\"new\""));
  g_unlink (moved);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name)                                                              \
  g_test_add ("/audit-reader/" #name, Fixture, NULL, set_up, name, tear_down)
  ADD (keys_and_tokens_are_written_and_nothing_else);
  ADD (a_line_that_is_lost_is_told);
  ADD (another_log_takes_over);
  return g_test_run ();
}
