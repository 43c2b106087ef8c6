/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Quota: seats by subject and by address. */
#include "quota.h"

#include "core/base/error.h"

#define MAX_LOOKS                                                              \
  64 /* at an address' sessions, for one of the same subject                   \
      */

/* A subject, or an address. */
typedef struct
{
  GHashTable *table; /* that holds it */
  gchar *name;
  guint n_seats, n_waiting; /* n_waiting: not occupied yet */
  GQueue resting;           /* seats without a stream, longest unused first */
} Holder;

struct _SyrinxQuota
{
  GHashTable *subjects, *addresses; /* name → Holder */
};

struct _SyrinxSeat
{
  Holder *subject, *address; /* address: (nullable) */
  GList in_subject,
      in_address; /* resting: links while it rests; data is this */
  guint max_per_subject, max_per_address;
  gpointer occupant; /* (nullable): NULL while it waits */
  guint n_uses;      /* running streams */
  gint64 used_us;
};

/* --- Holders --- */

static void
holder_free (gpointer data)
{
  Holder *holder = data;

  g_free (holder->name);
  g_free (holder);
}

static Holder *
get_holder (GHashTable *table, const gchar *name)
{
  Holder *holder = g_hash_table_lookup (table, name);

  if (holder)
    return holder;
  holder = g_new0 (Holder, 1);
  holder->table = table;
  holder->name = g_strdup (name);
  g_hash_table_insert (table, holder->name, holder);
  return holder;
}

/* A holder without seats is freed. */
static void
release_holder (Holder *holder)
{
  if (!holder->n_seats)
    g_hash_table_remove (holder->table, holder->name);
}

/* How many sessions must end before @holder may have one more seat. */
static guint
count_excess (const Holder *holder, guint max)
{
  return holder && holder->n_seats >= max ? holder->n_seats + 1 - max : 0;
}

static gint64
idle_in_us (const SyrinxSeat *seat, gint64 now_us)
{
  return seat->used_us + SYRINX_IDLE_US - now_us;
}

/* The resting seat of @subject number @n (from 0), the longest rested first. */
static SyrinxSeat *
find_resting (Holder *holder, const Holder *subject, guint n)
{
  guint looks = 0;

  for (GList *link = holder->resting.head; link && looks < MAX_LOOKS;
       link = link->next) {
    SyrinxSeat *seat = link->data;
    if (seat->subject == subject && n-- == 0)
      return seat;
    looks += seat->subject != subject;
  }
  return NULL;
}

/* --- Taking one --- */

/* Whether as many of the subject's sessions are idle as @holder has in
 * @excess. */
static gboolean
has_idle (Holder *holder, const Holder *subject, guint excess, gint64 now_us,
    gint64 *retry_us)
{
  SyrinxSeat *last = excess ? find_resting (holder, subject, excess - 1) : NULL;

  if (!excess || (last && idle_in_us (last, now_us) <= 0))
    return TRUE;
  *retry_us = last ? idle_in_us (last, now_us) : SYRINX_IDLE_US;
  return FALSE;
}

static void
enter (Holder *holder)
{
  holder->n_seats++;
  holder->n_waiting++;
}

static SyrinxSeat *
seat_new (const SyrinxSeatRequest *request, Holder *subject, Holder *address)
{
  SyrinxSeat *seat = g_new0 (SyrinxSeat, 1);

  seat->subject = subject;
  seat->address = address;
  seat->max_per_subject = request->max_per_subject;
  seat->max_per_address = request->max_per_address;
  seat->in_subject.data = seat->in_address.data = seat;
  enter (subject);
  if (address)
    enter (address);
  return seat;
}

