/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The desk: how a session begins.
 *
 * A request goes through these steps, each once and in this order. A step
 * passes, fails, or waits; only ROOM can wait.
 *
 *   RIGHT    may the grant have a session for this track?
 *   SEAT     takes a seat in the quotas of subject and address (quota.h), so
 *            that waiting requests count, too
 *   ROOM     admission: now, or when its turn comes (admission.h), or never
 *   RIGHT    again: the token may have expired or been revoked meanwhile
 *   SESSION  creates the session, which takes over the seat
 *   PLACE    if the subject now has too many sessions, ends the one that has
 *            been idle longest
 *   KEYS     wraps the keys for the client's public key, if it gave one
 *   DONE     passes on the answer and frees the request
 *
 * When a step fails, the steps before it are undone, and the answer gives the
 * reason. A client that leaves during ROOM cancels its request: it loses its
 * place in the queue and its seat, and gets no answer.
 *
 * Admission requires a session to begin within the call that admits it, so the
 * steps after ROOM do not wait. */
#include "desk.h"

#include "session-keys.h"

#include "daemon/net/peer.h"

#include "core/access/right.h"
#include "core/base/error.h"

typedef enum
{
  STEP_RIGHT,
  STEP_SEAT,
  STEP_ROOM,
  STEP_STILL_RIGHT,
  STEP_SESSION,
  STEP_PLACE,
  STEP_KEYS,
  STEP_DONE
} Step;

typedef enum
{
  PASSES,
  FAILS, /* error is set */
  WAITS
} Outcome;

struct _SyrinxDesk
{
  SyrinxDeskParts parts;
  GHashTable *waiting; /* set of SyrinxBeginning, owned */
};

struct _SyrinxBeginning
{
  SyrinxDesk *desk;

  /* constant after init */
  SyrinxGrant *grant;
  gchar *track_id, *rendition, *public_key;
  SyrinxEncryption encryption;
  SyrinxPlace place;
  gboolean may_wait;
  const gchar *through;
  SyrinxDeskFunc func;
  gpointer user_data;

  /* state of progress */
  Step step;
  SyrinxSeat *seat;       /* between SEAT and SESSION */
  SyrinxWaiter *waiter;   /* while ROOM waits */
  SyrinxSession *session; /* unowned; from SESSION on */
  gchar *capability, *keys;
  GError *error;
  const gchar *reason; /* of the failure, for the journal */
  gint64 retry_us;
};

static Outcome
fail (SyrinxBeginning *self, const gchar *reason)
{
  self->reason = reason;
  return FAILS;
}

/* --- Steps --- */

static Outcome
check_right (SyrinxBeginning *self)
{
  const SyrinxTarget target = { .track_id = self->track_id };

  return syrinx_right_check (
             self->grant, SYRINX_OPERATION_BEGIN_SESSION, &target, &self->error)
             ? PASSES
             : fail (self, "no-right");
}

static Outcome
take_seat (SyrinxBeginning *self)
{
  const SyrinxConfig *config = self->desk->parts.config;
  guint claimed = syrinx_grant_get_max_sessions (self->grant);
  const gchar *client = self->place.client;
  g_autofree gchar *address = *client ? syrinx_peer_get_client (client) : NULL;
  const SyrinxSeatRequest request = { .subject
                                      = syrinx_grant_get_subject (self->grant),
    .address = address,
    .max_per_subject = claimed ? claimed : config->max_sessions_per_subject,
    .max_per_address = config->max_sessions_per_address };

  self->seat = syrinx_quota_take (
      syrinx_sessions_get_quota (self->desk->parts.sessions), &request,
      g_get_monotonic_time (), &self->retry_us, &self->error);
  return self->seat ? PASSES : fail (self, "too-many");
}

static Outcome
refuse_room (SyrinxBeginning *self)
{
  g_set_error_literal (&self->error, SYRINX_ERROR, SYRINX_ERROR_OVERLOADED,
      "there is no room for another session; try again later");
  return fail (self, "no-room");
}

static void
turn_came (gboolean is_admitted, gint64 retry_us, gpointer user_data);

static Outcome
ask_room (SyrinxBeginning *self)
{
  const SyrinxAdmissionRequest request = { .region = self->place.region,
    .weight = self->place.weight,
    .rtt_ms = self->place.rtt_ms,
    .kbps = syrinx_admission_kbps_of (self->rendition) };
  SyrinxAdmission *admission = self->desk->parts.admission;
  gint64 now_us = g_get_monotonic_time ();

  if (!self->may_wait)
    return syrinx_admission_try (admission, &request, now_us, &self->retry_us)
               ? PASSES
               : refuse_room (self);
  switch (syrinx_admission_ask (admission, &request, now_us, turn_came, self,
      &self->waiter, &self->retry_us)) {
  case SYRINX_ADMISSION_NOW:
    return PASSES;
  case SYRINX_ADMISSION_WAITS:
    return WAITS;
  case SYRINX_ADMISSION_REFUSED:
    break;
  }
  return refuse_room (self);
}

static Outcome
make_session (SyrinxBeginning *self)
{
  const SyrinxSessionRequest request = { .grant = self->grant,
    .track_id = self->track_id,
    .rendition = self->rendition,
    .encryption = self->encryption,
    .has_wrapped_keys = self->public_key != NULL,
    .region = self->place.region,
    .client = self->place.client,
    .rtt_ms = self->place.rtt_ms,
    .seat = g_steal_pointer (&self->seat) };

  self->session = syrinx_sessions_create (
      self->desk->parts.sessions, &request, &self->capability, &self->error);
  return self->session ? PASSES : fail (self, "no-session");
}

