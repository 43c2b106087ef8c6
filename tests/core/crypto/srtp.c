/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SRTP by RFC 3711: the vectors of its appendix B, checked in encrypted
 * packets. Other decoders are tested in tests/daemon/rtsp-srtp.c. */
#include "core/crypto/srtp.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <string.h>

#define PACKET_BYTES 48
#define HEADER_BYTES 12

/* Appendix B.3: the master key and salt, and the keys derived from them. */
static const gchar master_hex[]
    = "e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6";
static const gchar key_hex[] = "c61e7a93744f39ee10734afe3ff7a087";
static const gchar salt_hex[] = "30cbbc08863d8c85d49db34a9ae1";
static const gchar auth_hex[] = "cebe321f6ff7716b6fd4ab49af256a156d38baa4";

static void
read_hex (const gchar *hex, guint8 *out)
{
  for (gsize i = 0; hex[2 * i]; i++)
    out[i] = g_ascii_xdigit_value (hex[2 * i]) << 4
             | g_ascii_xdigit_value (hex[2 * i + 1]);
}

static SyrinxSrtp *
make_context (void)
{
  guint8 master[SYRINX_SRTP_MASTER_BYTES];
  g_autoptr (GBytes) bytes = NULL;

  read_hex (master_hex, master);
  bytes = g_bytes_new (master, sizeof master);
  return syrinx_srtp_new (bytes);
}

/* The payload is zeros, so that the ciphertext is the key stream. */
static void
make_packet (guint8 *packet, guint16 seqnum)
{
  static const guint8 head[] = { 0x80, 96, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4 };

  memset (packet, 0, PACKET_BYTES);
  memcpy (packet, head, sizeof head);
  packet[2] = seqnum >> 8;
  packet[3] = seqnum;
}

/* Section 4.1.1 in other words: AES of salt ^ SSRC ^ index, with a counter. */
static void
reckon_stream (guint32 ssrc, guint64 index, guint8 *out, gsize size)
{
  EVP_CIPHER_CTX *aes = EVP_CIPHER_CTX_new ();
  guint8 key[16], salt[14], block[16] = { 0 };
  gint n;

  read_hex (key_hex, key);
  read_hex (salt_hex, salt);
  memcpy (block, salt, sizeof salt);
  for (guint i = 0; i < 4; i++)
    block[4 + i] ^= ssrc >> (24 - 8 * i);
  for (guint i = 0; i < 6; i++)
    block[8 + i] ^= index >> (40 - 8 * i);
  EVP_EncryptInit_ex (aes, EVP_aes_128_ecb (), NULL, key, NULL);
  for (gsize at = 0; at < size; at += 16, block[15]++) {
    guint8 stream[16];
    EVP_EncryptUpdate (aes, stream, &n, block, sizeof block);
    memcpy (out + at, stream, MIN (16, size - at));
  }
  EVP_CIPHER_CTX_free (aes);
}

static void
assert_protected (const guint8 *packet, guint16 seqnum, guint32 roll_over)
{
  guint8 clear[PACKET_BYTES], stream[PACKET_BYTES], auth[20], mac[20];
  guint8 signed_bytes[PACKET_BYTES + 4];
  guint n;

  make_packet (clear, seqnum);
  g_assert_cmpmem (packet, HEADER_BYTES, clear, HEADER_BYTES);
  reckon_stream (0x01020304, (guint64)roll_over << 16 | seqnum, stream,
      PACKET_BYTES - HEADER_BYTES);
  g_assert_cmpmem (packet + HEADER_BYTES, PACKET_BYTES - HEADER_BYTES, stream,
      PACKET_BYTES - HEADER_BYTES);
  memcpy (signed_bytes, packet, PACKET_BYTES);
  for (guint i = 0; i < 4; i++)
    signed_bytes[PACKET_BYTES + i] = roll_over >> (24 - 8 * i);
  read_hex (auth_hex, auth);
  HMAC (EVP_sha1 (), auth, sizeof auth, signed_bytes, sizeof signed_bytes, mac,
      &n);
  g_assert_cmpmem (
      packet + PACKET_BYTES, SYRINX_SRTP_TAG_BYTES, mac, SYRINX_SRTP_TAG_BYTES);
}

