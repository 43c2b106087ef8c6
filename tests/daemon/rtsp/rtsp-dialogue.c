/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtsp-dialogue.h"

#include <gst/gst.h>
#include <string.h>

#define TIMEOUT_S 15

/* The address in the file @name, without its last slash. (transfer full) */
gchar *
address_of (Daemon *daemon, const gchar *name)
{
  g_autofree gchar *path
      = g_build_filename (daemon_get_state_dir (daemon), name, NULL);
  gchar *text = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  text[strlen (text) - 1] = 0;
  return text;
}

Dialogue *
dialogue_with (Daemon *daemon)
{
  g_autofree gchar *address = address_of (daemon, "rtsp-address");

  return dialogue_at (address + strlen ("rtsp://"));
}

Dialogue *
dialogue_at (const gchar *host_and_port)
{
  Dialogue *self = g_new0 (Dialogue, 1);
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GError) error = NULL;

  self->connection = g_socket_client_connect_to_host (
      client, host_and_port, 8554, NULL, &error);
  g_assert_no_error (error);
  g_socket_set_timeout (
      g_socket_connection_get_socket (self->connection), TIMEOUT_S);
  self->input = g_byte_array_new ();
  self->packets
      = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  self->reports
      = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  return self;
}

void
dialogue_free (Dialogue *self)
{
  g_object_unref (self->connection);
  g_byte_array_unref (self->input);
  g_ptr_array_unref (self->packets);
  g_ptr_array_unref (self->reports);
  g_free (self->session);
  g_free (self);
}
/* FALSE at the end of the connection, or after a time-out. */
gboolean
receive (Dialogue *self)
{
  guint8 buffer[4096];
  gssize n = g_input_stream_read (
      g_io_stream_get_input_stream (G_IO_STREAM (self->connection)), buffer,
      sizeof buffer, NULL, NULL);

  if (n > 0)
    g_byte_array_append (self->input, buffer, n);
  return n > 0;
}

static void
keep_report (Dialogue *self, const guint8 *data, gsize size)
{
  self->n_reports++;
  g_ptr_array_add (self->reports, g_bytes_new (data, size));
  g_assert_cmpuint (data[1], ==, 200); /* SR first, RFC 3550, section 6.1 */
  if (self->is_secure)
    return;
  for (gsize at = 0; at + 4 <= size;
       at += 4 + 4 * GST_READ_UINT16_BE (data + at + 2))
    if (data[at + 1] == 203)
      self->n_byes++;
}

/* Removes one interleaved packet from the input if it is complete. */
gboolean
take_packet (Dialogue *self)
{
  const guint8 *data = self->input->data;
  gsize size;

  if (self->input->len < 4 || data[0] != '$')
    return FALSE;
  size = GST_READ_UINT16_BE (data + 2);
  if (self->input->len < 4 + size)
    return FALSE;
  if (data[1] == 0)
    g_ptr_array_add (self->packets, g_bytes_new (data + 4, size));
  else
    keep_report (self, data + 4, size);
  g_byte_array_remove_range (self->input, 0, 4 + size);
  return TRUE;
}

static gsize
find_end (Dialogue *self)
{
  const gchar *end = g_strstr_len (
      (const gchar *)self->input->data, self->input->len, "\r\n\r\n");

  return end ? end + 4 - (const gchar *)self->input->data : 0;
}

/* The next answer, head and body. NULL: the connection ended. (transfer
 * full) */
gchar *
hear (Dialogue *self)
{
  for (;;) {
    gsize end;
    const gchar *length;
    g_autofree gchar *head = NULL;
    while (take_packet (self))
      ;
    if (self->input->len && self->input->data[0] != '$'
        && (end = find_end (self))) {
      head = g_strndup ((const gchar *)self->input->data, end);
      length = strstr (head, "Content-Length: ");
      if (length)
        end += g_ascii_strtoull (length + 16, NULL, 10);
      if (end <= self->input->len) {
        gchar *answer = g_strndup ((const gchar *)self->input->data, end);
        g_byte_array_remove_range (self->input, 0, end);
        return answer;
      }
    }
    if (!receive (self))
      return NULL;
  }
}

