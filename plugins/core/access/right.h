/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a grant allows: the one rule for all protocols, to be checked at each
 * use and not only at the start of a session. */
#pragma once

#include "grant.h"

G_BEGIN_DECLS

/**
 * SyrinxOperation:
 * @SYRINX_OPERATION_BROWSE: search tracks, list albums and artists. Which rows
 * are shown is asked for each by @SYRINX_OPERATION_READ_TRACK: a track is shown
 * if the grant's pattern takes it, an album or artist if it takes at least one
 * of its tracks, and its figures and its picture come from those alone.
 * @SYRINX_OPERATION_BROWSE_FOLDERS: see folders by their names, which tell of
 * tracks that a pattern does not take; so none has it who has a pattern
 * @SYRINX_OPERATION_READ_TRACK: what is known of one track
 * @SYRINX_OPERATION_READ_ARTWORK: its picture
 * @SYRINX_OPERATION_READ_ORIGINAL: its file as it lies in the library
 * @SYRINX_OPERATION_BEGIN_SESSION: have a session for it
 * @SYRINX_OPERATION_HEAR_SESSION: have playlists, keys, fragments or a stream
 * of a session
 * @SYRINX_OPERATION_RENEW_SESSION: put this grant in the place of the session's
 * own: as much as beginning one of its track, and of nobody else's
 * @SYRINX_OPERATION_LOOK_AT_SESSION: see what it is and how far it has got
 * @SYRINX_OPERATION_END_SESSION: end it
 * @SYRINX_OPERATION_ADMINISTER: what belongs to the operator
 */
typedef enum
{
  SYRINX_OPERATION_BROWSE,
  SYRINX_OPERATION_BROWSE_FOLDERS,
  SYRINX_OPERATION_READ_TRACK,
  SYRINX_OPERATION_READ_ARTWORK,
  SYRINX_OPERATION_READ_ORIGINAL,
  SYRINX_OPERATION_BEGIN_SESSION,
  SYRINX_OPERATION_HEAR_SESSION,
  SYRINX_OPERATION_RENEW_SESSION,
  SYRINX_OPERATION_LOOK_AT_SESSION,
  SYRINX_OPERATION_END_SESSION,
  SYRINX_OPERATION_ADMINISTER,
  SYRINX_N_OPERATIONS
} SyrinxOperation;

typedef struct
{
  const gchar *track_id; /* (nullable) the track, or the session's track */
  const gchar *subject;  /* (nullable) the owner of the session */
} SyrinxTarget;

/* Whether @grant is live and allows @operation on @target (nullable, if the
 * operation has none). An operation that needs a track or a subject is refused
 * for a target without one. Any thread; allocates only when it refuses.
 *
 * Errors: UNAUTHENTICATED (the grant has expired or was revoked), DENIED (its
 * scope or its tracks do not suffice), NOT_FOUND (the session belongs to
 * another subject, which must not learn that it exists). */
gboolean syrinx_right_check (SyrinxGrant *grant, SyrinxOperation operation,
    const SyrinxTarget *target, GError **error);

G_END_DECLS
