/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Boxes: reading valid ones and refusing others. */
#include "core/media/box-reader.h"

#define FOUR(text) SYRINX_BOX_TYPE (text[0], text[1], text[2], text[3])

/* A box "aaaa" with two bytes, one "bbbb" with a box "cccc" that has one. */
static const guint8 two_boxes[] = { 0, 0, 0, 10, 'a', 'a', 'a', 'a', 1, 2, 0, 0,
  0, 17, 'b', 'b', 'b', 'b', 0, 0, 0, 9, 'c', 'c', 'c', 'c', 7 };

static void
numbers_are_big_endian_and_end_with_the_bytes (void)
{
  const guint8 bytes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };
  SyrinxReader reader = { bytes, sizeof bytes };

  g_assert_cmphex (syrinx_reader_take (&reader, 1), ==, 0x01);
  g_assert_cmphex (syrinx_reader_take (&reader, 8), ==,
      G_GUINT64_CONSTANT (0x0203040506070809));
  g_assert_cmphex (syrinx_reader_take (&reader, 2), ==, 0);
  g_assert_cmpuint (reader.left, ==, 0);
  g_assert_cmphex (syrinx_reader_take (&reader, 1), ==, 0);
  g_assert_false (syrinx_reader_skip (&reader, 1));
}

static void
boxes_follow_one_another (void)
{
  SyrinxReader reader = { two_boxes, sizeof two_boxes }, body;
  guint32 type;

  g_assert_true (syrinx_box_next (&reader, &type, &body));
  g_assert_cmphex (type, ==, FOUR ("aaaa"));
  g_assert_cmpuint (body.left, ==, 2);
  g_assert_cmphex (syrinx_reader_take (&body, 2), ==, 0x0102);
  g_assert_true (syrinx_box_next (&reader, &type, &body));
  g_assert_cmphex (type, ==, FOUR ("bbbb"));
  g_assert_cmpuint (body.left, ==, 9);
  g_assert_false (syrinx_box_next (&reader, &type, &body));
  g_assert_cmpuint (reader.left, ==, 0);
}

static void
a_box_is_found_by_its_path (void)
{
  const guint32 path[] = { FOUR ("bbbb"), FOUR ("cccc") };
  const guint32 wrong[] = { FOUR ("aaaa"), FOUR ("cccc") };
  SyrinxReader reader = { two_boxes, sizeof two_boxes }, body;

  g_assert_true (syrinx_box_find_path (reader, path, 2, &body));
  g_assert_cmpuint (body.left, ==, 1);
  g_assert_cmphex (syrinx_reader_take (&body, 1), ==, 7);
  g_assert_false (syrinx_box_find_path (reader, wrong, 2, &body));
  g_assert_false (syrinx_box_find (reader, FOUR ("cccc"), &body));
}

/* All sizes that a box of 16 bytes may claim, except the right one. */
static void
a_size_that_is_not_within_is_refused (void)
{
  static const guint32 sizes[] = { 0, 1, 7, 17, 0x7fffffff, 0xffffffff };
  guint8 bytes[16] = { 0, 0, 0, 16, 'a', 'a', 'a', 'a' };
  SyrinxReader body;

  g_assert_true (syrinx_box_find (
      (SyrinxReader){ bytes, sizeof bytes }, FOUR ("aaaa"), &body));
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    SyrinxReader reader = { bytes, sizeof bytes };
    guint32 type;
    for (guint n = 0; n < 4; n++)
      bytes[n] = sizes[i] >> (24 - 8 * n);
    g_assert_false (syrinx_box_next (&reader, &type, &body));
    g_assert_cmpuint (reader.left, !=, 0);
    g_assert_false (syrinx_box_find (reader, FOUR ("aaaa"), &body));
  }
}

/* Wherever it is cut off, no byte after the cut is read (sanitizers check
 * that), and no incomplete box is found. */
static void
what_is_cut_off_is_refused (void)
{
  for (gsize n = 0; n < sizeof two_boxes; n++) {
    g_autofree guint8 *cut = g_memdup2 (two_boxes, n);
    SyrinxReader reader = { cut, n }, body;
    g_assert_false (syrinx_box_find (reader, FOUR ("bbbb"), &body));
    g_assert_cmpint (
        syrinx_box_find (reader, FOUR ("aaaa"), &body), ==, n == 10);
  }
}

static void
two_of_a_type_are_refused (void)
{
  const guint8 twice[]
      = { 0, 0, 0, 8, 'a', 'a', 'a', 'a', 0, 0, 0, 8, 'a', 'a', 'a', 'a' };
  SyrinxReader reader = { twice, sizeof twice }, body;

  g_assert_false (syrinx_box_find (reader, FOUR ("aaaa"), &body));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/box-reader/" #name, name)
  ADD (numbers_are_big_endian_and_end_with_the_bytes);
  ADD (boxes_follow_one_another);
  ADD (a_box_is_found_by_its_path);
  ADD (a_size_that_is_not_within_is_refused);
  ADD (what_is_cut_off_is_refused);
  ADD (two_of_a_type_are_refused);
  return g_test_run ();
}
