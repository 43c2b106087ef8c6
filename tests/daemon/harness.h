/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A real syrinxd for tests and benches, and what one asks of it. Failures end
 * the program with what happened. One thread. */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct _Daemon Daemon;

/* On a fresh state directory. @library (nullable): the samples. @config
 * (nullable): lines for the [syrinx] group of its configuration. */
Daemon *daemon_new (const gchar *library, const gchar *config);
/* By SIGTERM; the state directory goes too. */
void daemon_free (Daemon *daemon);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Daemon, daemon_free)

/* Sends @signal, and waits for the end if it is one that ends. */
void daemon_signal (Daemon *daemon, int signal);
/* After an end: again, on the same state. */
void daemon_start (Daemon *daemon);
/* Its next starts are under a command, whose words are parted by single spaces.
 */
void daemon_wrap (Daemon *daemon, const gchar *wrapper);
gboolean daemon_is_alive (Daemon *daemon);

GPid daemon_get_pid (Daemon *daemon);
const gchar *daemon_get_state_dir (Daemon *daemon);
const gchar *daemon_get_url (Daemon *daemon); /* without the last slash */
const gchar *daemon_get_admin_url (Daemon *daemon);
guint16 daemon_get_port (Daemon *daemon);
/* What it wrote to standard error so far. (transfer full) */
gchar *daemon_get_log (Daemon *daemon);

/* Until the index has so many tracks and no scan runs. */
void daemon_wait_for_tracks (Daemon *daemon, guint n_tracks);
/* Until @check is true; @what is for who reads the failure. */
void wait_until (gboolean (*check) (gpointer data), gpointer data,
    const gchar *what, guint seconds);

/* --- syrinxctl --- */

/* What `syrinxctl ARGUMENT…` (to NULL) prints, without the last newline; it
 * must exit with 0. (transfer full) */
gchar *daemon_ctl (Daemon *daemon, ...) G_GNUC_NULL_TERMINATED;
/* Of @subject, with @scope, for an hour. (transfer full) */
gchar *daemon_token (Daemon *daemon, const gchar *subject, const gchar *scope);

/* --- HTTP, by libsoup --- */

typedef struct
{
  guint status;
  GHashTable *headers; /* lower-case name → value */
  GBytes *body;
} Answer;

/* @path: from the slash on, or a whole address. @token, @body (nullable). */
Answer *ask (Daemon *daemon, const gchar *method, const gchar *path,
    const gchar *token, const gchar *body);
void answer_free (Answer *answer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Answer, answer_free)
const gchar *answer_header (Answer *answer, const gchar *name);
/* (transfer full) */
gchar *answer_text (Answer *answer);
JsonObject *answer_json (Answer *answer);

/* The first track that the words find. (transfer full) */
gchar *daemon_find (Daemon *daemon, const gchar *token, const gchar *words);
/* A session for it; @members (nullable): more of the body, such as
 * "\"encryption\":\"ece\"". (transfer full) */
JsonObject *daemon_session (Daemon *daemon, const gchar *token,
    const gchar *track_id, const gchar *members);

/* Writes @text to a new connection and reads to its end or for @seconds. NULs
 * come back as dots. (transfer full) */
gchar *talk (Daemon *daemon, const gchar *text, gssize size_bytes,
    guint seconds, gboolean *ended);

/* --- Commands --- */

/* Standard output of `/bin/sh -ec` with the text; it must exit with 0.
 * (transfer full) */
GBytes *shell (const gchar *format, ...) G_GNUC_PRINTF (1, 2);

/* --- Sound --- */

#define SOUND_RATE 48000

typedef struct
{
  gfloat *samples; /* mono */
  gsize n;
} Sound;

/* By ffmpeg, from a file or an address, without what comes before time 0. */
Sound *decode (const gchar *from);
void sound_free (Sound *sound);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Sound, sound_free)
/* Of the parts that both have, -1 to 1; @a from @offset on against @b from its
 * start. */
gdouble correlate (const Sound *a, gsize offset, const Sound *b);
/* A file of the samples. (transfer full) */
gchar *sample_file (const gchar *album, const gchar *name);

G_END_DECLS
