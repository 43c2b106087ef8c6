/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A session's container: time, messages and memory. With GStreamer's own
 * elements, which rely on clock and base time as GstPipeline sets them. */
#include "pipelines/pipe.h"

#include "core/crypto/secret.h"

#include "core/base/error.h"

#include <glib/gstdio.h>
#include <string.h>

#define TONE                                                                   \
  "audiotestsrc name=src samplesperbuffer=480 ! audio/x-raw,rate=48000 ! "
#define SINK "fakesink name=sink sync=false async=false"
/* Paced by the clock. */
static const gchar by_clock[] = TONE "identity name=out sync=true ! " SINK;
/* Paced by the queue, with a lead of half a second. */
static const gchar by_queue[]
    = TONE "syrinxgeoqueue sync=true lead=500000000 name=out ! " SINK;
/* Paced by a sink that waits for its first buffer. */
static const gchar by_sink[]
    = TONE "identity name=out ! fakesink name=sink sync=true";

typedef struct
{
  SyrinxPipe *pipe;
  gboolean stops_itself;
  GMutex lock;
  GCond changed;
  /* protected by lock */
  GstClockTime passed; /* duration of audio at the sink */
  GString *said;       /* "eos", "error", "element", each with the id */
  GQuark error_domain;
  gboolean is_gone;
} Fixture;

/* --- Messages --- */

static void
hear (const gchar *id, GstMessageType type, const GstStructure *structure,
    gpointer data)
{
  Fixture *f = data;
  g_autoptr (GError) error = NULL;

  g_mutex_lock (&f->lock);
  g_string_append_printf (
      f->said, "%s:%s ", id, gst_message_type_get_name (type));
  if (type == GST_MESSAGE_EOS)
    g_assert_null (structure);
  if (type == GST_MESSAGE_ERROR
      && gst_structure_get (structure, "gerror", G_TYPE_ERROR, &error, NULL))
    f->error_domain = error->domain;
  g_cond_broadcast (&f->changed);
  g_mutex_unlock (&f->lock);
  if (f->stops_itself)
    syrinx_pipe_stop_later (g_steal_pointer (&f->pipe));
}

static void
wait_for (Fixture *f, const gchar *said)
{
  gint64 end = g_get_monotonic_time () + 10 * G_TIME_SPAN_SECOND;

  g_mutex_lock (&f->lock);
  while (!strstr (f->said->str, said))
    g_assert_true (g_cond_wait_until (&f->changed, &f->lock, end));
  g_mutex_unlock (&f->lock);
}

/* --- Data --- */

static GstPadProbeReturn
count (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Fixture *f = data;
  GstBufferList *list = info->type & GST_PAD_PROBE_TYPE_BUFFER_LIST
                            ? GST_PAD_PROBE_INFO_BUFFER_LIST (info)
                            : NULL;

  g_mutex_lock (&f->lock);
  if (!list)
    f->passed += GST_BUFFER_DURATION (GST_PAD_PROBE_INFO_BUFFER (info));
  for (guint i = 0; list && i < gst_buffer_list_length (list); i++)
    f->passed += GST_BUFFER_DURATION (gst_buffer_list_get (list, i));
  g_mutex_unlock (&f->lock);
  return GST_PAD_PROBE_OK;
}

static gdouble
take_passed_s (Fixture *f)
{
  GstClockTime passed;

  g_mutex_lock (&f->lock);
  passed = f->passed;
  f->passed = 0;
  g_mutex_unlock (&f->lock);
  return (gdouble)passed / GST_SECOND;
}

/* Seconds of audio that pass in @seconds, or slightly longer. */
static gdouble
pass_s (Fixture *f, gdouble seconds)
{
  gint64 begin_us = g_get_monotonic_time ();
  gdouble passed_s, late_s;

  take_passed_s (f);
  g_usleep (seconds * G_USEC_PER_SEC);
  passed_s = take_passed_s (f);
  late_s = (g_get_monotonic_time () - begin_us) / 1e6 - seconds;
  return passed_s > late_s ? passed_s - late_s : 0;
}

/* --- Its life --- */

static void
set_up (Fixture *f, const gchar *launch)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) sink = NULL;
  g_autoptr (GstPad) pad = NULL;

  *f = (Fixture){ .said = g_string_new (NULL) };
  f->pipe = syrinx_pipe_new ("one", launch, hear, f, &error);
  g_assert_no_error (error);
  sink = syrinx_pipe_get_element (f->pipe, "sink");
  pad = gst_element_get_static_pad (sink, "sink");
  gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, count, f,
      NULL);
}

