/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A fragment source: the files of a state directory. */
#include "fragment-source.h"

#include "chunk-files.h"
#include "core/base/error.h"

typedef struct
{
  SyrinxFragmentSource source;
  gchar *state_dir;
} DiskSource;

static void
remove_file (DiskSource *disk, const SyrinxFragmentRequest *request)
{
  const SyrinxRenditionRow *row = request->row;

  syrinx_chunk_files_remove (
      disk->state_dir, row->track_id, row->name, row->epoch, request->number);
}

/* A damaged or missing file is answered NOT_HERE, so that other sources are
 * asked. A file that can't be read now may be readable later, so it is not made
 * again. */
static SyrinxSourceAnswer
ask (SyrinxFragmentSource *source, SyrinxFragmentRequest *request,
    GBytes **chunk, GError **error)
{
  DiskSource *disk = (DiskSource *)source;
  const SyrinxRenditionRow *row = request->row;
  g_autoptr (GError) cause = NULL;

  *chunk = syrinx_chunk_files_read (disk->state_dir, row->track_id, row->name,
      row->epoch, request->number, request->fragment.size_bytes, &cause);
  if (*chunk)
    return SYRINX_ANSWER_HERE;
  if (g_error_matches (cause, SYRINX_ERROR, SYRINX_ERROR_FAILED)) {
    g_propagate_error (error, g_steal_pointer (&cause));
    return SYRINX_ANSWER_FAILED;
  }
  g_warning ("%s; it is looked for elsewhere, or made again", cause->message);
  remove_file (disk, request);
  return SYRINX_ANSWER_NOT_HERE;
}

static void
refuse (SyrinxFragmentSource *source, const SyrinxFragmentRequest *request)
{
  const SyrinxRenditionRow *row = request->row;

  g_warning ("%s/%s/%u/%d on the disk is not what was written: its digest "
             "differs; it is removed and made again",
      row->track_id, row->name, row->epoch, request->number);
  remove_file ((DiskSource *)source, request);
}

static void
disk_source_free (SyrinxFragmentSource *source)
{
  DiskSource *disk = (DiskSource *)source;

  g_free (disk->state_dir);
  g_free (disk);
}

SyrinxFragmentSource *
syrinx_disk_source_new (const gchar *state_dir)
{
  DiskSource *disk = g_new0 (DiskSource, 1);

  disk->source = (SyrinxFragmentSource){ .kind = SYRINX_SOURCE_AT_HAND,
    .ask = ask,
    .refuse = refuse,
    .free = disk_source_free };
  disk->state_dir = g_strdup (state_dir);
  return &disk->source;
}
