/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A session's keys: wrapped for one client, and noted in the journal whenever
 * one is given out. Main thread only. */
#pragma once

#include "sessions.h"

G_BEGIN_DECLS

/* All keys of the session as a JWE of a JWK Set. The kids are the session's id
 * (ece) or "RENDITION/EPOCH" for each of @renditions that the track has.
 * @public_key: a JWK that passes syrinx_jwe_check_key(). Notes the keys as
 * given to the session's client. Errors: as syrinx_jwe_wrap(). (transfer
 * full) */
gchar *syrinx_session_wrap_keys (SyrinxSession *session,
    const gchar *const *renditions, const gchar *public_key,
    SyrinxJournal *journal, GError **error);

/* Notes that @client (nullable: an address) was given, in @form ("raw", "jwe"),
 * the content key of @rendition or, if that is NULL, the session's own key. */
void
syrinx_session_note_key (SyrinxSession *session, SyrinxRendition *rendition,
    const gchar *form, const gchar *client, SyrinxJournal *journal);

G_END_DECLS
