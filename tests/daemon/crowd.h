/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many raw connections to one port at once: what each got, and whether it was
 * ended. One thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define CROWD_HEAD_BYTES 1024

typedef struct
{
  int fd;
  gchar head[CROWD_HEAD_BYTES]; /* the first that came, null-terminated */
  guint64 n_bytes;              /* all that came */
  gboolean has_ended;           /* by the other side */
} Member;

typedef struct _Crowd Crowd;

Crowd *crowd_new (void);
/* Closes all that are open, at once. */
void crowd_free (Crowd *crowd);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Crowd, crowd_free)

/* Connects to 127.0.0.1:@port and says @text; all of @size_bytes, or to the
 * null if that is negative. (transfer none) */
Member *
crowd_add (Crowd *crowd, guint16 port, const gchar *text, gssize size_bytes);
/* Says no more. */
void crowd_member_shut (Member *member);
/* At most @n_bytes of what came. */
void crowd_member_read (Member *member, gsize n_bytes);
guint crowd_get_size (Crowd *crowd);
Member *crowd_get (Crowd *crowd, guint i);
/* Reads all that comes for so long, or until all have ended. */
void crowd_drain (Crowd *crowd, guint ms);
/* Until each has got @n_bytes, or has ended; FALSE: not in time. */
gboolean crowd_wait_for (Crowd *crowd, guint64 n_bytes, guint seconds);
guint crowd_count_ended (Crowd *crowd);

G_END_DECLS
