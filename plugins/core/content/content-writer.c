/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A thread that does jobs in order. */
#include "content-writer.h"

/* A struct apart from the writer, because the last job may free the writer. */
typedef struct
{
  GMutex lock;
  GCond less;
  guint n; /* protected by lock: jobs that are queued or running */
} Backlog;

typedef struct
{
  void (*func) (gpointer data);
  gpointer data;
  Backlog *backlog;
} Job;

struct _SyrinxWriter
{
  /* constant after init */
  GThreadPool *pool; /* has one thread */
  Backlog *backlog;
};

static void
run (gpointer data, gpointer user_data)
{
  g_autofree Job *job = data;

  job->func (job->data);
  g_mutex_lock (&job->backlog->lock);
  job->backlog->n--;
  g_cond_broadcast (&job->backlog->less);
  g_mutex_unlock (&job->backlog->lock);
  g_atomic_rc_box_release (job->backlog);
}

SyrinxWriter *
syrinx_writer_new (void)
{
  SyrinxWriter *writer = g_new0 (SyrinxWriter, 1);

  writer->backlog = g_atomic_rc_box_new0 (Backlog);
  writer->pool = g_thread_pool_new (run, NULL, 1, FALSE, NULL);
  return writer;
}

void
syrinx_writer_free (SyrinxWriter *writer)
{
  g_thread_pool_free (writer->pool, FALSE, FALSE);
  g_atomic_rc_box_release (writer->backlog);
  g_free (writer);
}

void
syrinx_writer_push (
    SyrinxWriter *writer, void (*func) (gpointer data), gpointer data)
{
  Job *job = g_new0 (Job, 1);

  job->func = func;
  job->data = data;
  job->backlog = g_atomic_rc_box_acquire (writer->backlog);
  g_mutex_lock (&job->backlog->lock);
  job->backlog->n++;
  g_mutex_unlock (&job->backlog->lock);
  g_thread_pool_push (writer->pool, job, NULL);
}

void
syrinx_writer_wait (SyrinxWriter *writer, guint max_jobs)
{
  Backlog *backlog = writer->backlog;

  g_mutex_lock (&backlog->lock);
  while (backlog->n > max_jobs)
    g_cond_wait (&backlog->less, &backlog->lock);
  g_mutex_unlock (&backlog->lock);
}
