/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "crowd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct _Crowd
{
  GPtrArray *members;
};

static void
member_free (gpointer data)
{
  Member *member = data;

  close (member->fd);
  g_free (member);
}

Crowd *
crowd_new (void)
{
  Crowd *crowd = g_new0 (Crowd, 1);

  crowd->members = g_ptr_array_new_with_free_func (member_free);
  return crowd;
}

void
crowd_free (Crowd *crowd)
{
  g_ptr_array_unref (crowd->members);
  g_free (crowd);
}

Member *
crowd_add (Crowd *crowd, guint16 port, const gchar *text, gssize size_bytes)
{
  const struct sockaddr_in to = { .sin_family = AF_INET,
    .sin_port = htons (port),
    .sin_addr = { htonl (INADDR_LOOPBACK) } };
  Member *member = g_new0 (Member, 1);
  gsize left = size_bytes < 0 ? strlen (text) : (gsize)size_bytes;
  gssize n = 1;

  member->fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (member->fd < 0
      || connect (member->fd, (const struct sockaddr *)&to, sizeof to) < 0)
    g_error ("can't connect to port %u: %s", port, g_strerror (errno));
  for (; left && n > 0; text += MAX (n, 0), left -= MAX (n, 0))
    n = send (member->fd, text, left, MSG_NOSIGNAL);
  fcntl (member->fd, F_SETFL, O_NONBLOCK);
  g_ptr_array_add (crowd->members, member);
  return member;
}

void
crowd_member_shut (Member *member)
{
  shutdown (member->fd, SHUT_WR);
}

void
crowd_member_read (Member *member, gsize n_bytes)
{
  gchar scrap[65536];
  gssize n = recv (member->fd, scrap, MIN (n_bytes, sizeof scrap), 0);

  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
    member->has_ended = TRUE;
  if (n <= 0)
    return;
  if (member->n_bytes < CROWD_HEAD_BYTES - 1)
    memcpy (member->head + member->n_bytes, scrap,
        MIN ((gsize)n, CROWD_HEAD_BYTES - 1 - member->n_bytes));
  member->n_bytes += n;
}

guint
crowd_get_size (Crowd *crowd)
{
  return crowd->members->len;
}

Member *
crowd_get (Crowd *crowd, guint i)
{
  return crowd->members->pdata[i];
}

guint
crowd_count_ended (Crowd *crowd)
{
  guint n = 0;

  for (guint i = 0; i < crowd->members->len; i++)
    n += crowd_get (crowd, i)->has_ended;
  return n;
}

/* FALSE: all connections have ended. */
static gboolean
drain_once (Crowd *crowd, gint64 end_us)
{
  g_autofree struct pollfd *fds = g_new0 (struct pollfd, crowd->members->len);
  gint64 left_ms = (end_us - g_get_monotonic_time ()) / 1000;

  for (guint i = 0; i < crowd->members->len; i++) {
    Member *member = crowd_get (crowd, i);
    fds[i].fd = member->has_ended ? -1 : member->fd;
    fds[i].events = POLLIN;
  }
  if (crowd_count_ended (crowd) == crowd->members->len)
    return FALSE;
  if (poll (fds, crowd->members->len, CLAMP (left_ms, 0, 100)) > 0)
    for (guint i = 0; i < crowd->members->len; i++)
      if (fds[i].revents)
        crowd_member_read (crowd_get (crowd, i), G_MAXSIZE);
  return TRUE;
}

void
crowd_drain (Crowd *crowd, guint ms)
{
  gint64 end_us = g_get_monotonic_time () + ms * G_GINT64_CONSTANT (1000);

  while (g_get_monotonic_time () < end_us && drain_once (crowd, end_us))
    continue;
}

static gboolean
has_all (Crowd *crowd, guint64 n_bytes)
{
  for (guint i = 0; i < crowd->members->len; i++) {
    Member *member = crowd_get (crowd, i);
    if (member->n_bytes < n_bytes && !member->has_ended)
      return FALSE;
  }
  return TRUE;
}

gboolean
crowd_wait_for (Crowd *crowd, guint64 n_bytes, guint seconds)
{
  gint64 end_us = g_get_monotonic_time () + seconds * G_TIME_SPAN_SECOND;

  while (!has_all (crowd, n_bytes) && g_get_monotonic_time () < end_us)
    drain_once (crowd, end_us);
  return has_all (crowd, n_bytes);
}
