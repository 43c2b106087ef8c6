/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP: a track's own file, with ranges.
 *
 * It is read piece by piece, beside the main loop, and never mapped: a file
 * that shrinks or a disk that fails would end the process (SIGBUS) where a
 * layer such as TLS reads from the map, and a slow one would hold up everybody
 * else. */
#include "http-request.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PIECE_BYTES (256 * 1024)

/* --- The file --- */

/* Beneath its root and nowhere else, whatever links lie there. */
static int
open_beneath (const gchar *root, const gchar *path, struct stat *status)
{
  struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
    .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
  int dir = open (root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  int fd
      = dir < 0 ? -1 : (int)syscall (SYS_openat2, dir, path, &how, sizeof how);

  if (dir >= 0)
    close (dir);
  if (fd >= 0 && (fstat (fd, status) < 0 || !S_ISREG (status->st_mode))) {
    close (fd);
    return -1;
  }
  return fd;
}

static const gchar *
media_type_of (const SyrinxTrack *track)
{
  static const gchar *const types[][2] = { { ".flac", "audio/flac" },
    { ".mp3", "audio/mpeg" }, { ".ogg", "audio/ogg" }, { ".oga", "audio/ogg" },
    { ".opus", "audio/ogg" }, { ".m4a", "audio/mp4" }, { ".aac", "audio/aac" },
    { ".wav", "audio/wav" } };
  g_autofree gchar *lower = g_ascii_strdown (track->path, -1);

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (g_str_has_suffix (lower, types[i][0]))
      return types[i][1];
  return "application/octet-stream";
}

/* --- Ranges (RFC 9110, section 14) --- */

typedef enum
{
  RANGE_NONE, /* or one that may be ignored */
  RANGE_PART,
  RANGE_OUTSIDE
} Range;

/* Digits alone, to @end or to the end of @text if that is NULL. */
static gboolean
read_offset (const gchar *text, const gchar *end, goffset *offset)
{
  g_autofree gchar *digits = end ? g_strndup (text, end - text) : NULL;
  guint64 value;

  if (!g_ascii_string_to_unsigned (
          digits ? digits : text, 10, 0, G_MAXINT64, &value, NULL))
    return FALSE;
  *offset = value;
  return TRUE;
}

/* One range; several are answered by the whole, as a server may. */
static Range
read_range (const gchar *header, goffset size, goffset *first, goffset *n_bytes)
{
  const gchar *spec, *dash;
  goffset last = size - 1;

  if (!header || g_ascii_strncasecmp (header, "bytes=", 6) != 0)
    return RANGE_NONE;
  spec = header + 6;
  dash = strchr (spec, '-');
  if (!dash)
    return RANGE_NONE;
  if (dash == spec) {
    if (!read_offset (dash + 1, NULL, &last))
      return RANGE_NONE;
    *first = size - MIN (last, size);
    last = size - 1;
  } else if (!read_offset (spec, dash, first)
             || (dash[1]
                 && (!read_offset (dash + 1, NULL, &last) || last < *first))) {
    return RANGE_NONE;
  }
  if (*first >= size)
    return RANGE_OUTSIDE;
  *n_bytes = MIN (last, size - 1) - *first + 1;
  return RANGE_PART;
}

/* --- Sending --- */

/* One answer on its way; lives as long as the message or a read needs it. */
typedef struct
{
  SoupServerMessage *message; /* unowned; NULL: it is over */
  int fd;
  goffset at, left;
} Transfer;

static void
transfer_clear (gpointer data)
{
  close (((Transfer *)data)->fd);
}

static void
transfer_unref (gpointer transfer)
{
  g_atomic_rc_box_release_full (transfer, transfer_clear);
}

/* In a thread, while the main one leaves the place alone. */
static void
read_piece (
    GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Transfer *transfer = data;
  gsize wanted = MIN (transfer->left, PIECE_BYTES);
  guint8 *piece = g_malloc (wanted);
  gssize n;

  do
    n = pread (transfer->fd, piece, wanted, transfer->at);
  while (n < 0 && errno == EINTR);
  if (n > 0) {
    g_task_return_pointer (
        task, g_bytes_new_take (piece, n), (GDestroyNotify)g_bytes_unref);
    return;
  }
  g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_FAILED, "%s",
      n ? g_strerror (errno) : "it is shorter than it was");
  g_free (piece);
}