static void
packets_are_as_the_appendix_derives_their_keys (void)
{
  static const guint16 seqnums[] = { 65533, 65535, 0, 1, 30000, 62767, 100 };
  g_autoptr (SyrinxSrtp) srtp = make_context ();
  guint32 roll_over = 0;

  for (guint i = 0; i < G_N_ELEMENTS (seqnums); i++) {
    guint8 packet[PACKET_BYTES + SYRINX_SRTP_TAG_BYTES];
    if (i && seqnums[i] < seqnums[i - 1])
      roll_over++;
    make_packet (packet, seqnums[i]);
    g_assert_true (syrinx_srtp_protect (srtp, packet, PACKET_BYTES));
    assert_protected (packet, seqnums[i], roll_over);
  }
  g_assert_cmpuint (roll_over, ==, 2);
}

/* Two packets with the same index would reveal the difference of their
 * contents. */
static void
no_index_is_used_twice (void)
{
  g_autoptr (SyrinxSrtp) srtp = make_context ();
  guint8 packet[PACKET_BYTES + SYRINX_SRTP_TAG_BYTES];

  make_packet (packet, 7);
  g_assert_true (syrinx_srtp_protect (srtp, packet, PACKET_BYTES));
  make_packet (packet, 7);
  g_assert_false (syrinx_srtp_protect (srtp, packet, PACKET_BYTES));
  make_packet (packet, 6);
  g_assert_false (syrinx_srtp_protect (srtp, packet, PACKET_BYTES));
  make_packet (packet, 8);
  g_assert_true (syrinx_srtp_protect (srtp, packet, PACKET_BYTES));
}

static void
what_is_no_packet_is_refused (void)
{
  static const struct
  {
    guint8 first, extension_words;
    gsize size;
    gboolean good;
  } cases[] = {
    { 0x80, 0, 12, TRUE },  /* nothing to encrypt */
    { 0x80, 0, 11, FALSE }, /* cut in the header */
    { 0x40, 0, 48, FALSE }, /* another version */
    { 0x82, 0, 20, TRUE },  /* two sources */
    { 0x82, 0, 19, FALSE }, /* and only one and a half */
    { 0x90, 1, 20, TRUE },  /* an extension of one word */
    { 0x90, 2, 20, FALSE }, /* of which one is missing */
    { 0x90, 0, 15, FALSE }, /* without its length */
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (SyrinxSrtp) srtp = make_context ();
    guint8 packet[PACKET_BYTES + SYRINX_SRTP_TAG_BYTES];
    make_packet (packet, 1);
    packet[0] = cases[i].first;
    packet[15] = cases[i].extension_words;
    g_assert_cmpint (
        syrinx_srtp_protect (srtp, packet, cases[i].size), ==, cases[i].good);
  }
}

static void
reports_hide_all_but_who_sends (void)
{
  g_autoptr (SyrinxSrtp) srtp = make_context ();
  guint8 first[28 + SYRINX_SRTCP_EXTRA_BYTES] = { 0x80, 200, 0, 6, 1, 2, 3, 4 };
  guint8 second[sizeof first], clear[sizeof first];

  memcpy (second, first, sizeof first);
  memcpy (clear, first, sizeof first);
  g_assert_true (syrinx_srtp_protect_report (srtp, first, 28));
  g_assert_true (syrinx_srtp_protect_report (srtp, second, 28));
  g_assert_cmpmem (first, 8, clear, 8);
  g_assert_cmpmem (first + 28, 4, "\x80\0\0\0", 4);
  g_assert_cmpmem (second + 28, 4, "\x80\0\0\1", 4);
  g_assert_true (memcmp (first + 8, clear + 8, 20) != 0);
  g_assert_true (memcmp (first + 8, second + 8, 20) != 0);
  g_assert_false (syrinx_srtp_protect_report (srtp, first, 7));
}

int
main (int argc, char **argv)
{
#define TEST(name) g_test_add_func ("/srtp/" #name, name)
  g_test_init (&argc, &argv, NULL);
  TEST (packets_are_as_the_appendix_derives_their_keys);
  TEST (no_index_is_used_twice);
  TEST (what_is_no_packet_is_refused);
  TEST (reports_hide_all_but_who_sends);
  return g_test_run ();
}