SyrinxSeat *
syrinx_quota_take (SyrinxQuota *quota, const SyrinxSeatRequest *request,
    gint64 now_us, gint64 *retry_us, GError **error)
{
  Holder *subject = get_holder (quota->subjects, request->subject);
  Holder *address = request->address
                        ? get_holder (quota->addresses, request->address)
                        : NULL;
  gboolean is_subject_full = !has_idle (subject, subject,
      count_excess (subject, request->max_per_subject), now_us, retry_us);
  gboolean is_address_full
      = address
        && !has_idle (address, subject,
            count_excess (address, request->max_per_address), now_us, retry_us);

  if (!is_subject_full && !is_address_full)
    return seat_new (request, subject, address);
  if (is_subject_full)
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_TOO_MANY,
        "the subject of this token has all the %u sessions that it may have, "
        "and uses them; end one first",
        request->max_per_subject);
  else
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_TOO_MANY,
        "your address has all the %u sessions that one may have; end one first",
        request->max_per_address);
  release_holder (subject);
  if (address)
    release_holder (address);
  return NULL;
}

/* --- Occupying it --- */

static guint
count_occupied (const Holder *holder)
{
  return holder->n_seats - holder->n_waiting;
}

static gboolean
is_subject_over (const SyrinxSeat *seat)
{
  return count_occupied (seat->subject) > seat->max_per_subject;
}

gboolean
syrinx_seat_is_over (const SyrinxSeat *seat)
{
  return is_subject_over (seat)
         || (seat->address
             && count_occupied (seat->address) > seat->max_per_address);
}

gpointer
syrinx_seat_find_victim (SyrinxSeat *seat, gint64 now_us)
{
  SyrinxSeat *victim = find_resting (
      is_subject_over (seat) ? seat->subject : seat->address, seat->subject, 0);

  return victim && idle_in_us (victim, now_us) <= 0 ? victim->occupant : NULL;
}

/* --- Rest --- */

static void
rest (SyrinxSeat *seat, gint64 now_us)
{
  seat->used_us = now_us;
  g_queue_push_tail_link (&seat->subject->resting, &seat->in_subject);
  if (seat->address)
    g_queue_push_tail_link (&seat->address->resting, &seat->in_address);
}

static void
wake (SyrinxSeat *seat)
{
  g_queue_unlink (&seat->subject->resting, &seat->in_subject);
  if (seat->address)
    g_queue_unlink (&seat->address->resting, &seat->in_address);
}

static gboolean
is_resting (const SyrinxSeat *seat)
{
  return seat->occupant && !seat->n_uses;
}

void
syrinx_seat_occupy (SyrinxSeat *seat, gpointer occupant, gint64 now_us)
{
  g_return_if_fail (!seat->occupant && occupant);
  seat->occupant = occupant;
  seat->subject->n_waiting--;
  if (seat->address)
    seat->address->n_waiting--;
  rest (seat, now_us);
}

void
syrinx_seat_touch (SyrinxSeat *seat, gint64 now_us)
{
  if (!is_resting (seat))
    return;
  wake (seat);
  rest (seat, now_us);
}

void
syrinx_seat_begin_use (SyrinxSeat *seat)
{
  if (is_resting (seat))
    wake (seat);
  seat->n_uses++;
}

void
syrinx_seat_end_use (SyrinxSeat *seat, gint64 now_us)
{
  g_return_if_fail (seat->n_uses && seat->occupant);
  if (--seat->n_uses == 0)
    rest (seat, now_us);
}

/* --- Life --- */

static void
leave (Holder *holder, gboolean is_waiting)
{
  holder->n_seats--;
  holder->n_waiting -= is_waiting;
  release_holder (holder);
}

void
syrinx_seat_free (SyrinxSeat *seat)
{
  gboolean is_waiting = !seat->occupant;

  if (is_resting (seat))
    wake (seat);
  leave (seat->subject, is_waiting);
  if (seat->address)
    leave (seat->address, is_waiting);
  g_free (seat);
}

guint
syrinx_quota_count_subject (SyrinxQuota *quota, const gchar *subject)
{
  const Holder *holder = g_hash_table_lookup (quota->subjects, subject);

  return holder ? holder->n_seats : 0;
}

SyrinxQuota *
syrinx_quota_new (void)
{
  SyrinxQuota *quota = g_new0 (SyrinxQuota, 1);

  quota->subjects
      = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, holder_free);
  quota->addresses
      = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, holder_free);
  return quota;
}

void
syrinx_quota_free (SyrinxQuota *quota)
{
  g_hash_table_unref (quota->subjects);
  g_hash_table_unref (quota->addresses);
  g_free (quota);
}
