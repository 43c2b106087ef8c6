/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of mounts. */
#include "shares.h"

#include <string.h>

typedef struct
{
  gchar *path;
  gboolean is_share;
} Mount;

struct _SyrinxMounts
{
  GArray *mounts; /* Mount, in the order of mounting */
};

static void
clear_mount (gpointer data)
{
  g_free (((Mount *)data)->path);
}

static gboolean
is_share_type (const gchar *type)
{
  static const gchar *const types[] = { "9p", "afs", "ceph", "cifs", "coda",
    "fuse", "nfs", "nfs4", "smb3", "smbfs", "virtiofs", NULL };

  return g_strv_contains (types, type) || g_str_has_prefix (type, "fuse.");
}

/* Decodes "a\040b" to "a b". (transfer full) */
static gchar *
unescape (const gchar *text)
{
  GString *path = g_string_new (NULL);

  for (const gchar *p = text; *p; p++) {
    if (*p == '\\' && g_ascii_isdigit (p[1]) && g_ascii_isdigit (p[2])
        && g_ascii_isdigit (p[3])) {
      g_string_append_c (
          path, (gchar)((p[1] - '0') * 64 + (p[2] - '0') * 8 + p[3] - '0'));
      p += 3;
    } else {
      g_string_append_c (path, *p);
    }
  }
  return g_string_free (path, FALSE);
}

static void
parse_line (SyrinxMounts *mounts, const gchar *line)
{
  g_auto (GStrv) fields = g_strsplit (line, " ", -1);
  guint n = g_strv_length (fields), dash = 6;
  Mount mount;

  while (dash < n && !g_str_equal (fields[dash], "-"))
    dash++;
  if (dash + 1 >= n)
    return;
  mount.path = unescape (fields[4]);
  mount.is_share = is_share_type (fields[dash + 1]);
  g_array_append_val (mounts->mounts, mount);
}

SyrinxMounts *
syrinx_mounts_parse (const gchar *text)
{
  SyrinxMounts *mounts = g_new0 (SyrinxMounts, 1);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  mounts->mounts = g_array_new (FALSE, FALSE, sizeof (Mount));
  g_array_set_clear_func (mounts->mounts, clear_mount);
  for (guint i = 0; lines[i]; i++)
    parse_line (mounts, lines[i]);
  return mounts;
}

SyrinxMounts *
syrinx_mounts_new (void)
{
  g_autofree gchar *text = NULL;

  g_file_get_contents ("/proc/self/mountinfo", &text, NULL, NULL);
  return syrinx_mounts_parse (text ? text : "");
}

void
syrinx_mounts_free (SyrinxMounts *mounts)
{
  g_array_unref (mounts->mounts);
  g_free (mounts);
}

/* The part of @path below @folder; NULL: it is elsewhere. */
static const gchar *
get_below (const gchar *path, const gchar *folder)
{
  gsize n = strlen (folder);

  if (n > 0 && folder[n - 1] == '/')
    n--;
  if (strncmp (path, folder, n) != 0 || (path[n] != '\0' && path[n] != '/'))
    return NULL;
  return path[n] ? path + n + 1 : path + n;
}

gboolean
syrinx_mounts_is_share (const SyrinxMounts *mounts, const gchar *path)
{
  gsize longest = 0;
  gboolean is_share = FALSE;

  for (guint i = 0; i < mounts->mounts->len; i++) {
    const Mount *mount = &g_array_index (mounts->mounts, Mount, i);

    if (strlen (mount->path) < longest || !get_below (path, mount->path))
      continue;
    longest = strlen (mount->path);
    is_share = mount->is_share;
  }
  return is_share;
}

gchar **
syrinx_mounts_list_shares (const SyrinxMounts *mounts, const gchar *path)
{
  g_autoptr (GStrvBuilder) list = g_strv_builder_new ();

  for (guint i = 0; i < mounts->mounts->len; i++) {
    const Mount *mount = &g_array_index (mounts->mounts, Mount, i);
    const gchar *below = get_below (mount->path, path);
    g_autofree gchar *prefix = NULL;

    if (!below || !*below || !syrinx_mounts_is_share (mounts, mount->path))
      continue;
    prefix = g_strconcat (below, "/", NULL);
    g_strv_builder_add (list, prefix);
  }
  return g_strv_builder_end (list);
}
