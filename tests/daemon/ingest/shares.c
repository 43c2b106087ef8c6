/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Library folders on shares that hang, fail, lie, go away and come back. */
#include "fuse-share.h"
#include "ingest-fixture.h"

#include "daemon/ingest/deadline.h"
#include "daemon/ingest/shares.h"

#include <glib/gstdio.h>
#include <sched.h>
#include <sys/mount.h>

/* --- The table of mounts --- */

static void
the_table_of_mounts_tells_shares (void)
{
  static const gchar text[]
      = "21 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
        "22 21 0:5 / /music/nas\\040one rw shared:7 master:1 - cifs //x/y rw\n"
        "23 21 0:6 / /srv/nfs rw - nfs4 x:/y rw\n"
        "24 23 8:2 / /srv/nfs/disk rw - ext4 /dev/sdb1 rw\n"
        "25 21 0:7 / /ssh rw - fuse.sshfs x: rw\n"
        "26 21 8:3 / /ntfs rw - fuseblk /dev/sdc1 rw\n"
        "27 21 0:8 / /over rw - nfs x:/z rw\n"
        "28 27 8:4 / /over rw - ext4 /dev/sdd1 rw\n"
        "a line that is none\n";
  static const struct
  {
    const gchar *path;
    gboolean is_share;
  } cases[] = { { "/music", FALSE }, { "/music/nas one", TRUE },
    { "/music/nas one/a", TRUE }, { "/music/nas onee", FALSE },
    { "/srv/nfs/x", TRUE }, { "/srv/nfs/disk/x", FALSE }, { "/ssh", TRUE },
    { "/ntfs", FALSE }, { "/over/a", FALSE }, { "/", FALSE } };
  g_autoptr (SyrinxMounts) mounts = syrinx_mounts_parse (text);
  g_auto (GStrv) below = syrinx_mounts_list_shares (mounts, "/music");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    if (syrinx_mounts_is_share (mounts, cases[i].path) != cases[i].is_share)
      g_error ("%s", cases[i].path);
  g_assert_cmpuint (g_strv_length (below), ==, 1);
  g_assert_cmpstr (below[0], ==, "nas one/");
}

/* --- Deadlines --- */

typedef struct
{
  GMutex lock;
  GCond changed;
  gboolean go_on; /* protected by lock */
  gint n_freed;   /* atomic */
} Gate;

static void
hang_at_gate (gpointer data, gint *progress)
{
  Gate *gate = data;

  g_mutex_lock (&gate->lock);
  while (!gate->go_on)
    g_cond_wait (&gate->changed, &gate->lock);
  g_mutex_unlock (&gate->lock);
}

static void
free_at_gate (gpointer data)
{
  g_atomic_int_inc (&((Gate *)data)->n_freed);
}

static void
get_on_slowly (gpointer data, gint *progress)
{
  for (guint i = 0; i < 40; i++) {
    g_usleep (10000);
    g_atomic_int_inc (progress);
  }
}

static void
a_call_is_given_up_when_nothing_moves (void)
{
  static Gate gate; /* static, since a thread may outlive the test */
  gint64 deadline_us = g_get_monotonic_time () + 30 * G_USEC_PER_SEC;

  g_assert_true (
      syrinx_deadline_run ("slow", get_on_slowly, &gate, free_at_gate, 300));
  for (guint i = 0; i < SYRINX_MAX_STUCK + 3; i++)
    g_assert_false (
        syrinx_deadline_run ("hangs", hang_at_gate, &gate, free_at_gate, 50));
  g_assert_cmpint (g_atomic_int_get (&gate.n_freed), ==, 3);
  g_mutex_lock (&gate.lock);
  gate.go_on = TRUE;
  g_cond_broadcast (&gate.changed);
  g_mutex_unlock (&gate.lock);
  while (g_atomic_int_get (&gate.n_freed) < SYRINX_MAX_STUCK + 3
         && g_get_monotonic_time () < deadline_us)
    g_usleep (1000);
  g_assert_cmpint (g_atomic_int_get (&gate.n_freed), ==, SYRINX_MAX_STUCK + 3);
  g_assert_true (
      syrinx_deadline_run ("hangs", hang_at_gate, &gate, free_at_gate, 10000));
}

/* --- A share --- */

/* The folder that the share serves. (transfer full) */
static gchar *
get_backing (Fixture *f, const gchar *name)
{
  return g_build_filename (f->dir, "backing", name, NULL);
}

static FuseShare *
mount_share (Fixture *f)
{
  g_autofree gchar *backing = get_backing (f, NULL);
  g_autofree gchar *why = NULL;
  FuseShare *share = fuse_share_new (backing, f->share, &why);

  if (!share)
    g_test_skip (why);
  return share;
}