static Outcome
make_place (SyrinxBeginning *self)
{
  SyrinxSessions *sessions = self->desk->parts.sessions;
  SyrinxSeat *seat = syrinx_session_get_seat (self->session);
  SyrinxSession *victim;

  while (syrinx_seat_is_over (seat)) {
    victim = syrinx_seat_find_victim (seat, g_get_monotonic_time ());
    if (!victim) {
      self->retry_us = SYRINX_IDLE_US;
      g_set_error_literal (&self->error, SYRINX_ERROR, SYRINX_ERROR_TOO_MANY,
          "this subject or address uses all the sessions that it may have");
      return fail (self, "too-many");
    }
    syrinx_sessions_terminate (sessions, syrinx_session_get_id (victim),
        "it was idle, and another one of its subject took its place");
  }
  return PASSES;
}

static Outcome
wrap_keys (SyrinxBeginning *self)
{
  const SyrinxDeskParts *parts = &self->desk->parts;

  if (!self->public_key)
    return PASSES;
  self->keys = syrinx_session_wrap_keys (self->session,
      (const gchar *const *)parts->config->renditions, self->public_key,
      parts->journal, &self->error);
  return self->keys ? PASSES : fail (self, "no-keys");
}

/* --- From step to step --- */

static Outcome (*const steps[STEP_DONE]) (SyrinxBeginning *self) = {
  [STEP_RIGHT] = check_right,
  [STEP_SEAT] = take_seat,
  [STEP_ROOM] = ask_room,
  [STEP_STILL_RIGHT] = check_right,
  [STEP_SESSION] = make_session,
  [STEP_PLACE] = make_place,
  [STEP_KEYS] = wrap_keys,
};

static void
beginning_free (gpointer data)
{
  SyrinxBeginning *self = data;

  g_clear_pointer (&self->waiter, syrinx_admission_give_up);
  g_clear_pointer (&self->seat, syrinx_seat_free);
  g_clear_pointer (&self->grant, syrinx_grant_unref);
  g_clear_error (&self->error);
  g_free (self->track_id);
  g_free (self->rendition);
  g_free (self->public_key);
  g_free (self->capability);
  g_free (self->keys);
  g_free (self);
}

static void
undo (SyrinxBeginning *self)
{
  const SyrinxDeskParts *parts = &self->desk->parts;

  syrinx_journal_note (
      parts->journal, &(SyrinxEvent){ .kind = SYRINX_EVENT_REFUSED,
                          .reason = self->reason,
                          .client = self->place.client,
                          .region = self->place.region,
                          .subject = syrinx_grant_get_subject (self->grant),
                          .track = self->track_id,
                          .rendition = self->rendition,
                          .through = self->through });
  g_clear_pointer (&self->seat, syrinx_seat_free);
  if (self->session)
    syrinx_sessions_terminate (parts->sessions,
        syrinx_session_get_id (self->session), self->error->message);
  self->session = NULL;
}

/* FALSE: the step waits. */
static gboolean
advance (SyrinxBeginning *self)
{
  while (self->step < STEP_DONE)
    switch (steps[self->step](self)) {
    case PASSES:
      self->step++;
      break;
    case FAILS:
      undo (self);
      self->step = STEP_DONE;
      break;
    case WAITS:
      return FALSE;
    }
  return TRUE;
}

static void
tell (SyrinxBeginning *self)
{
  const SyrinxDeskAnswer answer = { .session = self->session,
    .capability = self->capability,
    .keys = self->keys,
    .error = self->error,
    .retry_us = self->retry_us };

  self->func (&answer, self->user_data);
  beginning_free (self);
}

static void
turn_came (gboolean is_admitted, gint64 retry_us, gpointer user_data)
{
  SyrinxBeginning *self = user_data;

  self->waiter = NULL;
  self->retry_us = retry_us;
  g_hash_table_steal (self->desk->waiting, self);
  if (is_admitted) {
    self->step++;
  } else {
    refuse_room (self);
    undo (self);
    self->step = STEP_DONE;
  }
  advance (self);
  tell (self);
}

/* --- Asking --- */

static SyrinxBeginning *
beginning_new (SyrinxDesk *desk, const SyrinxDeskRequest *request)
{
  SyrinxBeginning *self = g_new0 (SyrinxBeginning, 1);

  self->desk = desk;
  self->grant = syrinx_grant_ref (request->grant);
  self->track_id = g_strdup (request->track_id);
  self->rendition = g_strdup (request->rendition);
  self->encryption = request->encryption;
  /* Without encryption there are no keys to wrap. */
  if (request->encryption != SYRINX_ENCRYPTION_NONE)
    self->public_key = g_strdup (request->public_key);
  self->may_wait = request->may_wait;
  self->through = request->through;
  syrinx_gateway_locate (
      desk->parts.gateway, self->grant, &request->requester, &self->place);
  return self;
}

SyrinxBeginning *
syrinx_desk_begin (SyrinxDesk *desk, const SyrinxDeskRequest *request,
    SyrinxDeskFunc func, gpointer user_data)
{
  SyrinxBeginning *self = beginning_new (desk, request);

  self->func = func;
  self->user_data = user_data;
  if (!advance (self)) {
    g_hash_table_add (desk->waiting, self);
    return self;
  }
  tell (self);
  return NULL;
}

void
syrinx_beginning_cancel (SyrinxBeginning *self)
{
  g_hash_table_remove (self->desk->waiting, self);
}

/* --- Life --- */

SyrinxDesk *
syrinx_desk_new (const SyrinxDeskParts *parts)
{
  SyrinxDesk *desk = g_new0 (SyrinxDesk, 1);

  desk->parts = *parts;
  desk->waiting = g_hash_table_new_full (NULL, NULL, beginning_free, NULL);
  return desk;
}

void
syrinx_desk_free (SyrinxDesk *desk)
{
  g_hash_table_unref (desk->waiting);
  g_free (desk);
}
