/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxctl play against a real syrinxd. */
#include "tests/daemon/harness.h"

#include <string.h>

typedef struct
{
  gchar *dir, *output;
  Daemon *daemon;
} Fixture;

static void
set_up (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *config = NULL;

  f->dir = g_dir_make_tmp ("syrinx-play-XXXXXX", &error);
  g_assert_no_error (error);
  f->output = g_build_filename (f->dir, "out.opus", NULL);
  g_bytes_unref (
      shell ("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
             "-nodes -days 2 -subj /CN=play -addext subjectAltName="
             "IP:127.0.0.1 -keyout %s/key -out %s/crt 2>/dev/null",
          f->dir, f->dir));
  config = g_strdup_printf (
      "https=127.0.0.1:0\ntls-certificate=%s/crt\ntls-key=%s/key", f->dir,
      f->dir);
  f->daemon = daemon_new (NULL, config);
  daemon_wait_for_tracks (f->daemon, 12);
}

static void
tear_down (Fixture *f, gconstpointer unused)
{
  daemon_free (f->daemon);
  g_bytes_unref (shell ("rm -r '%s'", f->dir));
  g_free (f->dir);
  g_free (f->output);
}

/* The output is Ogg Opus and equals the minuet from second @from_s on. */
static void
assert_is_the_minuet (Fixture *f, guint from_s)
{
  g_autofree gchar *file = sample_file ("Pipes at Dawn", "02 Minuet in G.wav");
  g_autoptr (Sound) original = decode (file), sound = decode (f->output);

  g_bytes_unref (shell ("ffprobe -v error -show_entries "
                        "format=format_name:stream=codec_name -of csv=p=0 "
                        "'%s' | tr '\\n' ' ' | grep -qx 'opus ogg '",
      f->output));
  g_assert_cmpuint (
      sound->n + from_s * SOUND_RATE, >=, original->n - SOUND_RATE / 10);
  g_assert_cmpfloat (correlate (original, from_s * SOUND_RATE, sound), >, 0.9);
}

static void
a_track_is_played_in_the_clear (Fixture *f, gconstpointer unused)
{
  g_free (
      daemon_ctl (f->daemon, "play", "--output", f->output, "minuet", NULL));
  assert_is_the_minuet (f, 0);
}

/* Its session ends with it, too. */
static void
a_track_is_played_encrypted_for_this_listener (Fixture *f, gconstpointer unused)
{
  g_autofree gchar *sessions = NULL;

  g_free (daemon_ctl (f->daemon, "play", "--encryption", "ece", "--output",
      f->output, "minuet", NULL));
  assert_is_the_minuet (f, 0);
  sessions = daemon_ctl (f->daemon, "--json", "sessions", NULL);
  g_assert_cmpstr (sessions, ==, "[]");
}

static void
it_begins_where_it_shall (Fixture *f, gconstpointer unused)
{
  g_free (daemon_ctl (f->daemon, "play", "--encryption", "ece", "--start", "4",
      "--output", f->output, "minuet", NULL));
  assert_is_the_minuet (f, 4);
}

/* With a token from the environment, and without the service's files. */
static void
a_service_elsewhere_is_reached_by_https (Fixture *f, gconstpointer unused)
{
  g_autofree gchar *token = daemon_token (f->daemon, "play", "listen");
  g_autofree gchar *id = daemon_find (f->daemon, token, "minuet");
  g_autofree gchar *path = g_build_filename (
      daemon_get_state_dir (f->daemon), "https-address", NULL);

  g_bytes_unref (shell ("SYRINX_TOKEN='%s' \"$SYRINX_BUILD\"/daemon/syrinxctl "
                        "--state-dir %s/none play --server $(cat '%s') --ca "
                        "%s/crt --encryption ece --output '%s' %s",
      token, f->dir, path, f->dir, f->output, id));
  assert_is_the_minuet (f, 0);
}

static void
what_is_wrong_is_told_by_the_exit_status (Fixture *f, gconstpointer unused)
{
  const gchar *state_dir = daemon_get_state_dir (f->daemon);
  static const struct
  {
    const gchar *arguments;
    gint status;
  } cases[] = { { "play zyzzyva", 4 }, { "play", 2 },
    { "play --encryption rot13 minuet", 2 }, { "play --token x minuet", 1 },
    { "play --server http://127.0.0.1:1/ minuet", 1 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_bytes_unref (shell (
        "status=0; \"$SYRINX_BUILD\"/daemon/syrinxctl --state-dir '%s' "
        "%s --output /dev/null 2>/dev/null || status=$?; test $status = %d",
        state_dir, cases[i].arguments, cases[i].status));
}

/* It is told once, with what to do about it. */
static void
a_missing_plugin_is_told (Fixture *f, gconstpointer unused)
{
  g_autoptr (GBytes) output = shell (
      "mkdir '%s/soup-only'; ln -s \"$(pkg-config --variable=pluginsdir "
      "gstreamer-1.0)/libgstsoup.so\" '%s/soup-only'; GST_PLUGIN_PATH= "
      "GST_PLUGIN_SYSTEM_PATH_1_0='%s/soup-only' GST_REGISTRY='%s/registry' "
      "\"$SYRINX_BUILD\"/daemon/syrinxctl --state-dir '%s' play minuet "
      "--output /dev/null 2>&1 || test $? = 1; rm -r '%s/soup-only' "
      "'%s/registry'",
      f->dir, f->dir, f->dir, f->dir, daemon_get_state_dir (f->daemon), f->dir,
      f->dir);
  g_autofree gchar *text
      = g_strndup (g_bytes_get_data (output, NULL), g_bytes_get_size (output));

  g_assert_nonnull (strstr (text, "GST_PLUGIN_PATH"));
  g_assert_null (strstr (text, "WARNING"));
}

int
main (int argc, char **argv)
{
#define TEST(name)                                                             \
  g_test_add ("/play/" #name, Fixture, NULL, set_up, name, tear_down)
  g_test_init (&argc, &argv, NULL);
  TEST (a_track_is_played_in_the_clear);
  TEST (a_track_is_played_encrypted_for_this_listener);
  TEST (it_begins_where_it_shall);
  TEST (a_service_elsewhere_is_reached_by_https);
  TEST (a_missing_plugin_is_told);
  TEST (what_is_wrong_is_told_by_the_exit_status);
  return g_test_run ();
}
