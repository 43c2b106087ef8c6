/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinx-worker: decodes foreign files for syrinxd, one job after another, in a
 * process that can reach only the descriptors that it is given. */
#include "jobs.h"
#include "plugins.h"
#include "sandbox.h"

#include "protocol.h"

#include "core/base/error.h"

#include <gio/gio.h>
#include <gst/gst.h>
#include <libavutil/log.h>

#include <malloc.h>
#include <string.h>
#include <unistd.h>

#define KEPT_BYTES (16 * 1024 * 1024)

static GVariant *
work (const SyrinxMessage *job, GError **error)
{
  g_autoptr (GVariant) plan = NULL;

  if (job->type == SYRINX_MESSAGE_SCAN)
    return syrinx_job_scan (job->fd, error);
  plan = syrinx_message_get_dict (job);
  if (plan && job->type == SYRINX_MESSAGE_PRODUCE)
    return syrinx_job_produce (SYRINX_WORKER_FD, job->fd, plan, error);
  if (plan && job->type == SYRINX_MESSAGE_LOUDNESS)
    return syrinx_job_loudness (job->fd, plan, error);
  g_set_error_literal (
      error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "unknown job");
  return NULL;
}

static gboolean
answer (GVariant *result, const GError *failure)
{
  gboolean is_files_fault;

  if (result)
    return syrinx_message_send_variant (
        SYRINX_WORKER_FD, SYRINX_MESSAGE_RESULT, result, -1, NULL);
  is_files_fault
      = g_error_matches (failure, SYRINX_ERROR, SYRINX_ERROR_INVALID)
        || g_error_matches (failure, SYRINX_ERROR, SYRINX_ERROR_UNSUPPORTED);
  return syrinx_message_send (SYRINX_WORKER_FD,
      is_files_fault ? SYRINX_MESSAGE_REFUSED : SYRINX_MESSAGE_FAILED,
      failure->message, strlen (failure->message), -1, NULL);
}

static gboolean
serve_one (void)
{
  g_auto (SyrinxMessage) job = { .fd = -1 };
  g_autoptr (GError) failure = NULL;
  GVariant *result;

  if (!syrinx_message_receive_job (SYRINX_WORKER_FD, &job, NULL) || job.fd < 0)
    return FALSE;
  result = work (&job, &failure);
  return answer (result, failure);
}

/* The daemon logs why a worker can't start. */
static int
refuse (const gchar *reason)
{
  syrinx_message_send (SYRINX_WORKER_FD, SYRINX_MESSAGE_FAILED, reason,
      strlen (reason), -1, NULL);
  return 1;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  guint32 walls;

  if (!syrinx_sandbox_tie_to_parent ())
    return 1;
  mallopt (M_ARENA_MAX, 2);
  /* demuxers ask for the same large blocks again for each file */
  mallopt (M_MXFAST, 0);
  mallopt (M_MMAP_THRESHOLD, KEPT_BYTES);
  mallopt (M_TRIM_THRESHOLD, 2 * KEPT_BYTES);
  av_log_set_level (AV_LOG_QUIET);
  if (!gst_init_check (&argc, &argv, &error))
    return refuse (error->message);
  if (!syrinx_plugins_load ())
    return refuse ("GStreamer's Opus encoder is missing");
  syrinx_sandbox_forbid_writing ();
  if (!syrinx_sandbox_enter (&error))
    return refuse (error->message);
  walls = syrinx_sandbox_get_walls ();
  if (!syrinx_message_send (SYRINX_WORKER_FD, SYRINX_MESSAGE_READY, &walls,
          sizeof walls, -1, NULL))
    return 1;
  while (serve_one ())
    ;
  /* no exit handlers: the sandbox forbids calls that they make */
  _exit (0);
}