static void
piece_came (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Transfer *transfer = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) piece = g_task_propagate_pointer (G_TASK (result), &error);
  SoupMessageBody *body;

  if (!transfer->message)
    return;
  if (!piece) {
    g_message ("a file broke off while it was sent: %s", error->message);
    http_cut (transfer->message);
    return;
  }
  transfer->at += g_bytes_get_size (piece);
  transfer->left -= g_bytes_get_size (piece);
  body = soup_server_message_get_response_body (transfer->message);
  soup_message_body_append_bytes (body, piece);
  if (!transfer->left)
    soup_message_body_complete (body);
  soup_server_message_unpause (transfer->message);
}

static void
go_on (SoupServerMessage *message, Transfer *transfer)
{
  g_autoptr (GTask) task = NULL;

  if (!transfer->left)
    return;
  task = g_task_new (NULL, NULL, piece_came, NULL);
  g_task_set_task_data (
      task, g_atomic_rc_box_acquire (transfer), transfer_unref);
  g_task_run_in_thread (task, read_piece);
}

static void
message_finished (SoupServerMessage *message, Transfer *transfer)
{
  g_signal_handlers_disconnect_by_data (message, transfer);
  transfer->message = NULL;
  transfer_unref (transfer);
}

/* Takes @fd. libsoup pauses by itself where there is nothing to write. */
static void
send_part (SoupServerMessage *message, int fd, goffset at, goffset n_bytes)
{
  SoupMessageBody *body = soup_server_message_get_response_body (message);
  Transfer *transfer;

  soup_message_headers_set_content_length (
      soup_server_message_get_response_headers (message), n_bytes);
  if (soup_server_message_get_method (message) == SOUP_METHOD_HEAD
      || !n_bytes) {
    close (fd);
    return;
  }
  soup_message_body_set_accumulate (body, FALSE);
  transfer = g_atomic_rc_box_new0 (Transfer);
  transfer->message = message;
  transfer->fd = fd;
  transfer->at = at;
  transfer->left = n_bytes;
  g_signal_connect (message, "wrote-chunk", G_CALLBACK (go_on), transfer);
  g_signal_connect (
      message, "finished", G_CALLBACK (message_finished), transfer);
  go_on (message, transfer);
}

/* --- The request --- */

/* Takes @fd. */
static void
answer_range (SoupServerMessage *message, int fd, goffset size)
{
  SoupMessageHeaders *headers
      = soup_server_message_get_response_headers (message);
  const gchar *header = soup_message_headers_get_one (
      soup_server_message_get_request_headers (message), "Range");
  goffset first = 0, n_bytes = size;
  g_autofree gchar *unsatisfied = NULL;

  switch (read_range (header, size, &first, &n_bytes)) {
  case RANGE_PART:
    soup_message_headers_set_content_range (
        headers, first, first + n_bytes - 1, size);
    soup_server_message_set_status (message, 206, NULL);
    break;
  case RANGE_OUTSIDE:
    close (fd);
    http_problem (message, 416, NULL, "the file is not as long as that");
    unsatisfied = g_strdup_printf ("bytes */%" G_GOFFSET_FORMAT, size);
    soup_message_headers_replace (headers, "Content-Range", unsatisfied);
    return;
  case RANGE_NONE:
    soup_server_message_set_status (message, 200, NULL);
    break;
  }
  send_part (message, fd, first, n_bytes);
}

void
http_original (HttpRequest *request)
{
  SoupMessageHeaders *headers
      = soup_server_message_get_response_headers (request->message);
  g_autoptr (SyrinxTrack) track = http_find_track (request);
  g_autofree gchar *etag = NULL;
  struct stat status;
  int fd;

  if (!track)
    return;
  fd = open_beneath (track->root, track->path, &status);
  if (fd < 0) {
    http_problem (
        request->message, 404, NULL, "the file is not there any more");
    return;
  }
  etag = g_strdup_printf ("%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x",
      (gint64)status.st_size,
      (gint64)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec);
  if (http_is_not_modified (request->message, etag)) {
    close (fd);
    return;
  }
  soup_message_headers_replace (headers, "Accept-Ranges", "bytes");
  soup_message_headers_set_content_type (headers, media_type_of (track), NULL);
  soup_message_headers_replace (headers, "Cache-Control", "private, no-cache");
  answer_range (request->message, fd, status.st_size);
}
