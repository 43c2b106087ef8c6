/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file's tags as they are found in it: texts under the names that TagLib's
 * properties have (https://taglib.org/api/p_propertymapping.html), upper case,
 * several values each; and pictures. Bounded in number and size. Any thread,
 * one at a time. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SYRINX_TAGS_MAX_VALUES        64 /* of a name */
#define SYRINX_TAGS_MAX_NAMES         512
#define SYRINX_TAGS_MAX_VALUE_BYTES   (256 * 1024) /* a text of lyrics */
#define SYRINX_TAGS_MAX_CHAPTERS      1000
#define SYRINX_TAGS_MAX_PICTURE_BYTES (8 * 1024 * 1024)

typedef struct _SyrinxTags SyrinxTags;

SyrinxTags *syrinx_tags_new (void);
void syrinx_tags_free (SyrinxTags *tags);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxTags, syrinx_tags_free)

/* Blank and duplicate values are skipped; invalid UTF-8 is repaired, long
 * values are cut. */
void syrinx_tags_add (SyrinxTags *tags, const gchar *name, const gchar *value);
/* NULL: the tag does not exist. (transfer none), NULL-terminated. */
const gchar *const *syrinx_tags_get_all (SyrinxTags *tags, const gchar *name);
/* The first value. (nullable) (transfer none) */
const gchar *syrinx_tags_get (SyrinxTags *tags, const gchar *name);

/* @type: as in ID3v2's APIC (3: the front cover; 1 and 2: icons). Keeps the
 * best one: the front before others, those before icons. What is no PNG, JPEG,
 * GIF or WebP (a link, say) is not kept. */
void syrinx_tags_add_picture (
    SyrinxTags *tags, guint type, const guint8 *data, gsize n_bytes);
/* (nullable) (transfer none) */
GBytes *syrinx_tags_get_picture (SyrinxTags *tags);

typedef struct
{
  guint64 start_ns, end_ns; /* end 0: unknown */
  gchar *title;             /* maybe "" */
} SyrinxTagsChapter;

void syrinx_tags_add_chapter (
    SyrinxTags *tags, guint64 start_ns, guint64 end_ns, const gchar *title);
/* (element-type SyrinxTagsChapter) (transfer none), by their starts. */
GArray *syrinx_tags_get_chapters (SyrinxTags *tags);

G_END_DECLS
