/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GLib's locks for a build with ThreadSanitizer, implemented by pthread's.
 *
 * GMutex and GCond are bare futexes in a library that is not instrumented, so
 * ThreadSanitizer would report each access that they protect as a race. Linked
 * before GLib, these functions replace them. Each lock is made at its first
 * use, since a GMutex that is all zeros is valid without g_mutex_init(). */
#include <glib.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

typedef gpointer (*MakeFunc) (void);

/* Returns: what @place points to, which is made if it is NULL. */
static gpointer
get (gpointer *place, MakeFunc make)
{
  gpointer there = __atomic_load_n (place, __ATOMIC_ACQUIRE), made;

  if (there)
    return there;
  made = make ();
  if (__atomic_compare_exchange_n (
          place, &there, made, FALSE, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    return made;
  free (made);
  return there;
}

static gpointer
take (gpointer *place)
{
  return __atomic_exchange_n (place, NULL, __ATOMIC_ACQ_REL);
}

static void
check (int status)
{
  if (status != 0)
    abort ();
}

/* --- GMutex --- */

static gpointer
make_mutex (void)
{
  pthread_mutex_t *mutex = calloc (1, sizeof *mutex);

  check (pthread_mutex_init (mutex, NULL));
  return mutex;
}

static void
free_mutex (pthread_mutex_t *mutex)
{
  if (!mutex)
    return;
  pthread_mutex_destroy (mutex);
  free (mutex);
}

void
g_mutex_init (GMutex *mutex)
{
  __atomic_store_n (&mutex->p, NULL, __ATOMIC_RELEASE);
}

void
g_mutex_clear (GMutex *mutex)
{
  free_mutex (take (&mutex->p));
}

void
g_mutex_lock (GMutex *mutex)
{
  check (pthread_mutex_lock (get (&mutex->p, make_mutex)));
}

gboolean
g_mutex_trylock (GMutex *mutex)
{
  return pthread_mutex_trylock (get (&mutex->p, make_mutex)) == 0;
}

void
g_mutex_unlock (GMutex *mutex)
{
  check (pthread_mutex_unlock (get (&mutex->p, make_mutex)));
}

/* --- GRecMutex --- */

static gpointer
make_rec_mutex (void)
{
  pthread_mutex_t *mutex = calloc (1, sizeof *mutex);
  pthread_mutexattr_t attributes;

  pthread_mutexattr_init (&attributes);
  pthread_mutexattr_settype (&attributes, PTHREAD_MUTEX_RECURSIVE);
  check (pthread_mutex_init (mutex, &attributes));
  pthread_mutexattr_destroy (&attributes);
  return mutex;
}

void
g_rec_mutex_init (GRecMutex *mutex)
{
  __atomic_store_n (&mutex->p, NULL, __ATOMIC_RELEASE);
}

void
g_rec_mutex_clear (GRecMutex *mutex)
{
  free_mutex (take (&mutex->p));
}

void
g_rec_mutex_lock (GRecMutex *mutex)
{
  check (pthread_mutex_lock (get (&mutex->p, make_rec_mutex)));
}

gboolean
g_rec_mutex_trylock (GRecMutex *mutex)
{
  return pthread_mutex_trylock (get (&mutex->p, make_rec_mutex)) == 0;
}

void
g_rec_mutex_unlock (GRecMutex *mutex)
{
  check (pthread_mutex_unlock (get (&mutex->p, make_rec_mutex)));
}

/* --- GRWLock --- */

static gpointer
make_rw_lock (void)
{
  pthread_rwlock_t *lock = calloc (1, sizeof *lock);

  check (pthread_rwlock_init (lock, NULL));
  return lock;
}

void
g_rw_lock_init (GRWLock *lock)
{
  __atomic_store_n (&lock->p, NULL, __ATOMIC_RELEASE);
}

void
g_rw_lock_clear (GRWLock *lock)
{
  pthread_rwlock_t *made = take (&lock->p);

  if (!made)
    return;
  pthread_rwlock_destroy (made);
  free (made);
}

void
g_rw_lock_writer_lock (GRWLock *lock)
{
  check (pthread_rwlock_wrlock (get (&lock->p, make_rw_lock)));
}

gboolean
g_rw_lock_writer_trylock (GRWLock *lock)
{
  return pthread_rwlock_trywrlock (get (&lock->p, make_rw_lock)) == 0;
}

void
g_rw_lock_writer_unlock (GRWLock *lock)
{
  check (pthread_rwlock_unlock (get (&lock->p, make_rw_lock)));
}

void
g_rw_lock_reader_lock (GRWLock *lock)
{
  check (pthread_rwlock_rdlock (get (&lock->p, make_rw_lock)));
}

gboolean
g_rw_lock_reader_trylock (GRWLock *lock)
{
  return pthread_rwlock_tryrdlock (get (&lock->p, make_rw_lock)) == 0;
}

void
g_rw_lock_reader_unlock (GRWLock *lock)
{
  check (pthread_rwlock_unlock (get (&lock->p, make_rw_lock)));
}

/* --- GCond --- */

static gpointer
make_cond (void)
{
  pthread_cond_t *cond = calloc (1, sizeof *cond);
  pthread_condattr_t attributes;

  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  check (pthread_cond_init (cond, &attributes));
  pthread_condattr_destroy (&attributes);
  return cond;
}

void
g_cond_init (GCond *cond)
{
  __atomic_store_n (&cond->p, NULL, __ATOMIC_RELEASE);
}

void
g_cond_clear (GCond *cond)
{
  pthread_cond_t *made = take (&cond->p);

  if (!made)
    return;
  pthread_cond_destroy (made);
  free (made);
}

void
g_cond_wait (GCond *cond, GMutex *mutex)
{
  check (pthread_cond_wait (
      get (&cond->p, make_cond), get (&mutex->p, make_mutex)));
}

gboolean
g_cond_wait_until (GCond *cond, GMutex *mutex, gint64 end_time)
{
  const struct timespec end = { .tv_sec = end_time / G_USEC_PER_SEC,
    .tv_nsec = end_time % G_USEC_PER_SEC * 1000 };
  int status = end_time < 0 ? ETIMEDOUT
                            : pthread_cond_timedwait (get (&cond->p, make_cond),
                                get (&mutex->p, make_mutex), &end);

  check (status == ETIMEDOUT ? 0 : status);
  return status == 0;
}

void
g_cond_signal (GCond *cond)
{
  check (pthread_cond_signal (get (&cond->p, make_cond)));
}

void
g_cond_broadcast (GCond *cond)
{
  check (pthread_cond_broadcast (get (&cond->p, make_cond)));
}
