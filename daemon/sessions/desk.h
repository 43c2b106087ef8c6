/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The desk: where a session begins, whoever asks and by whatever protocol. A
 * face translates its request into a SyrinxDeskRequest and the answer into its
 * own; all that is decided is decided here. Main thread only. */
#pragma once

#include "quota.h"
#include "sessions.h"
#include "daemon/gateway/admission.h"
#include "daemon/gateway/gateway.h"

G_BEGIN_DECLS

typedef struct _SyrinxDesk SyrinxDesk;
/* A request for a session that is not answered yet. */
typedef struct _SyrinxBeginning SyrinxBeginning;

/* All of them outlive the desk. */
typedef struct
{
  const SyrinxConfig *config;
  SyrinxJournal *journal;
  SyrinxGateway *gateway;
  SyrinxAdmission *admission;
  SyrinxSessions *sessions;
} SyrinxDeskParts;

SyrinxDesk *syrinx_desk_new (const SyrinxDeskParts *parts);
/* Those who wait are forgotten. */
void syrinx_desk_free (SyrinxDesk *desk);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxDesk, syrinx_desk_free)

typedef struct
{
  SyrinxGrant *grant;
  const gchar *track_id;
  const gchar *rendition; /* of those that are offered */
  SyrinxEncryption encryption;
  const gchar *public_key; /* (nullable): a JWK by which keys are wrapped */
  SyrinxRequester requester;
  gboolean may_wait;    /* FALSE: it is refused where it would have to wait */
  const gchar *through; /* the face, for the journal: "http", "rtsp"; static */
} SyrinxDeskRequest;

/* What has become of it. All is the desk's, for as long as the call lasts. */
typedef struct
{
  SyrinxSession *session;  /* (nullable): it is refused */
  const gchar *capability; /* told here and never again */
  const gchar *keys;       /* (nullable): a JWE, if there was a public key */
  /* (nullable): it has begun. UNAUTHENTICATED (the grant has ended), DENIED,
   * NOT_FOUND (no such track), TOO_MANY (of this subject or address),
   * OVERLOADED (of all), or as syrinx_content_open() and syrinx_jwe_wrap(). */
  const GError *error;
  gint64 retry_us; /* of TOO_MANY and OVERLOADED: when it may be different */
} SyrinxDeskAnswer;

typedef void (*SyrinxDeskFunc) (
    const SyrinxDeskAnswer *answer, gpointer user_data);

/* Copies @request. @func is called once: within this call, which then returns
 * NULL, or later, and never after syrinx_beginning_cancel(). */
SyrinxBeginning *syrinx_desk_begin (SyrinxDesk *desk,
    const SyrinxDeskRequest *request, SyrinxDeskFunc func, gpointer user_data);
/* Who asked has left. Not within @func. */
void syrinx_beginning_cancel (SyrinxBeginning *beginning);

G_END_DECLS
