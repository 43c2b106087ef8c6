/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The desk: where sessions begin, for every protocol. A face translates its
 * request into a SyrinxDeskRequest and the answer into its protocol; every
 * decision is made here. Main thread only. */
#pragma once

#include "quota.h"
#include "sessions.h"
#include "daemon/gateway/admission.h"
#include "daemon/gateway/gateway.h"

G_BEGIN_DECLS

typedef struct _SyrinxDesk SyrinxDesk;
/* A request for a session that has not been answered yet. */
typedef struct _SyrinxBeginning SyrinxBeginning;

/* All of these must outlive the desk. */
typedef struct
{
  const SyrinxConfig *config;
  SyrinxJournal *journal;
  SyrinxGateway *gateway;
  SyrinxAdmission *admission;
  SyrinxSessions *sessions;
} SyrinxDeskParts;

SyrinxDesk *syrinx_desk_new (const SyrinxDeskParts *parts);
/* Waiting requests are dropped without an answer. */
void syrinx_desk_free (SyrinxDesk *desk);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxDesk, syrinx_desk_free)

typedef struct
{
  SyrinxGrant *grant;
  const gchar *track_id;
  const gchar *rendition; /* one that is offered */
  SyrinxEncryption encryption;
  const gchar *public_key; /* (nullable): a JWK to wrap the keys for */
  SyrinxRequester requester;
  gboolean may_wait;    /* FALSE: refused instead of waiting */
  const gchar *through; /* the face, for the journal: "http", "rtsp"; static */
} SyrinxDeskRequest;

/* The answer. All pointers are valid during the call. */
typedef struct
{
  SyrinxSession *session;  /* (nullable): refused */
  const gchar *capability; /* given out only here */
  const gchar *keys;       /* (nullable): a JWE, if there was a public key */
  /* (nullable): NULL if the session has begun. UNAUTHENTICATED (the grant has
   * expired), DENIED, NOT_FOUND (no such track), TOO_MANY (sessions of this
   * subject or address), OVERLOADED (the server), or as syrinx_content_open()
   * and syrinx_jwe_wrap(). */
  const GError *error;
  gint64 retry_us; /* for TOO_MANY and OVERLOADED: when to retry */
} SyrinxDeskAnswer;

typedef void (*SyrinxDeskFunc) (
    const SyrinxDeskAnswer *answer, gpointer user_data);

/* Copies @request. @func is called once: within this call, which then returns
 * NULL, or later, and never after syrinx_beginning_cancel(). */
SyrinxBeginning *syrinx_desk_begin (SyrinxDesk *desk,
    const SyrinxDeskRequest *request, SyrinxDeskFunc func, gpointer user_data);
/* Cancels the request of a client that has left. Not to be called within
 * @func. */
void syrinx_beginning_cancel (SyrinxBeginning *beginning);

G_END_DECLS