static void
play (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (syrinx_pipe_play (f->pipe, &error));
  g_assert_no_error (error);
}

static void
tear_down (Fixture *f)
{
  if (f->pipe)
    syrinx_pipe_stop (f->pipe);
  g_clear_object (&f->pipe);
  g_string_free (f->said, TRUE);
}

/* --- Time --- */

static void
assert_between (gdouble value, gdouble min, gdouble max)
{
  g_test_message ("%.2f s", value);
  g_assert_cmpfloat (value, >=, min);
  g_assert_cmpfloat (value, <=, max);
}

/* Asserts that one second of audio passes in a second, and at first the lead
 * and a batch of 0.1 s more. On a busy machine a second may also make up for
 * the one before, but not each of five. */
static void
assert_a_second_passes (Fixture *f, gconstpointer launch)
{
  const gdouble max_s = launch == by_queue ? 1.7 : 1.2;
  gdouble passed_s = pass_s (f, 1);

  for (guint i = 0; i < 4 && passed_s > max_s; i++)
    passed_s = pass_s (f, 1);
  assert_between (passed_s, 0.7, max_s);
}

static void
a_second_takes_a_second (gconstpointer launch)
{
  Fixture f;

  set_up (&f, launch);
  play (&f);
  assert_a_second_passes (&f, launch);
  tear_down (&f);
}

static void
pausing_stops_time (gconstpointer launch)
{
  Fixture f;

  set_up (&f, launch);
  play (&f);
  pass_s (&f, 0.5);
  syrinx_pipe_pause (f.pipe);
  syrinx_pipe_pause (f.pipe); /* a second pause changes nothing */
  pass_s (&f, 0.1);
  assert_between (pass_s (&f, 0.5), 0, 0.05);
  play (&f);
  assert_a_second_passes (&f, launch);
  tear_down (&f);
}

static void
after_a_seek_time_goes_on_from_there (gconstpointer launch)
{
  Fixture f;

  set_up (&f, launch);
  play (&f);
  for (guint i = 0; i < 2; i++) {
    pass_s (&f, 0.5);
    g_assert_true (syrinx_pipe_seek (f.pipe, (2 - i) * 10 * GST_SECOND));
    assert_a_second_passes (&f, launch);
  }
  tear_down (&f);
}

static void
a_seek_in_a_pause_holds_when_it_plays (gconstpointer launch)
{
  Fixture f;

  set_up (&f, launch);
  play (&f);
  pass_s (&f, 0.5);
  syrinx_pipe_pause (f.pipe);
  g_assert_true (syrinx_pipe_seek (f.pipe, 20 * GST_SECOND));
  pass_s (&f, 0.5);
  play (&f);
  assert_a_second_passes (&f, launch);
  tear_down (&f);
}

/* --- Messages --- */

static void
the_end_is_said_once (void)
{
  Fixture f;

  set_up (&f, "audiotestsrc num-buffers=5 ! " SINK);
  play (&f);
  wait_for (&f, "one:eos ");
  g_usleep (50 * 1000);
  g_assert_cmpstr (f.said->str, ==, "one:eos ");
  tear_down (&f);
}

static void
a_key_reaches_the_encrypter (void)
{
  const gchar *launch = "fakesrc num-buffers=5 sizetype=fixed ! "
                        "syrinxchunkenc name=enc format=ece ! "
                        "fakesink name=sink sync=false";
  g_autoptr (GBytes) key = syrinx_secret_new_random (16);
  g_autoptr (GstElement) enc = NULL;
  g_autofree gchar *key_id = NULL;
  Fixture f;

  set_up (&f, launch);
  syrinx_pipe_set_key (f.pipe, key, "a session");
  enc = syrinx_pipe_get_element (f.pipe, "enc");
  g_object_get (enc, "keyid", &key_id, NULL);
  g_assert_cmpstr (key_id, ==, "a session");
  play (&f);
  wait_for (&f, "one:eos ");
  g_assert_cmpstr (f.said->str, ==, "one:eos ");
  tear_down (&f);
}

static void
an_error_is_said_and_holds_no_element (void)
{
  Fixture f;
  GstElement *src;

  set_up (&f, "audiotestsrc name=src ! identity error-after=3 ! " SINK);
  src = syrinx_pipe_get_element (f.pipe, "src");
  gst_object_unref (src);
  g_object_add_weak_pointer (G_OBJECT (src), (gpointer *)&src);
  play (&f);
  wait_for (&f, "one:error ");
  g_assert_true (
      f.error_domain == GST_CORE_ERROR || f.error_domain == GST_STREAM_ERROR);
  tear_down (&f);
  g_assert_null (src);
}

