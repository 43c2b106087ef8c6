/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxauthgate: which data passes, what ends a stream, and how soon. */
#include "core/schedule/demand.h"
#include "core/access/token.h"

#include <glib/gstdio.h>
#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>

#include <string.h>

#define WAIT (8 * GST_SECOND)

typedef struct
{
  GstHarness *h;
  GstBus *bus;
} Fixture;

static void
set_up (Fixture *f, const gchar *first, ...)
{
  GstElement *gate = gst_element_factory_make ("syrinxauthgate", NULL);
  va_list args;

  g_assert_nonnull (gate);
  va_start (args, first);
  g_object_set_valist (G_OBJECT (gate), first, args);
  va_end (args);
  f->bus = gst_bus_new ();
  gst_element_set_bus (gate, f->bus);
  f->h = gst_harness_new_with_element (gate, "sink", "src");
  gst_harness_set_src_caps_str (f->h, "audio/x-opus");
  gst_object_unref (gate);
}

static void
tear_down (Fixture *f)
{
  gst_element_set_bus (f->h->element, NULL);
  gst_harness_teardown (f->h);
  gst_object_unref (f->bus);
}

static GstFlowReturn
push (Fixture *f)
{
  return gst_harness_push (f->h, gst_buffer_new_allocate (NULL, 10, NULL));
}

static SyrinxGrant *
make_grant (const gchar *jti, SyrinxScope scope, gint64 ttl_s)
{
  gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;

  return syrinx_grant_new (
      "ann", jti, scope, NULL, NULL, now_s - 10, now_s + ttl_s);
}

static void
assert_message (Fixture *f, const gchar *reason)
{
  GstMessage *message
      = gst_bus_timed_pop_filtered (f->bus, WAIT, GST_MESSAGE_ELEMENT);

  g_assert_nonnull (message);
  g_assert_true (gst_message_has_name (message, "syrinx-denied"));
  g_assert_cmpstr (
      gst_structure_get_string (gst_message_get_structure (message), "reason"),
      ==, reason);
  gst_message_unref (message);
}

static gboolean
pull_denied (Fixture *f)
{
  GstEvent *event;
  const gchar *reason;
  gboolean found = FALSE;

  while (!found && (event = gst_harness_try_pull_event (f->h))) {
    found = syrinx_event_parse_denied (event, &reason);
    gst_event_unref (event);
  }
  return found;
}

GST_START_TEST (a_late_token_stops_the_stream_within_one_buffer)
{
  g_autoptr (SyrinxGrant) grant = make_grant (NULL, SYRINX_SCOPE_LISTEN, 2);
  gint64 end_us = syrinx_grant_get_expires_at_s (grant) * G_USEC_PER_SEC;
  GstFlowReturn flow;
  guint passed = 0;
  Fixture f;

  set_up (&f, "grant", grant, NULL);
  do {
    gint64 before_us = g_get_real_time ();
    if ((flow = push (&f)) == GST_FLOW_OK) {
      passed++;
      g_assert_cmpint (before_us, <, end_us);
    }
  } while (flow == GST_FLOW_OK);
  g_assert_cmpint (flow, ==, GST_FLOW_ERROR);
  g_assert_cmpuint (passed, >, 0);
  g_assert_cmpuint (gst_harness_buffers_received (f.h), ==, passed);
  g_assert_cmpint (g_get_real_time (), >=, end_us);
  assert_message (&f, "expired");
  tear_down (&f);
}
GST_END_TEST;

GST_START_TEST (a_held_stream_ends_at_its_expiry)
{
  g_autoptr (SyrinxGrant) grant = make_grant (NULL, SYRINX_SCOPE_LISTEN, 3);
  Fixture f;

  set_up (&f, "grant", grant, NULL);
  g_assert_cmpint (push (&f), ==, GST_FLOW_OK);
  assert_message (&f, "expired");
  g_assert_true (pull_denied (&f));
  tear_down (&f);
}
GST_END_TEST;

GST_START_TEST (a_revocation_reaches_a_held_stream_at_once)
{
  g_autoptr (SyrinxGrant) grant
      = make_grant ("jti-held", SYRINX_SCOPE_LISTEN, 100);
  Fixture f;

  set_up (&f, "grant", grant, NULL);
  g_assert_cmpint (push (&f), ==, GST_FLOW_OK);
  syrinx_revoke_jti ("jti-held", G_MAXINT64);
  g_assert_true (pull_denied (&f));
  g_assert_cmpint (push (&f), ==, GST_FLOW_ERROR);
  assert_message (&f, "revoked");
  tear_down (&f);
}
GST_END_TEST;

GST_START_TEST (a_renewed_grant_carries_the_stream_over_the_old_expiry)
{
  g_autoptr (SyrinxGrant) old = make_grant ("jti-old", SYRINX_SCOPE_LISTEN, 1);
  g_autoptr (SyrinxGrant) fresh = make_grant (NULL, SYRINX_SCOPE_LISTEN, 100);
  Fixture f;

  set_up (&f, "grant", old, NULL);
  g_assert_cmpint (push (&f), ==, GST_FLOW_OK);
  g_object_set (f.h->element, "grant", fresh, NULL);
  syrinx_revoke_jti ("jti-old", G_MAXINT64);
  g_assert_null (gst_bus_timed_pop_filtered (
      f.bus, 1500 * GST_MSECOND, GST_MESSAGE_ELEMENT));
  g_assert_cmpint (push (&f), ==, GST_FLOW_OK);
  tear_down (&f);
}
GST_END_TEST;

