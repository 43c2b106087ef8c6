/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes MaxMind DB 2.0: a binary tree over the bits of an address with records
 * of 24 bits, sixteen zeros, the data that its leaves point to, and a map of
 * metadata. IPv4 is in ::/96. */
#include "mmdb-writer.h"

#include <gio/gio.h>
#include <string.h>

#define SEPARATOR_BYTES 16
#define EMPTY           G_MAXUINT32
#define LEAF            ((guint32)1 << 31) /* plus the offset of its data */

enum
{
  EXTENDED = 0,
  STRING = 2,
  UINT16 = 5,
  UINT32 = 6,
  MAP = 7,
  UINT64 = 9,
  ARRAY = 11
};

typedef struct
{
  guint32 next[2]; /* a node, EMPTY, or LEAF plus an offset */
} Node;

struct _MmdbWriter
{
  GArray *nodes; /* Node */
  GByteArray *data;
};

/* --- Data --- */

static void
put_byte (GByteArray *out, guint8 byte)
{
  g_byte_array_append (out, &byte, 1);
}

static void
put_control (GByteArray *out, guint type, guint size)
{
  g_assert_cmpuint (size, <, 29);
  put_byte (out, (type > MAP ? EXTENDED : type) << 5 | size);
  if (type > MAP)
    put_byte (out, type - 7);
}

static void
put_string (GByteArray *out, const gchar *text)
{
  put_control (out, STRING, strlen (text));
  g_byte_array_append (out, (const guint8 *)text, strlen (text));
}

static void
put_uint (GByteArray *out, guint type, guint size, guint64 value)
{
  put_control (out, type, size);
  while (size--)
    put_byte (out, value >> 8 * size);
}

static void
put_code (
    GByteArray *out, const gchar *group, const gchar *name, const gchar *code)
{
  if (!code)
    return;
  put_string (out, group);
  put_control (out, MAP, 1);
  put_string (out, name);
  put_string (out, code);
}

/* --- The tree --- */

static guint32
add_node (MmdbWriter *writer)
{
  const Node node = { { EMPTY, EMPTY } };

  g_array_append_val (writer->nodes, node);
  return writer->nodes->len - 1;
}

static void
add_path (MmdbWriter *writer, const guint8 *bits, guint n_bits, guint32 leaf)
{
  guint32 at = 0;

  for (guint i = 0; i < n_bits; i++) {
    guint side = bits[i / 8] >> (7 - i % 8) & 1;
    guint32 next = g_array_index (writer->nodes, Node, at).next[side];
    if (i == n_bits - 1)
      next = leaf;
    else if (next == EMPTY)
      next = add_node (writer);
    g_array_index (writer->nodes, Node, at).next[side] = next;
    at = next;
  }
}

void
mmdb_writer_add (MmdbWriter *writer, const gchar *network, const gchar *country,
    const gchar *continent)
{
  g_autoptr (GInetAddressMask) mask
      = g_inet_address_mask_new_from_string (network, NULL);
  GInetAddress *address = g_inet_address_mask_get_address (mask);
  gsize n = g_inet_address_get_native_size (address);
  guint8 bits[16] = { 0 };
  guint32 leaf = LEAF | writer->data->len;

  memcpy (bits + 16 - n, g_inet_address_to_bytes (address), n);
  put_control (writer->data, MAP, !!country + !!continent);
  put_code (writer->data, "country", "iso_code", country);
  put_code (writer->data, "continent", "code", continent);
  add_path (
      writer, bits, 8 * (16 - n) + g_inet_address_mask_get_length (mask), leaf);
}

static void
put_tree (GByteArray *out, GArray *nodes)
{
  for (guint i = 0; i < nodes->len; i++)
    for (guint side = 0; side < 2; side++) {
      guint32 next = g_array_index (nodes, Node, i).next[side];
      guint32 record = next == EMPTY ? nodes->len
                       : next & LEAF
                           ? nodes->len + SEPARATOR_BYTES + (next & ~LEAF)
                           : next;
      for (gint shift = 16; shift >= 0; shift -= 8)
        put_byte (out, record >> shift);
    }
}

/* --- The file --- */

static void
put_metadata (GByteArray *out, guint n_nodes)
{
  static const gchar marker[] = "\xab\xcd\xefMaxMind.com";

  g_byte_array_append (out, (const guint8 *)marker, sizeof marker - 1);
  put_control (out, MAP, 9);
  put_string (out, "binary_format_major_version");
  put_uint (out, UINT16, 2, 2);
  put_string (out, "binary_format_minor_version");
  put_uint (out, UINT16, 2, 0);
  put_string (out, "build_epoch");
  put_uint (out, UINT64, 8, 1700000000);
  put_string (out, "database_type");
  put_string (out, "Test-Country");
  put_string (out, "description");
  put_control (out, MAP, 0);
  put_string (out, "ip_version");
  put_uint (out, UINT16, 2, 6);
  put_string (out, "languages");
  put_control (out, ARRAY, 0);
  put_string (out, "node_count");
  put_uint (out, UINT32, 4, n_nodes);
  put_string (out, "record_size");
  put_uint (out, UINT16, 2, 24);
}

void
mmdb_writer_save (MmdbWriter *writer, const gchar *path)
{
  static const guint8 separator[SEPARATOR_BYTES];
  g_autoptr (GByteArray) out = g_byte_array_new ();
  g_autoptr (GError) error = NULL;

  put_tree (out, writer->nodes);
  g_byte_array_append (out, separator, sizeof separator);
  g_byte_array_append (out, writer->data->data, writer->data->len);
  put_metadata (out, writer->nodes->len);
  g_file_set_contents (path, (const gchar *)out->data, out->len, &error);
  g_assert_no_error (error);
}

MmdbWriter *
mmdb_writer_new (void)
{
  MmdbWriter *writer = g_new0 (MmdbWriter, 1);

  writer->nodes = g_array_new (FALSE, FALSE, sizeof (Node));
  writer->data = g_byte_array_new ();
  add_node (writer);
  return writer;
}

void
mmdb_writer_free (MmdbWriter *writer)
{
  g_array_unref (writer->nodes);
  g_byte_array_unref (writer->data);
  g_free (writer);
}
