/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hostile output of a compromised worker: messages, and the reports about a
 * file in them. */
#include "daemon/ingest/worker-report.h"
#include "daemon/ingest/report-text.h"
#include "daemon/worker/protocol.h"
#include "fuzz.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static gchar *folder;

static void
clean_up (void)
{
  g_autofree gchar *artwork = g_build_filename (folder, "artwork", NULL);

  g_rmdir (artwork);
  g_rmdir (folder);
}

/* Artwork is written to files. */
static void
prepare (void)
{
  if (folder)
    return;
  folder = g_dir_make_tmp ("syrinx-fuzz-XXXXXX", NULL);
  g_assert_nonnull (folder);
  atexit (clean_up);
}

static void
forget_artwork (const SyrinxTrack *track)
{
  g_autofree gchar *path
      = g_build_filename (folder, "artwork", track->artwork, NULL);

  if (track->artwork)
    g_unlink (path);
}

static void
read_message (const SyrinxMessage *message)
{
  gsize size;
  const gchar *text = g_bytes_get_data (message->payload, &size);

  if (message->type == SYRINX_MESSAGE_RESULT) {
    g_autoptr (GVariant) dict = syrinx_message_get_dict (message);
    g_autoptr (GError) error = NULL;
    g_autoptr (SyrinxTrack) track
        = dict ? syrinx_report_read (dict, "a.mp3", folder, &error) : NULL;
    g_assert_true (!dict || !track == !!error);
    if (track)
      forget_artwork (track);
  } else if (message->type == SYRINX_MESSAGE_FAILED) {
    g_autofree gchar *clean
        = syrinx_report_clean_text (text ? text : "", size, 200);
    g_assert_true (g_utf8_validate (clean, -1, NULL));
    g_assert_cmpuint (strlen (clean), <=, 200);
  }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  int ends[2];

  prepare ();
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM, 0, ends), ==, 0);
  g_assert_cmpint (
      send (ends[0], data, MIN (size, 65536), MSG_DONTWAIT), >=, 0);
  close (ends[0]);
  for (;;) {
    g_auto (SyrinxMessage) message = { .fd = -1 };
    g_autoptr (GError) error = NULL;
    if (!syrinx_message_receive (ends[1], 0, &message, &error)) {
      g_assert_nonnull (error);
      break;
    }
    read_message (&message);
  }
  close (ends[1]);
  return 0;
}
