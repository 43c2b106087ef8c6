/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages between the daemon and its workers. */
#include "protocol.h"

#include "core/base/error.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAGIC 0x53795278u

typedef struct
{
  guint32 magic, type, size_bytes;
} Head;

void
syrinx_message_clear (SyrinxMessage *message)
{
  g_clear_pointer (&message->payload, g_bytes_unref);
  if (message->fd >= 0)
    close (message->fd);
  message->fd = -1;
}

static void
set_gone (GError **error)
{
  g_set_error_literal (
      error, SYRINX_ERROR, SYRINX_ERROR_FAILED, "the other process is gone");
}

/* Room for one descriptor; the kernel rounds it up to two. */
typedef union
{
  struct cmsghdr align;
  gchar bytes[CMSG_SPACE (sizeof (gint))];
} Control;

static gssize
send_with_fd (gint socket, gconstpointer data, gsize size, gint fd)
{
  Control control = { 0 };
  struct iovec iov = { (gpointer)data, size };
  struct msghdr msg = { .msg_iov = &iov,
    .msg_iovlen = 1,
    .msg_control = control.bytes,
    .msg_controllen = sizeof control.bytes };
  struct cmsghdr *cmsg = CMSG_FIRSTHDR (&msg);

  cmsg->cmsg_level = SOL_SOCKET;
  cmsg->cmsg_type = SCM_RIGHTS;
  cmsg->cmsg_len = CMSG_LEN (sizeof fd);
  memcpy (CMSG_DATA (cmsg), &fd, sizeof fd);
  return sendmsg (socket, &msg, MSG_NOSIGNAL);
}

/* The descriptor is sent with the first byte. Without one send() is used, the
 * only way to send that the sandbox permits. */
static gboolean
send_all (gint socket, const guint8 *data, gsize size, gint fd, GError **error)
{
  while (size > 0) {
    gssize n = fd >= 0 ? send_with_fd (socket, data, size, fd)
                       : send (socket, data, size, MSG_NOSIGNAL);

    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0) {
      set_gone (error);
      return FALSE;
    }
    fd = -1;
    data += n;
    size -= n;
  }
  return TRUE;
}

gboolean
syrinx_message_send (gint socket, SyrinxMessageType type, gconstpointer payload,
    gsize size_bytes, gint fd, GError **error)
{
  Head head = { MAGIC, type, size_bytes };

  g_return_val_if_fail (size_bytes <= SYRINX_MAX_MESSAGE_BYTES, FALSE);
  return send_all (socket, (const guint8 *)&head, sizeof head, fd, error)
         && send_all (socket, payload, size_bytes, -1, error);
}

gboolean
syrinx_message_send_variant (gint socket, SyrinxMessageType type,
    GVariant *variant, gint fd, GError **error)
{
  g_autoptr (GVariant) held = g_variant_ref_sink (variant);

  return syrinx_message_send (socket, type, g_variant_get_data (held),
      g_variant_get_size (held), fd, error);
}

static gboolean
wait_readable (gint socket, gint64 deadline_us, GError **error)
{
  struct pollfd pfd = { socket, POLLIN, 0 };

  for (;;) {
    gint64 left_us = deadline_us - g_get_monotonic_time ();
    gint timeout_ms = -1, n;

    if (deadline_us)
      timeout_ms = left_us <= 0 ? 0 : MIN (left_us / 1000 + 1, G_MAXINT);
    n = poll (&pfd, 1, timeout_ms);
    if (n > 0)
      return TRUE;
    if (n < 0 && errno == EINTR)
      continue;
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_TIMED_OUT,
        "the worker took too long");
    return FALSE;
  }
}

/* Keeps the first descriptor unless there is one already; closes all others,
 * which would otherwise fill this process' table. */
static void
take_fd (struct msghdr *msg, gint *fd)
{
  for (struct cmsghdr *cmsg = CMSG_FIRSTHDR (msg); cmsg;
       cmsg = CMSG_NXTHDR (msg, cmsg)) {
    gsize n_bytes = cmsg->cmsg_len - CMSG_LEN (0);

    if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
      continue;
    for (gsize at = 0; at + sizeof *fd <= n_bytes; at += sizeof *fd) {
      gint got;

      memcpy (&got, CMSG_DATA (cmsg) + at, sizeof got);
      if (*fd < 0)
        *fd = got;
      else
        close (got);
    }
  }
}

static gssize
receive_with_fd (gint socket, gpointer data, gsize size, gint *fd)
{
  Control control;
  struct iovec iov = { data, size };
  struct msghdr msg = { .msg_iov = &iov,
    .msg_iovlen = 1,
    .msg_control = control.bytes,
    .msg_controllen = sizeof control.bytes };
  gssize n = recvmsg (socket, &msg, MSG_CMSG_CLOEXEC);

  if (n > 0)
    take_fd (&msg, fd);
  return n;
}

/* @fd NULL: no descriptor is accepted. If there is no room for descriptors, the
 * kernel closes those that were sent. */
static gboolean
receive_all (gint socket, gint64 deadline_us, guint8 *data, gsize size,
    gint *fd, GError **error)
{
  while (size > 0) {
    gssize n;

    if (!wait_readable (socket, deadline_us, error))
      return FALSE;
    n = fd ? receive_with_fd (socket, data, size, fd)
           : recv (socket, data, size, 0);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0) {
      set_gone (error);
      return FALSE;
    }
    data += n;
    size -= n;
  }
  return TRUE;
}

static gboolean
receive (gint socket, gint64 deadline_us, SyrinxMessage *message, gint *fd,
    GError **error)
{
  g_autofree guint8 *data = NULL;
  Head head;

  if (!receive_all (
          socket, deadline_us, (guint8 *)&head, sizeof head, fd, error))
    return FALSE;
  if (head.magic != MAGIC || head.size_bytes > SYRINX_MAX_MESSAGE_BYTES) {
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "the worker does not speak our protocol");
    return FALSE;
  }
  data = g_malloc (head.size_bytes + 1);
  if (!receive_all (socket, deadline_us, data, head.size_bytes, fd, error))
    return FALSE;
  message->type = head.type;
  message->payload
      = g_bytes_new_take (g_steal_pointer (&data), head.size_bytes);
  return TRUE;
}

gboolean
syrinx_message_receive (
    gint socket, gint64 deadline_us, SyrinxMessage *message, GError **error)
{
  message->payload = NULL;
  message->fd = -1;
  return receive (socket, deadline_us, message, NULL, error);
}

gboolean
syrinx_message_receive_job (gint socket, SyrinxMessage *message, GError **error)
{
  message->payload = NULL;
  message->fd = -1;
  if (receive (socket, 0, message, &message->fd, error))
    return TRUE;
  syrinx_message_clear (message);
  return FALSE;
}

GVariant *
syrinx_message_get_dict (const SyrinxMessage *message)
{
  g_autoptr (GVariant) dict = g_variant_ref_sink (g_variant_new_from_bytes (
      G_VARIANT_TYPE_VARDICT, message->payload, FALSE));

  return g_variant_is_normal_form (dict) ? g_steal_pointer (&dict) : NULL;
}