static const struct
{
  const gchar *deny;
  GstFlowReturn flow;
  gboolean error, eos;
} denials[] = {
  { "error", GST_FLOW_ERROR, TRUE, FALSE },
  { "drop", GST_FLOW_OK, FALSE, FALSE },
  { "eos", GST_FLOW_EOS, FALSE, TRUE },
};

GST_START_TEST (a_denial_is_told_as_deny_says)
{
  GstBufferList *list = gst_buffer_list_new ();
  GstMessage *message;
  Fixture f;

  set_up (&f, NULL);
  gst_util_set_object_arg (
      G_OBJECT (f.h->element), "deny", denials[__i__].deny);
  gst_buffer_list_add (list, gst_buffer_new ());
  g_assert_cmpint (
      gst_pad_push_list (f.h->srcpad, list), ==, denials[__i__].flow);
  assert_message (&f, "unauthenticated");
  message = gst_bus_pop_filtered (f.bus, GST_MESSAGE_ERROR);
  g_assert_true ((message != NULL) == denials[__i__].error);
  g_clear_pointer (&message, gst_message_unref);
  if (denials[__i__].eos) {
    GstEvent *event;
    gboolean eos = FALSE;
    while (!eos && (event = gst_harness_pull_event (f.h))) {
      eos = GST_EVENT_TYPE (event) == GST_EVENT_EOS;
      gst_event_unref (event);
    }
    g_assert_true (eos);
  }
  g_assert_cmpuint (gst_harness_buffers_received (f.h), ==, 0);
  tear_down (&f);
}
GST_END_TEST;

static const struct
{
  const gchar *scope, *tracks, *audience;
  const gchar *reason; /* NULL: data passes */
} tokens[] = {
  { "listen", NULL, "syrinx", NULL },
  { "original", NULL, "syrinx", "not-allowed" },
  { "listen", "abc*", "syrinx", "not-allowed" },
  { "listen", NULL, "other", "unauthenticated" },
};

GST_START_TEST (a_token_is_checked_against_the_key_set)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *dir = g_dir_make_tmp ("syrinx-gate-XXXXXX", &error);
  g_autofree gchar *key = g_build_filename (dir, "node-key.jwk", NULL);
  g_autoptr (SyrinxIssuer) issuer = syrinx_issuer_open (dir, TRUE, &error);
  g_autofree gchar *jwks = syrinx_issuer_get_jwks (issuer);
  SyrinxTokenRequest request = { .subject = "ann",
    .scope = tokens[__i__].scope,
    .tracks = tokens[__i__].tracks,
    .audience = tokens[__i__].audience,
    .ttl_s = 60 };
  g_autofree gchar *token = syrinx_issuer_issue (issuer, &request, &error);
  Fixture f;

  g_assert_no_error (error);
  set_up (&f, "jwks", jwks, "token", token, "audience", "syrinx", NULL);
  g_assert_cmpint (
      push (&f), ==, tokens[__i__].reason ? GST_FLOW_ERROR : GST_FLOW_OK);
  if (tokens[__i__].reason)
    assert_message (&f, tokens[__i__].reason);
  tear_down (&f);
  g_unlink (key);
  g_rmdir (dir);
}
GST_END_TEST;

GST_START_TEST (demands_pass_upstream)
{
  g_autoptr (SyrinxGrant) grant = make_grant (NULL, SYRINX_SCOPE_LISTEN, 100);
  GstEvent *event;
  gboolean found = FALSE;
  Fixture f;

  set_up (&f, "grant", grant, NULL);
  gst_harness_push_upstream_event (
      f.h, syrinx_event_new_demand (3, GST_SECOND, 7));
  while (!found && (event = gst_harness_try_pull_upstream_event (f.h))) {
    GstClockTime time;
    guint buffers;
    gint fragment;
    found = syrinx_event_parse_demand (event, &buffers, &time, &fragment)
            && buffers == 3 && time == GST_SECOND && fragment == 7;
    gst_event_unref (event);
  }
  g_assert_true (found);
  tear_down (&f);
}
GST_END_TEST;

static Suite *
authgate_suite (void)
{
  Suite *s = suite_create ("authgate");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, a_late_token_stops_the_stream_within_one_buffer);
  tcase_add_test (tc, a_held_stream_ends_at_its_expiry);
  tcase_add_test (tc, a_revocation_reaches_a_held_stream_at_once);
  tcase_add_test (tc, a_renewed_grant_carries_the_stream_over_the_old_expiry);
  tcase_add_loop_test (
      tc, a_denial_is_told_as_deny_says, 0, G_N_ELEMENTS (denials));
  tcase_add_loop_test (
      tc, a_token_is_checked_against_the_key_set, 0, G_N_ELEMENTS (tokens));
  tcase_add_test (tc, demands_pass_upstream);
  return s;
}

GST_CHECK_MAIN (authgate);
