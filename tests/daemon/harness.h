/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A real syrinxd for tests and benches, and requests to it. A failure ends the
 * program with a message. One thread. */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct _Daemon Daemon;

/* Starts a daemon on a fresh state directory. @library (nullable): NULL is the
 * folder of samples. @config (nullable): lines for the [syrinx] group of its
 * configuration. */
Daemon *daemon_new (const gchar *library, const gchar *config);
/* Stops it by SIGTERM and removes the state directory. */
void daemon_free (Daemon *daemon);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Daemon, daemon_free)

/* Sends @signal, and waits for the end if the signal ends the process. */
void daemon_signal (Daemon *daemon, int signal);
/* Starts it again on the same state, after it has ended. */
void daemon_start (Daemon *daemon);
/* Later starts run it under the command @wrapper, whose words are separated by
 * single spaces. */
void daemon_wrap (Daemon *daemon, const gchar *wrapper);
gboolean daemon_is_alive (Daemon *daemon);

GPid daemon_get_pid (Daemon *daemon);
const gchar *daemon_get_state_dir (Daemon *daemon);
const gchar *daemon_get_url (Daemon *daemon); /* without the last slash */
const gchar *daemon_get_admin_url (Daemon *daemon);
guint16 daemon_get_port (Daemon *daemon);
/* Its standard error so far. (transfer full) */
gchar *daemon_get_log (Daemon *daemon);

/* Waits until the index has @n_tracks and no scan runs. */
void daemon_wait_for_tracks (Daemon *daemon, guint n_tracks);
/* Waits until @check is true; @what names the condition in the failure
 * message. */
void wait_until (gboolean (*check) (gpointer data), gpointer data,
    const gchar *what, guint seconds);

/* --- syrinxctl --- */

/* The output of `syrinxctl ARGUMENT…` (NULL-terminated), without the last
 * newline; it must exit with 0. (transfer full) */
gchar *daemon_ctl (Daemon *daemon, ...) G_GNUC_NULL_TERMINATED;
/* A token of @subject with @scope, valid for an hour. (transfer full) */
gchar *daemon_token (Daemon *daemon, const gchar *subject, const gchar *scope);

/* --- HTTP, by libsoup --- */

typedef struct
{
  guint status;
  GHashTable *headers; /* lower-case name → value */
  GBytes *body;
} Answer;

/* @path: a path, or a whole URL. @token, @body (nullable). */
Answer *ask (Daemon *daemon, const gchar *method, const gchar *path,
    const gchar *token, const gchar *body);
void answer_free (Answer *answer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Answer, answer_free)
const gchar *answer_header (Answer *answer, const gchar *name);
/* (transfer full) */
gchar *answer_text (Answer *answer);
JsonObject *answer_json (Answer *answer);

/* The id of the first track that @words find. (transfer full) */
gchar *daemon_find (Daemon *daemon, const gchar *token, const gchar *words);
/* Begins a session for @track_id; @members (nullable): more members of the
 * body, such as "\"encryption\":\"ece\"". (transfer full) */
JsonObject *daemon_session (Daemon *daemon, const gchar *token,
    const gchar *track_id, const gchar *members);

/* Writes @text to a new connection and reads to its end or for @seconds. NULs
 * are replaced by dots. (transfer full) */
gchar *talk (Daemon *daemon, const gchar *text, gssize size_bytes,
    guint seconds, gboolean *ended);

/* --- Commands --- */

/* The standard output of `/bin/sh -ec` with the text; it must exit with 0.
 * (transfer full) */
GBytes *shell (const gchar *format, ...) G_GNUC_PRINTF (1, 2);

/* --- Sound --- */

#define SOUND_RATE 48000

typedef struct
{
  gfloat *samples; /* mono */
  gsize n;
} Sound;

/* Decodes a file or a URL by ffmpeg, without samples before time 0. */
Sound *decode (const gchar *from);
void sound_free (Sound *sound);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Sound, sound_free)
/* Correlation of the common part, -1 to 1, of @a from @offset on and @b from
 * its start. */
gdouble correlate (const Sound *a, gsize offset, const Sound *b);
/* The path of a sample file. (transfer full) */
gchar *sample_file (const gchar *album, const gchar *name);

G_END_DECLS
