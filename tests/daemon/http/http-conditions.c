/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verdict on conditions and ranges (RFC 9110, sections 13 and 14). */
#include "daemon/http/http-conditions.h"

#define SIZE 1000
#define ETAG "\"abc\""
#define HUGE "99999999999999999999999"

static const struct
{
  const gchar *range;
  HttpVerdict verdict;
  guint64 first, n_bytes;
} ranges[] = {
  { NULL, HTTP_VERDICT_WHOLE },
  { "bytes=0-99", HTTP_VERDICT_PART, 0, 100 },
  { "Bytes=0-99", HTTP_VERDICT_PART, 0, 100 },
  { "bytes=999-999", HTTP_VERDICT_PART, 999, 1 },
  { "bytes=10-", HTTP_VERDICT_PART, 10, 990 },
  { "bytes=-50", HTTP_VERDICT_PART, 950, 50 },
  /* an end beyond the last byte means the last byte (section 14.1.2) */
  { "bytes=0-999999", HTTP_VERDICT_PART, 0, 1000 },
  { "bytes=10-1000", HTTP_VERDICT_PART, 10, 990 },
  { "bytes=10-" HUGE, HTTP_VERDICT_PART, 10, 990 },
  { "bytes=-5000", HTTP_VERDICT_PART, 0, 1000 },
  { "bytes=-" HUGE, HTTP_VERDICT_PART, 0, 1000 },
  { "bytes=1000-", HTTP_VERDICT_OUTSIDE },
  { "bytes=1000-2000", HTTP_VERDICT_OUTSIDE },
  { "bytes=" HUGE "-", HTTP_VERDICT_OUTSIDE },
  { "bytes=-0", HTTP_VERDICT_OUTSIDE },
  /* several are answered with the whole, as a server may (section 14.2) */
  { "bytes=0-,0-", HTTP_VERDICT_WHOLE },
  { "bytes=0-1, 5-6", HTTP_VERDICT_WHOLE },
  { "bytes=-1,-1", HTTP_VERDICT_WHOLE },
  { "bytes=5-4", HTTP_VERDICT_WHOLE },
  { "bytes=", HTTP_VERDICT_WHOLE },
  { "bytes=-", HTTP_VERDICT_WHOLE },
  { "bytes=a-b", HTTP_VERDICT_WHOLE },
  { "bytes=+1-2", HTTP_VERDICT_WHOLE },
  { "bytes=1 -2", HTTP_VERDICT_WHOLE },
  { "bytes=0x1-2", HTTP_VERDICT_WHOLE },
  { "bytes 0-99", HTTP_VERDICT_WHOLE },
  { "seconds=0-1", HTTP_VERDICT_WHOLE },
  { "", HTTP_VERDICT_WHOLE },
};

static void
one_range_or_none_is_answered (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (ranges); i++) {
    const HttpConditions conditions = { .range = ranges[i].range };
    guint64 first = 0, n_bytes = 0;
    HttpVerdict verdict
        = http_conditions_judge (&conditions, ETAG, SIZE, &first, &n_bytes);
    g_test_message ("%s", ranges[i].range);
    g_assert_cmpint (verdict, ==, ranges[i].verdict);
    if (verdict != HTTP_VERDICT_PART)
      continue;
    g_assert_cmpuint (first, ==, ranges[i].first);
    g_assert_cmpuint (n_bytes, ==, ranges[i].n_bytes);
  }
}

static void
nothing_has_no_part (void)
{
  static const gchar *const texts[]
      = { "bytes=0-", "bytes=0-0", "bytes=-1", "bytes=-0" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    const HttpConditions conditions = { .range = texts[i] };
    guint64 first, n_bytes;
    g_assert_cmpint (
        http_conditions_judge (&conditions, ETAG, 0, &first, &n_bytes), ==,
        HTTP_VERDICT_OUTSIDE);
  }
}

#define PART "bytes=0-99"

static const struct
{
  HttpConditions conditions;
  const gchar *etag;
  HttpVerdict verdict;
} cases[] = {
  { { .if_none_match = ETAG }, ETAG, HTTP_VERDICT_NOT_MODIFIED },
  { { .if_none_match = "W/" ETAG }, ETAG, HTTP_VERDICT_NOT_MODIFIED },
  { { .if_none_match = "\"x\", W/\"y\" ,\"abc\"" }, ETAG,
      HTTP_VERDICT_NOT_MODIFIED },
  { { .if_none_match = "*" }, ETAG, HTTP_VERDICT_NOT_MODIFIED },
  { { .if_none_match = "\"xabc\"" }, ETAG, HTTP_VERDICT_WHOLE },
  { { .if_none_match = "\"abc" }, ETAG, HTTP_VERDICT_WHOLE },
  { { .if_none_match = "abc" }, ETAG, HTTP_VERDICT_WHOLE },
  { { .if_none_match = "\"x\"\"abc\"" }, ETAG, HTTP_VERDICT_NOT_MODIFIED },
  { { .if_none_match = ETAG }, NULL, HTTP_VERDICT_WHOLE },
  { { .if_none_match = ETAG, .range = PART }, ETAG, HTTP_VERDICT_NOT_MODIFIED },
  { { .if_none_match = "\"x\"", .range = PART }, ETAG, HTTP_VERDICT_PART },

  { { .if_match = ETAG }, ETAG, HTTP_VERDICT_WHOLE },
  { { .if_match = "*" }, NULL, HTTP_VERDICT_WHOLE },
  { { .if_match = "\"x\"" }, ETAG, HTTP_VERDICT_FAILED },
  { { .if_match = "W/" ETAG }, ETAG, HTTP_VERDICT_FAILED },
  { { .if_match = ETAG }, NULL, HTTP_VERDICT_FAILED },
  { { .if_match = "\"x\"", .if_none_match = ETAG }, ETAG, HTTP_VERDICT_FAILED },

  /* section 13.1.5: by strong comparison, else the range is ignored */
  { { .if_range = ETAG, .range = PART }, ETAG, HTTP_VERDICT_PART },
  { { .if_range = "\"old\"", .range = PART }, ETAG, HTTP_VERDICT_WHOLE },
  { { .if_range = "W/" ETAG, .range = PART }, ETAG, HTTP_VERDICT_WHOLE },
  { { .if_range = ETAG, .range = PART }, NULL, HTTP_VERDICT_WHOLE },
  { { .if_range = "Sun, 06 Nov 1994 08:49:37 GMT", .range = PART }, ETAG,
      HTTP_VERDICT_WHOLE },
  { { .if_range = "\"old\"", .range = "bytes=5000-" }, ETAG,
      HTTP_VERDICT_WHOLE },
  { { .if_range = "" }, ETAG, HTTP_VERDICT_WHOLE },
};

static void
conditions_are_seen_to_in_their_order (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    guint64 first, n_bytes;
    g_test_message ("case %u", i);
    g_assert_cmpint (http_conditions_judge (&cases[i].conditions, cases[i].etag,
                         SIZE, &first, &n_bytes),
        ==, cases[i].verdict);
  }
}

#define ADD(name) g_test_add_func ("/http-conditions/" #name, name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (one_range_or_none_is_answered);
  ADD (nothing_has_no_part);
  ADD (conditions_are_seen_to_in_their_order);
  return g_test_run ();
}
