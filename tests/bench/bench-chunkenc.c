/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The speed of syrinxchunkenc, compared with openssl speed and aesenc. */
#include "figures.h"

#include <gio/gio.h>
#include <gst/gst.h>

#include <string.h>
#include <time.h>

#define ROUNDS       7
#define BUFFER_BYTES (64 * 1024)
#define ROUND_CPU_S  0.3

typedef struct
{
  const gchar *figure, *element;
  const gchar *openssl; /* what openssl speed -evp measures */
  gdouble goal;         /* required share of openssl's speed; 0: printed only */
  gdouble own[ROUNDS], peer[ROUNDS];
} Bench;

static Bench benches[] = {
  { "ece_16384",
      "syrinxchunkenc format=ece record-size=16384 key=MDEyMzQ1Njc4OWFiY2RlZg",
      "aes-128-gcm", 0.85 },
  { "ece_4096", "syrinxchunkenc format=ece key=MDEyMzQ1Njc4OWFiY2RlZg",
      "aes-128-gcm", 0 },
  { "hls_aes128", "syrinxchunkenc key=MDEyMzQ1Njc4OWFiY2RlZg", "aes-128-cbc",
      0.85 },
  { "aesenc",
      "aesenc key=30313233343536373839616263646566 "
      "iv=30313233343536373839616263646566",
      "aes-128-cbc", 0 },
};

static gdouble
cpu_now (void)
{
  struct timespec now;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

static GstFlowReturn
drop (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  gst_buffer_unref (buffer);
  return GST_FLOW_OK;
}

static GstPad *
open_input (GstElement *element)
{
  GstPad *src = gst_pad_new ("src", GST_PAD_SRC);
  g_autoptr (GstPad) sink = gst_element_get_static_pad (element, "sink");
  g_autoptr (GstCaps) caps = gst_caps_new_empty_simple ("application/x-test");
  GstSegment segment;

  gst_pad_set_active (src, TRUE);
  gst_pad_link (src, sink);
  gst_segment_init (&segment, GST_FORMAT_BYTES);
  gst_pad_push_event (src, gst_event_new_stream_start ("bench"));
  gst_pad_push_event (src, gst_event_new_caps (caps));
  gst_pad_push_event (src, gst_event_new_segment (&segment));
  return src;
}

static GstPad *
open_output (GstElement *element)
{
  GstPad *sink = gst_pad_new ("sink", GST_PAD_SINK);
  g_autoptr (GstPad) src = gst_element_get_static_pad (element, "src");

  gst_pad_set_chain_function (sink, drop);
  gst_pad_set_active (sink, TRUE);
  gst_pad_link (src, sink);
  return sink;
}

/* Bytes per second of CPU. */
static gdouble
run_element (const gchar *description)
{
  GstElement *element = gst_parse_launch (description, NULL);
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, BUFFER_BYTES, NULL);
  GstPad *src, *sink;
  gdouble started, now;
  guint64 bytes = 0;

  if (element == NULL)
    g_error ("no such element: %s", description);
  gst_buffer_memset (buffer, 0, 'm', BUFFER_BYTES);
  sink = open_output (element);
  gst_element_set_state (element, GST_STATE_PLAYING);
  src = open_input (element);
  started = cpu_now ();
  do {
    for (guint i = 0; i < 64; i++)
      if (gst_pad_push (src, gst_buffer_ref (buffer)) != GST_FLOW_OK)
        g_error ("%s takes no buffer", description);
    bytes += 64 * BUFFER_BYTES;
    now = cpu_now ();
  } while (now - started < ROUND_CPU_S);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_object_unref (element);
  gst_object_unref (src);
  gst_object_unref (sink);
  gst_buffer_unref (buffer);
  return bytes / (now - started);
}

/* Bytes per second of CPU at 16 KiB, as openssl speed prints it. */
static gdouble
run_openssl (const gchar *cipher)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *text = NULL;
  g_autoptr (GSubprocess) openssl = g_subprocess_new (
      G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE,
      &error, "openssl", "speed", "-mr", "-seconds", "1", "-bytes", "16384",
      "-evp", cipher, NULL);
  const gchar *at;

  if (openssl == NULL
      || !g_subprocess_communicate_utf8 (
          openssl, NULL, NULL, &text, NULL, &error))
    g_error ("openssl speed: %s", error->message);
  /* "+F:22:AES-128-GCM:5500000000.00" */
  at = strstr (text, "+F:");
  at = at ? strrchr (at, ':') : NULL;
  if (at == NULL)
    g_error ("openssl speed says: %s", text);
  return g_ascii_strtod (at + 1, NULL);
}

static void
report (Bench *bench)
{
  g_autofree gchar *peer = g_strconcat ("openssl ", bench->openssl, NULL);

  figures_add (
      &(Figure){ bench->figure, figures_median (bench->own, ROUNDS) / 1e6,
          "MB/s", peer, figures_median (bench->peer, ROUNDS) / 1e6,
          bench->goal ? GOAL_RATIO_AT_LEAST : GOAL_NONE, bench->goal });
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  for (guint round = 0; round < ROUNDS; round++) {
    /* Each openssl cipher is measured once, for all elements that use it. */
    gdouble gcm = run_openssl ("aes-128-gcm");
    gdouble cbc = run_openssl ("aes-128-cbc");
    for (guint i = 0; i < G_N_ELEMENTS (benches); i++) {
      benches[i].own[round] = run_element (benches[i].element);
      benches[i].peer[round]
          = strcmp (benches[i].openssl, "aes-128-gcm") == 0 ? gcm : cbc;
    }
  }
  figures_begin ("chunkenc");
  for (guint i = 0; i < G_N_ELEMENTS (benches); i++)
    report (&benches[i]);
  return 0;
}
