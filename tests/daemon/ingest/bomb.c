/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A cover of 30,000 by 30,000 pixels in a small file: the service never decodes
 * pictures, so it costs only its bytes. */
#include "ingest-fixture.h"

#include <gio/gio.h>
#include <string.h>
#include <sys/resource.h>

#define SIDE        30000
#define ROW_BYTES   (1 + SIDE / 8) /* filter byte, then a bit a pixel */
#define MAX_RSS_KIB (300 * 1024)
#define ID3_HEAD    "ID3\3\0\0"
#define PICTURE_START                                                          \
  "\0image/png\0\3" /* encoding, type, front cover, name                       \
                     */

static guint32
get_crc (const guint8 *data, gsize n)
{
  guint32 crc = G_MAXUINT32;

  for (gsize i = 0; i < n; i++) {
    crc ^= data[i];
    for (guint bit = 0; bit < 8; bit++)
      crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
  }
  return ~crc;
}

static void
add_number (GByteArray *to, guint32 number)
{
  number = GUINT32_TO_BE (number);
  g_byte_array_append (to, (const guint8 *)&number, sizeof number);
}

static void
add_chunk (GByteArray *png, const gchar *type, const guint8 *data, gsize n)
{
  guint from;

  add_number (png, n);
  from = png->len;
  g_byte_array_append (png, (const guint8 *)type, 4);
  g_byte_array_append (png, data, n);
  add_number (png, get_crc (png->data + from, png->len - from));
}

/* (transfer full) */
static GBytes *
compress_rows (void)
{
  g_autoptr (GConverter) zlib
      = G_CONVERTER (g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_ZLIB, 9));
  g_autoptr (GOutputStream) memory = g_memory_output_stream_new_resizable ();
  g_autoptr (GOutputStream) out = g_converter_output_stream_new (memory, zlib);
  g_autofree guint8 *row = g_malloc0 (ROW_BYTES);

  for (guint i = 0; i < SIDE; i++)
    g_assert_true (
        g_output_stream_write_all (out, row, ROW_BYTES, NULL, NULL, NULL));
  g_assert_true (g_output_stream_close (out, NULL, NULL));
  return g_memory_output_stream_steal_as_bytes (
      G_MEMORY_OUTPUT_STREAM (memory));
}

/* (transfer full) */
static GByteArray *
make_png (void)
{
  GByteArray *png = g_byte_array_new ();
  g_autoptr (GByteArray) head = g_byte_array_new ();
  g_autoptr (GBytes) rows = compress_rows ();
  const guint8 kind[] = { 1, 0, 0, 0, 0 }; /* depth, gray, … */

  add_number (head, SIDE);
  add_number (head, SIDE);
  g_byte_array_append (head, kind, sizeof kind);
  g_byte_array_append (png, (const guint8 *)"\x89PNG\r\n\x1a\n", 8);
  add_chunk (png, "IHDR", head->data, head->len);
  add_chunk (
      png, "IDAT", g_bytes_get_data (rows, NULL), g_bytes_get_size (rows));
  add_chunk (png, "IEND", NULL, 0);
  return png;
}

/* Puts a tag with the picture before the audio of @path. */
static void
put_cover (const gchar *path, GByteArray *png)
{
  g_autoptr (GByteArray) file = g_byte_array_new ();
  const guint n_frame = sizeof PICTURE_START + png->len, n_tag = 10 + n_frame;
  const guint8 size[]
      = { n_tag >> 21 & 127, n_tag >> 14 & 127, n_tag >> 7 & 127, n_tag & 127 };
  g_autofree gchar *sound = NULL;
  gsize n_sound;

  g_assert_true (g_file_get_contents (path, &sound, &n_sound, NULL));
  g_byte_array_append (file, (const guint8 *)ID3_HEAD, sizeof ID3_HEAD - 1);
  g_byte_array_append (file, size, sizeof size);
  g_byte_array_append (file, (const guint8 *)"APIC", 4);
  add_number (file, n_frame);
  g_byte_array_append (file, (const guint8 *)"\0\0", 2);
  g_byte_array_append (
      file, (const guint8 *)PICTURE_START, sizeof PICTURE_START);
  g_byte_array_append (file, png->data, png->len);
  g_byte_array_append (file, (const guint8 *)sound, n_sound);
  g_assert_true (
      g_file_set_contents (path, (const gchar *)file->data, file->len, NULL));
}

static void
a_huge_cover_costs_what_its_bytes_cost (Fixture *f, gconstpointer data)
{
  g_autofree gchar *path = in_library (f, "bomb.mp3");
  g_autoptr (GByteArray) png = make_png ();
  g_autoptr (GPtrArray) tracks = NULL;
  struct rusage own, workers;
  SyrinxTrack *track;

  make_file (path, 3, "-c:a libmp3lame -b:a 128k -id3v2_version 0");
  put_cover (path, png);
  scan (f);
  tracks = list_tracks (f);
  track = find_track (tracks, "bomb.mp3");
  g_assert_cmpstr (track->artwork_type, ==, "image/png");
  syrinx_ingest_stop (f->ingest); /* reaps the workers */
  getrusage (RUSAGE_SELF, &own);
  getrusage (RUSAGE_CHILDREN, &workers);
  g_test_message (
      "%ld KiB here, %ld KiB in a worker", own.ru_maxrss, workers.ru_maxrss);
  g_assert_cmpint (own.ru_maxrss, <, MAX_RSS_KIB);
  g_assert_cmpint (workers.ru_maxrss, <, MAX_RSS_KIB);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/bomb/a_huge_cover_costs_what_its_bytes_cost", Fixture, NULL,
      set_up, a_huge_cover_costs_what_its_bytes_cost, tear_down);
  return g_test_run ();
}
