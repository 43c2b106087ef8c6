/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many raw connections to one port at once: what each received, and whether it
 * was ended. One thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define CROWD_HEAD_BYTES 1024

typedef struct
{
  int fd;
  gchar head[CROWD_HEAD_BYTES]; /* the first bytes received, null-terminated */
  guint64 n_bytes;              /* received in all */
  gboolean has_ended;           /* by the server */
} Member;

typedef struct _Crowd Crowd;

Crowd *crowd_new (void);
/* Closes all open connections at once. */
void crowd_free (Crowd *crowd);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Crowd, crowd_free)

/* Connects to 127.0.0.1:@port and sends @text: @size_bytes of it, or up to the
 * null if that is negative. (transfer none) */
Member *
crowd_add (Crowd *crowd, guint16 port, const gchar *text, gssize size_bytes);
/* Shuts the sending side down (half-closed). */
void crowd_member_shut (Member *member);
/* Reads at most @n_bytes. */
void crowd_member_read (Member *member, gsize n_bytes);
guint crowd_get_size (Crowd *crowd);
Member *crowd_get (Crowd *crowd, guint i);
/* Reads everything that arrives within @ms, or until all have ended. */
void crowd_drain (Crowd *crowd, guint ms);
/* Reads until each has received @n_bytes, or has ended; FALSE: timed out. */
gboolean crowd_wait_for (Crowd *crowd, guint64 n_bytes, guint seconds);
guint crowd_count_ended (Crowd *crowd);

G_END_DECLS
