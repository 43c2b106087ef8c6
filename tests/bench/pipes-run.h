/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One measurement, in a process of its own, so that none begins with what
 * another has left in memory. The process is this program again. */
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
  guint batch;   /* 0: as the daemon has it */
  guint seconds; /* of measuring */
  gboolean warm; /* all that is played lies in the cache before */
  gboolean without_lead;
  gboolean with_sleeper; /* costs CPU */
} RunSettings;

typedef struct
{
  gdouble create_ms;      /* CPU a session, to PLAYING */
  gdouble kib;            /* resident a session */
  gdouble threads;        /* of the process, while they play */
  gdouble percent;        /* CPU of a core a hundred sessions */
  gdouble late_p99_ms;    /* release against due time, of turns that were waited
                             for */
  gdouble sleeper_p99_ms; /* the same of a thread that only sleeps: the
                             machine's part of it */
  gdouble wakeups;        /* a second, of the process */
  gdouble pace;           /* what was sent, of what had to be */
} RunResult;

/* Runs @settings on the tracks of @dir in a new process. */
RunResult run_measure (const RunSettings *settings, const gchar *dir);
/* In that process: TRUE if @argv asked for it, and it is done. */
gboolean run_is_asked (int argc, char **argv);

/* pipes-plain.c: a hundred pipelines as GStreamer has them. */
RunResult plain_measure (const RunSettings *settings, const gchar *dir);

/* CPU of this thread so far. */
gdouble run_thread_cpu_s (void);
/* Median over the seconds of a run; fills percent and wakeups. */
void run_watch (const RunSettings *settings, RunResult *result);

G_END_DECLS
