/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One measurement, in a process of its own, so that none is affected by memory
 * that another has used. The process runs this program again. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  SHAPE_ENC,   /* source ! gate ! queue ! chunkenc ! sink */
  SHAPE_OGG,   /* … ! oggmux ! chunkenc ! sink: what the daemon streams */
  SHAPE_RTP,   /* … ! rtpopuspay ! sink */
  SHAPE_PLAIN, /* filesrc ! oggdemux ! opusparse ! identity ! fakesink */
} Shape;

typedef struct
{
  Shape shape;
  guint n_sessions;
  guint batch;   /* 0: the daemon's */
  guint seconds; /* of measuring */
  gboolean warm; /* all data is in the cache before */
  gboolean without_lead;
  gboolean with_sleeper; /* costs CPU */
} RunSettings;

typedef struct
{
  gdouble create_ms;   /* CPU per session, up to PLAYING */
  gdouble kib;         /* resident memory per session */
  gdouble threads;     /* of the process, while sessions play */
  gdouble percent;     /* CPU of a core per hundred sessions */
  gdouble late_p99_ms; /* time after the due time, of turns that had to wait for
                          it */
  gdouble sleeper_p99_ms; /* the same for a thread that only sleeps: the
                             machine's part of it */
  gdouble wakeups;        /* per second, of the process */
  gdouble pace;           /* bytes sent / bytes due */
} RunResult;

/* Runs @settings on the tracks of @dir in a new process. */
RunResult run_measure (const RunSettings *settings, const gchar *dir);
/* TRUE if @argv asked for a measurement, which has then been made. */
gboolean run_is_asked (int argc, char **argv);

/* pipes-plain.c: a hundred plain GStreamer pipelines. */
RunResult plain_measure (const RunSettings *settings, const gchar *dir);

/* CPU time of this thread so far. */
gdouble run_thread_cpu_s (void);
/* Sets percent and wakeups to the medians over the seconds of a run. */
void run_watch (const RunSettings *settings, RunResult *result);

G_END_DECLS
