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

static void
attach_fd (struct msghdr *msg, gint fd)
{
  struct cmsghdr *cmsg = CMSG_FIRSTHDR (msg);

  cmsg->cmsg_level = SOL_SOCKET;
  cmsg->cmsg_type = SCM_RIGHTS;
  cmsg->cmsg_len = CMSG_LEN (sizeof fd);
  memcpy (CMSG_DATA (cmsg), &fd, sizeof fd);
}

/* The descriptor goes with the head's first byte. */
static gboolean
send_all (gint socket, const guint8 *data, gsize size, gint fd, GError **error)
{
  while (size > 0) {
    union
    {
      struct cmsghdr align;
      gchar bytes[CMSG_SPACE (sizeof (gint))];
    } control = { 0 };
    struct iovec iov = { (gpointer)data, size };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
    gssize n;

    if (fd >= 0) {
      msg.msg_control = control.bytes;
      msg.msg_controllen = sizeof control.bytes;
      attach_fd (&msg, fd);
    }
    n = sendmsg (socket, &msg, MSG_NOSIGNAL);
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

static void
take_fd (struct msghdr *msg, gint *fd)
{
  for (struct cmsghdr *cmsg = CMSG_FIRSTHDR (msg); cmsg;
       cmsg = CMSG_NXTHDR (msg, cmsg)) {
    if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS
        || cmsg->cmsg_len != CMSG_LEN (sizeof *fd))
      continue;
    if (*fd >= 0)
      close (*fd);
    memcpy (fd, CMSG_DATA (cmsg), sizeof *fd);
  }
}

static gboolean
receive_all (gint socket, gint64 deadline_us, guint8 *data, gsize size,
    gint *fd, GError **error)
{
  while (size > 0) {
    union
    {
      struct cmsghdr align;
      gchar bytes[CMSG_SPACE (sizeof (gint))];
    } control;
    struct iovec iov = { data, size };
    struct msghdr msg = { .msg_iov = &iov,
      .msg_iovlen = 1,
      .msg_control = control.bytes,
      .msg_controllen = sizeof control.bytes };
    gssize n;

    if (!wait_readable (socket, deadline_us, error))
      return FALSE;
    n = recvmsg (socket, &msg, MSG_CMSG_CLOEXEC);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0) {
      set_gone (error);
      return FALSE;
    }
    take_fd (&msg, fd);
    data += n;
    size -= n;
  }
  return TRUE;
}

gboolean
syrinx_message_receive (
    gint socket, gint64 deadline_us, SyrinxMessage *message, GError **error)
{
  g_autofree guint8 *data = NULL;
  gint fd = -1;
  Head head;

  message->payload = NULL;
  message->fd = -1;
  if (!receive_all (
          socket, deadline_us, (guint8 *)&head, sizeof head, &fd, error))
    return FALSE;
  message->fd = fd;
  if (head.magic != MAGIC || head.size_bytes > SYRINX_MAX_MESSAGE_BYTES) {
    syrinx_message_clear (message);
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "the worker does not speak our protocol");
    return FALSE;
  }
  data = g_malloc (head.size_bytes + 1);
  if (!receive_all (
          socket, deadline_us, data, head.size_bytes, &message->fd, error)) {
    syrinx_message_clear (message);
    return FALSE;
  }
  message->type = head.type;
  message->payload
      = g_bytes_new_take (g_steal_pointer (&data), head.size_bytes);
  return TRUE;
}

GVariant *
syrinx_message_get_dict (const SyrinxMessage *message)
{
  g_autoptr (GVariant) dict = g_variant_ref_sink (g_variant_new_from_bytes (
      G_VARIANT_TYPE_VARDICT, message->payload, FALSE));

  return g_variant_is_normal_form (dict) ? g_steal_pointer (&dict) : NULL;
}
