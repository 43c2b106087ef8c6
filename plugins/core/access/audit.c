/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The audit log. */
#include "audit.h"

#include "core/base/error.h"
#include "core/base/identifier.h"
#include "core/base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME         "audit.log"
#define MAX_PAYLOAD_BYTES (16 * 1024)

struct _SyrinxAudit
{
  /* constant after open */
  gchar *path;
  gint fd; /* -1: nothing is logged */

  GMutex lock;
  gboolean is_failing; /* protected by lock */
};

static gboolean
check_mode (gint fd, const gchar *path, GError **error)
{
  struct stat status;

  if (fstat (fd, &status) == 0 && S_ISREG (status.st_mode)
      && !(status.st_mode & 077))
    return TRUE;
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_DENIED,
      "the audit log %s must be a file that nobody but its owner can use; "
      "run: chmod 600 %s",
      path, path);
  return FALSE;
}

SyrinxAudit *
syrinx_audit_open (const gchar *state_dir, const gchar *setting, GError **error)
{
  g_autoptr (SyrinxAudit) audit = g_new0 (SyrinxAudit, 1);

  g_mutex_init (&audit->lock);
  audit->fd = -1;
  if (g_strcmp0 (setting, "none") == 0)
    return g_steal_pointer (&audit);
  audit->path = setting ? g_canonicalize_filename (setting, NULL)
                        : g_build_filename (state_dir, FILE_NAME, NULL);
  audit->fd = open (audit->path,
      O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
      0600);
  if (audit->fd < 0) {
    gint code = errno;
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_FAILED,
        "can't open the audit log %s: %s (audit-log says where it is, or none)",
        audit->path, g_strerror (code));
    return NULL;
  }
  return check_mode (audit->fd, audit->path, error) ? g_steal_pointer (&audit)
                                                    : NULL;
}

void
syrinx_audit_free (SyrinxAudit *audit)
{
  if (audit->fd >= 0)
    close (audit->fd);
  g_mutex_clear (&audit->lock);
  g_free (audit->path);
  g_free (audit);
}

/* --- A line --- */

static void
add_text (JsonBuilder *json, const gchar *name, const gchar *value)
{
  g_autofree gchar *valid = value ? g_utf8_make_valid (value, -1) : NULL;

  if (!valid)
    return;
  json_builder_set_member_name (json, name);
  json_builder_add_string_value (json, valid);
}

static void
add_number (JsonBuilder *json, const gchar *name, gint64 value)
{
  if (value == 0)
    return;
  json_builder_set_member_name (json, name);
  json_builder_add_int_value (json, value);
}

/* (transfer full), with its line feed. */
static gchar *
make_line (const SyrinxAuditEntry *entry)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree gchar *time = g_date_time_format (now, "%Y-%m-%dT%H:%M:%S.%fZ");
  g_autoptr (JsonBuilder) json = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree gchar *text = NULL;

  json_builder_begin_object (json);
  add_text (json, "time", time);
  add_text (json, "event", entry->event);
  add_text (json, "subject", entry->subject);
  add_text (json, "session", entry->session);
  add_text (json, "client", entry->client);
  add_text (json, "track", entry->track);
  add_text (json, "rendition", entry->rendition);
  add_number (json, "epoch", entry->epoch);
  add_text (json, "key", entry->key);
  add_text (json, "form", entry->form);
  add_text (json, "jti", entry->jti);
  add_text (json, "scope", entry->scope);
  add_number (json, "expires_at", entry->expires_at);
  add_number (json, "keys", entry->n_keys);
  add_text (json, "through", entry->through);
  json_builder_end_object (json);
  root = json_builder_get_root (json);
  text = json_to_string (root, FALSE);
  return g_strconcat (text, "\n", NULL);
}

/* Each line is one write(): with O_APPEND, lines of several processes don't
 * mix. */
static gboolean
append (SyrinxAudit *audit, const gchar *line)
{
  gsize size_bytes = strlen (line);
  gssize n = write (audit->fd, line, size_bytes);
  gboolean failed = n != (gssize)size_bytes;

  g_mutex_lock (&audit->lock);
  if (failed && !audit->is_failing)
    g_warning ("the audit log %s has lost a line: %s", audit->path,
        n < 0 ? g_strerror (errno) : "no space");
  audit->is_failing = failed;
  g_mutex_unlock (&audit->lock);
  return !failed;
}

gboolean
syrinx_audit_note (SyrinxAudit *audit, const SyrinxAuditEntry *entry)
{
  g_autofree gchar *line = NULL;

  if (!audit || audit->fd < 0)
    return TRUE;
  line = make_line (entry);
  return append (audit, line);
}

JsonObject *
syrinx_audit_read_claims (const gchar *token)
{
  g_auto (GStrv) parts = g_strsplit (token, ".", 3);
  g_autoptr (GBytes) payload = parts[0] && parts[1] ? syrinx_base64url_decode (
                                   parts[1], MAX_PAYLOAD_BYTES)
                                                    : NULL;

  return payload ? syrinx_json_parse_object (
             g_bytes_get_data (payload, NULL), g_bytes_get_size (payload), NULL)
                 : NULL;
}

void
syrinx_audit_note_token (
    SyrinxAudit *audit, const gchar *token, const gchar *through)
{
  g_autoptr (JsonObject) claims = syrinx_audit_read_claims (token);
  SyrinxAuditEntry entry = { .event = "token-issued", .through = through };

  if (claims) {
    entry.subject = syrinx_json_get_string (claims, "sub");
    entry.jti = syrinx_json_get_string (claims, "jti");
    entry.scope = syrinx_json_get_string (claims, "scope");
    syrinx_json_get_int (claims, "exp", &entry.expires_at);
  }
  syrinx_audit_note (audit, &entry);
}