/* One file on disk, two on the share. */
static FuseShare *
begin (Fixture *f)
{
  g_autofree gchar *here = in_library (f, "here.flac");
  g_autofree gchar *folder = get_backing (f, "folder");

  g_mkdir_with_parents (folder, 0700);
  make_file (here, 1, "-c:a flac");
  shell ("cp '%s' '%s/one.flac'; cp '%s' '%s/../two.flac'", here, folder, here,
      folder);
  syrinx_ingest_set_times (f->ingest, 1, 30);
  return mount_share (f);
}

static guint
count_tracks (Fixture *f)
{
  g_autoptr (GPtrArray) tracks = list_tracks (f);

  return tracks->len;
}

/* A new file there is found without a request to scan. */
static void
assert_comes_back (Fixture *f, const gchar *name, guint n_tracks)
{
  g_autofree gchar *path = get_backing (f, name);
  gint64 deadline_us = g_get_monotonic_time () + 60 * G_USEC_PER_SEC;

  shell ("cp '%s/here.flac' '%s'", f->library, path);
  while (count_tracks (f) < n_tracks && g_get_monotonic_time () < deadline_us)
    wait_for_next_scan (f);
  g_assert_cmpuint (count_tracks (f), ==, n_tracks);
}

static void
a_share_is_looked_through_again_and_again (Fixture *f, gconstpointer data)
{
  FuseShare *share = begin (f);

  if (!share)
    return;
  scan (f);
  g_assert_cmpuint (count_tracks (f), ==, 3);
  assert_comes_back (f, "three.flac", 4);
  shell ("rm '%s/backing/folder/one.flac'", f->dir);
  while (count_tracks (f) > 3)
    wait_for_next_scan (f);
  fuse_share_free (share);
}

/* Its answers meanwhile must not remove any track. */
static void
a_share_that_fails_or_lies_loses_nothing (Fixture *f, gconstpointer data)
{
  static const FuseShareMode modes[]
      = { FUSE_SHARE_FAILS, FUSE_SHARE_EMPTY, FUSE_SHARE_HANGS };
  FuseShare *share = begin (f);

  if (!share)
    return;
  scan (f);
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    g_autofree gchar *name = g_strdup_printf ("more-%u.flac", i);

    fuse_share_set_mode (share, modes[i]);
    scan (f);
    g_assert_cmpuint (count_tracks (f), ==, 3 + i);
    fuse_share_set_mode (share, FUSE_SHARE_GOOD);
    assert_comes_back (f, name, 4 + i);
  }
  fuse_share_free (share);
}

static void
a_share_that_is_unmounted_loses_nothing_and_comes_back (
    Fixture *f, gconstpointer data)
{
  FuseShare *share = begin (f);

  if (!share)
    return;
  scan (f);
  g_assert_cmpuint (count_tracks (f), ==, 3);
  fuse_share_free (share);
  scan (f);
  g_assert_cmpuint (count_tracks (f), ==, 3);
  share = mount_share (f);
  g_assert_nonnull (share);
  assert_comes_back (f, "three.flac", 4);
  fuse_share_free (share);
}

static void
a_share_that_hangs_delays_no_disk (Fixture *f, gconstpointer data)
{
  g_autofree gchar *new_one = in_library (f, "new.flac");
  FuseShare *share = begin (f);
  gint64 deadline_us;

  if (!share)
    return;
  scan (f);
  fuse_share_set_mode (share, FUSE_SHARE_HANGS);
  make_file (new_one, 1, "-c:a flac");
  syrinx_ingest_scan (f->ingest);
  deadline_us = g_get_monotonic_time () + 60 * G_USEC_PER_SEC;
  while (count_tracks (f) < 4 && g_get_monotonic_time () < deadline_us)
    g_main_context_iteration (NULL, FALSE);
  g_assert_cmpuint (count_tracks (f), ==, 4);
  /* the share is still awaited */
  g_assert_cmpuint (get_figure (f, "scanning"), ==, TRUE);
  fuse_share_free (share);
}

#define ADD(test)                                                              \
  g_test_add (                                                                 \
      "/shares/" #test, Fixture, NULL, set_up_with_share, test, tear_down)

int
main (int argc, char **argv)
{
  if (argc > 2 && g_str_equal (argv[1], "--serve"))
    return fuse_share_serve (argc, argv);
  /* mounts end with this process */
  if (unshare (CLONE_NEWNS) == 0)
    mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/shares/the_table_of_mounts_tells_shares",
      the_table_of_mounts_tells_shares);
  g_test_add_func ("/shares/a_call_is_given_up_when_nothing_moves",
      a_call_is_given_up_when_nothing_moves);
  ADD (a_share_is_looked_through_again_and_again);
  ADD (a_share_that_fails_or_lies_loses_nothing);
  ADD (a_share_that_is_unmounted_loses_nothing_and_comes_back);
  ADD (a_share_that_hangs_delays_no_disk);
  return g_test_run ();
}