void
say_raw (Dialogue *self, const gchar *bytes, gssize size)
{
  g_output_stream_write_all (
      g_io_stream_get_output_stream (G_IO_STREAM (self->connection)), bytes,
      size < 0 ? strlen (bytes) : size, NULL, NULL, NULL);
}

/* @headers: whole lines. Session is added once there is one. */
void
say (
    Dialogue *self, const gchar *method, const gchar *url, const gchar *headers)
{
  g_autofree gchar *session
      = self->session ? g_strdup_printf ("Session: %s\r\n", self->session)
                      : g_strdup ("");
  g_autofree gchar *text
      = g_strdup_printf ("%s %s RTSP/1.0\r\nCSeq: %u\r\n%s%s\r\n", method, url,
          ++self->cseq, session, headers ? headers : "");

  say_raw (self, text, -1);
}

guint
status_of (const gchar *answer)
{
  g_assert_nonnull (answer);
  g_assert_true (g_str_has_prefix (answer, "RTSP/1.0 "));
  return g_ascii_strtoull (answer + 9, NULL, 10);
}

/* The value of a header. (transfer full) (nullable) */
gchar *
header (const gchar *answer, const gchar *name)
{
  g_autofree gchar *start = g_strdup_printf ("\r\n%s: ", name);
  const gchar *found = strstr (answer, start);

  return found ? g_strndup (
             found + strlen (start), strcspn (found + strlen (start), "\r"))
               : NULL;
}

/* Sends a request and returns the answer, whose status must be @status.
 * (transfer full) */
gchar *
expect (Dialogue *self, guint status, const gchar *method, const gchar *url,
    const gchar *headers)
{
  gchar *answer;

  say (self, method, url, headers);
  answer = hear (self);
  if (!answer || status_of (answer) != status)
    g_error ("%s %s: not %u but %s", method, url, status,
        answer ? answer : "the end");
  return answer;
}

void
check (Dialogue *self, guint status, const gchar *method, const gchar *url,
    const gchar *headers)
{
  g_free (expect (self, status, method, url, headers));
}

void
set_up_stream (Dialogue *self, const gchar *control, const gchar *headers)
{
  g_autofree gchar *answer = expect (self, 200, "SETUP", control, headers);
  g_autofree gchar *transport = header (answer, "Transport");

  self->session = header (answer, "Session");
  g_assert_true (g_str_has_suffix (self->session, ";timeout=60"));
  *strchr (self->session, ';') = 0;
  g_assert_nonnull (strstr (transport, "interleaved=0-1"));
}

void
set_up (Dialogue *self, const gchar *url)
{
  g_autofree gchar *stream = g_strconcat (url, "/stream=0", NULL);

  set_up_stream (self, stream, INTERLEAVED);
}

const guint8 *
packet (Dialogue *self, guint i)
{
  g_assert_cmpuint (i, <, self->packets->len);
  return g_bytes_get_data (self->packets->pdata[i], NULL);
}

guint16
seqnum_of (Dialogue *self, guint i)
{
  return GST_READ_UINT16_BE (packet (self, i) + 2);
}

guint32
rtptime_of (Dialogue *self, guint i)
{
  return GST_READ_UINT32_BE (packet (self, i) + 4);
}

/* Reads until @n packets have been received. */
void
wait_for_packets (Dialogue *self, guint n)
{
  while (self->packets->len < n) {
    while (take_packet (self))
      ;
    if (self->packets->len < n)
      g_assert_true (receive (self));
  }
}

/* Checks that RTP-Info of PLAY announced packet number @i. */
void
check_info (Dialogue *self, const gchar *answer, guint i)
{
  g_autofree gchar *info = header (answer, "RTP-Info");
  g_autofree gchar *wanted = NULL;

  wait_for_packets (self, i + 1);
  wanted = g_strdup_printf (
      ";seq=%u;rtptime=%u", seqnum_of (self, i), rtptime_of (self, i));
  g_assert_true (g_str_has_suffix (info, wanted));
}

gdouble
start_of_range (const gchar *answer)
{
  g_autofree gchar *range = header (answer, "Range");

  g_assert_true (g_str_has_prefix (range, "npt="));
  return g_ascii_strtod (range + 4, NULL);
}
