/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A collection of tags. */
#include "tags.h"

#include <string.h>

#define TYPE_FRONT     3
#define TYPE_LAST_ICON 2

struct _SyrinxTags
{
  GHashTable *values; /* name → GPtrArray of gchar *, NULL-terminated */
  GBytes *picture;    /* (nullable) */
  guint rank;         /* of the picture: lower is better */
  GArray *chapters;   /* of SyrinxTagsChapter */
};

static void
clear_chapter (gpointer chapter)
{
  g_free (((SyrinxTagsChapter *)chapter)->title);
}

SyrinxTags *
syrinx_tags_new (void)
{
  SyrinxTags *self = g_new0 (SyrinxTags, 1);

  self->values = g_hash_table_new_full (
      g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
  self->chapters = g_array_new (FALSE, FALSE, sizeof (SyrinxTagsChapter));
  g_array_set_clear_func (self->chapters, clear_chapter);
  return self;
}

void
syrinx_tags_free (SyrinxTags *self)
{
  g_hash_table_unref (self->values);
  g_array_unref (self->chapters);
  g_clear_pointer (&self->picture, g_bytes_unref);
  g_free (self);
}

/* --- Texts --- */

static gboolean
has_value (GPtrArray *list, const gchar *value)
{
  for (guint i = 0; i + 1 < list->len; i++)
    if (strcmp (list->pdata[i], value) == 0)
      return TRUE;
  return FALSE;
}

static GPtrArray *
get_list (SyrinxTags *self, const gchar *name)
{
  g_autofree gchar *key = g_ascii_strup (name, -1);
  GPtrArray *list = g_hash_table_lookup (self->values, key);

  if (list || g_hash_table_size (self->values) >= SYRINX_TAGS_MAX_NAMES)
    return list;
  list = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (list, NULL);
  g_hash_table_insert (self->values, g_steal_pointer (&key), list);
  return list;
}

void
syrinx_tags_add (SyrinxTags *self, const gchar *name, const gchar *value)
{
  gsize n = strnlen (value, SYRINX_TAGS_MAX_VALUE_BYTES);
  g_autofree gchar *valid = g_utf8_make_valid (value, (gssize)n);
  GPtrArray *list;

  g_strstrip (valid);
  if (!*valid || !*name)
    return;
  list = get_list (self, name);
  if (list && list->len <= SYRINX_TAGS_MAX_VALUES && !has_value (list, valid))
    g_ptr_array_insert (list, (gint)list->len - 1, g_steal_pointer (&valid));
}

const gchar *const *
syrinx_tags_get_all (SyrinxTags *self, const gchar *name)
{
  GPtrArray *list = g_hash_table_lookup (self->values, name);

  return list && list->len > 1 ? (const gchar *const *)list->pdata : NULL;
}

const gchar *
syrinx_tags_get (SyrinxTags *self, const gchar *name)
{
  const gchar *const *all = syrinx_tags_get_all (self, name);

  return all ? all[0] : NULL;
}

/* --- Pictures --- */

static gboolean
is_picture (const guint8 *data, gsize n_bytes)
{
  static const guint8 png[] = { 0x89, 'P', 'N', 'G', 13, 10, 26, 10 };

  return n_bytes > 16
         && (memcmp (data, "\xff\xd8\xff", 3) == 0
             || memcmp (data, png, sizeof png) == 0
             || memcmp (data, "GIF87a", 6) == 0
             || memcmp (data, "GIF89a", 6) == 0
             || (memcmp (data, "RIFF", 4) == 0
                 && memcmp (data + 8, "WEBP", 4) == 0));
}

static guint
get_rank (guint type)
{
  if (type == TYPE_FRONT)
    return 0;
  return type >= 1 && type <= TYPE_LAST_ICON ? 2 : 1;
}

void
syrinx_tags_add_picture (
    SyrinxTags *self, guint type, const guint8 *data, gsize n_bytes)
{
  guint rank = get_rank (type);

  if (n_bytes > SYRINX_TAGS_MAX_PICTURE_BYTES || !is_picture (data, n_bytes)
      || (self->picture && self->rank <= rank))
    return;
  g_clear_pointer (&self->picture, g_bytes_unref);
  self->picture = g_bytes_new (data, n_bytes);
  self->rank = rank;
}

GBytes *
syrinx_tags_get_picture (SyrinxTags *self)
{
  return self->picture;
}

/* --- Chapters --- */

void
syrinx_tags_add_chapter (
    SyrinxTags *self, guint64 start_ns, guint64 end_ns, const gchar *title)
{
  SyrinxTagsChapter chapter
      = { start_ns, end_ns > start_ns ? end_ns : 0, NULL };

  if (self->chapters->len >= SYRINX_TAGS_MAX_CHAPTERS)
    return;
  chapter.title = g_utf8_make_valid (title, -1);
  g_array_append_val (self->chapters, chapter);
}

static gint
compare_chapters (gconstpointer a, gconstpointer b)
{
  const SyrinxTagsChapter *x = a, *y = b;

  return x->start_ns < y->start_ns ? -1 : x->start_ns > y->start_ns;
}

GArray *
syrinx_tags_get_chapters (SyrinxTags *self)
{
  g_array_sort (self->chapters, compare_chapters);
  return self->chapters;
}