static void
what_elements_say_is_passed_on (void)
{
  g_autoptr (GstElement) src = NULL;
  Fixture f;

  set_up (&f, by_clock);
  src = syrinx_pipe_get_element (f.pipe, "src");
  gst_element_post_message (
      src, gst_message_new_element (GST_OBJECT (src),
               gst_structure_new_empty ("syrinx-client-closed")));
  wait_for (&f, "one:element ");
  tear_down (&f);
}

static void
note_gone (gpointer data, GObject *object)
{
  Fixture *f = data;

  g_mutex_lock (&f->lock);
  f->is_gone = TRUE;
  g_cond_broadcast (&f->changed);
  g_mutex_unlock (&f->lock);
}

static void
it_may_be_stopped_from_what_it_says (void)
{
  gint64 end = g_get_monotonic_time () + 10 * G_TIME_SPAN_SECOND;
  Fixture f;

  set_up (&f, "audiotestsrc num-buffers=5 ! " SINK);
  f.stops_itself = TRUE;
  g_object_weak_ref (G_OBJECT (f.pipe), note_gone, &f);
  play (&f);
  g_mutex_lock (&f.lock);
  while (!f.is_gone)
    g_assert_true (g_cond_wait_until (&f.changed, &f.lock, end));
  g_mutex_unlock (&f.lock);
  tear_down (&f);
}

/* --- Memory --- */

static guint
count_descriptors (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir))
    n++;
  return n;
}

static void
fifty_sessions_open_no_descriptor (void)
{
  Fixture first, f[50];
  guint n;

  set_up (&first, by_queue);
  play (&first);
  pass_s (&first, 0.1);
  n = count_descriptors ();
  for (guint i = 0; i < G_N_ELEMENTS (f); i++) {
    g_autoptr (GstClock) clock = NULL;
    g_autoptr (GstClock) system = gst_system_clock_obtain ();
    set_up (&f[i], by_queue);
    play (&f[i]);
    clock = gst_element_get_clock (GST_ELEMENT (f[i].pipe));
    g_assert_true (clock == system);
    g_assert_null (gst_element_get_bus (GST_ELEMENT (f[i].pipe)));
  }
  g_assert_cmpuint (count_descriptors (), ==, n);
  for (guint i = 0; i < G_N_ELEMENTS (f); i++)
    tear_down (&f[i]);
  g_assert_cmpuint (count_descriptors (), ==, n);
  tear_down (&first);
}

/* --- Shapes --- */

static void
a_shape_that_is_none_is_refused (void)
{
  g_autoptr (GError) unknown = NULL, broken = NULL;
  g_autofree gchar *dir = g_dir_make_tmp ("syrinx-shapes-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (dir, "stream.launch", NULL);

  g_assert_null (syrinx_shape_load ("no-such", NULL, &unknown));
  g_assert_error (unknown, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND);
  g_assert_true (g_file_set_contents (path, "nosuchelement", -1, NULL));
  g_assert_null (syrinx_shape_load ("stream", dir, &broken));
  g_assert_error (broken, SYRINX_ERROR, SYRINX_ERROR_INVALID);
  g_assert_cmpint (g_file_set_contents (path, SINK, -1, NULL), ==, TRUE);
  g_free (syrinx_shape_load ("stream", dir, NULL));
  g_assert_cmpint (g_remove (path), ==, 0);
  g_assert_cmpint (g_remove (dir), ==, 0);
}

static void
add (const gchar *name, void (*test) (gconstpointer launch))
{
  static const struct
  {
    const gchar *name, *launch;
  } cases[]
      = { { "clock", by_clock }, { "queue", by_queue }, { "sink", by_sink } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *path
        = g_strdup_printf ("/session/%s/%s", name, cases[i].name);
    g_test_add_data_func (path, cases[i].launch, test);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  gst_init (&argc, &argv);
#define ADD_TIMED(test) add (#test, test)
#define ADD(test)       g_test_add_func ("/session/" #test, test)
  ADD_TIMED (a_second_takes_a_second);
  ADD_TIMED (pausing_stops_time);
  ADD_TIMED (after_a_seek_time_goes_on_from_there);
  ADD_TIMED (a_seek_in_a_pause_holds_when_it_plays);
  ADD (the_end_is_said_once);
  ADD (a_key_reaches_the_encrypter);
  ADD (an_error_is_said_and_holds_no_element);
  ADD (what_elements_say_is_passed_on);
  ADD (it_may_be_stopped_from_what_it_says);
  ADD (fifty_sessions_open_no_descriptor);
  ADD (a_shape_that_is_none_is_refused);
  return g_test_run ();
}
