/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tells ThreadSanitizer about the order that libraries without instrumentation
 * guarantee: dropping the last reference comes after all earlier drops, and
 * taking an item out of a queue after it was put in. */
#include <gst/gst.h>

#include <dlfcn.h>

void __tsan_acquire (void *address);
void __tsan_release (void *address);

static gpointer
find (gpointer *place, const gchar *name)
{
  gpointer found = __atomic_load_n (place, __ATOMIC_RELAXED);

  if (!found) {
    found = dlsym (RTLD_NEXT, name);
    __atomic_store_n (place, found, __ATOMIC_RELAXED);
  }
  return found;
}

/* The library's own function. */
#define REAL(name)                                                             \
  static gpointer place;                                                       \
  __typeof__ (&name) real = find (&place, #name)

#define UNREF(name, type)                                                      \
  void name (type object)                                                      \
  {                                                                            \
    REAL (name);                                                               \
    if (object) {                                                              \
      __tsan_release (object);                                                 \
      __tsan_acquire (object);                                                 \
    }                                                                          \
    real (object);                                                             \
  }

UNREF (g_array_unref, GArray *)
UNREF (g_bytes_unref, GBytes *)
UNREF (g_hash_table_unref, GHashTable *)
UNREF (g_ptr_array_unref, GPtrArray *)
UNREF (g_variant_unref, GVariant *)
UNREF (gst_mini_object_unref, GstMiniObject *)
UNREF (gst_object_unref, gpointer)
UNREF (g_object_unref, gpointer)

/* --- Work for other threads --- */

typedef struct
{
  GFunc func;
  gpointer user_data;
} Work;

static void
run_work (gpointer data, gpointer user_data)
{
  Work *work = user_data;

  __tsan_acquire (work);
  __tsan_acquire (data);
  work->func (data, work->user_data);
}

/* The data that runs the work lives as long as the process, since the end of a
 * pool is not reported. */
GThreadPool *
g_thread_pool_new (GFunc func, gpointer user_data, gint max_threads,
    gboolean exclusive, GError **error)
{
  Work *work = g_new (Work, 1);
  REAL (g_thread_pool_new);

  work->func = func;
  work->user_data = user_data;
  __tsan_release (work);
  return real (run_work, work, max_threads, exclusive, error);
}

gboolean
g_thread_pool_push (GThreadPool *pool, gpointer data, GError **error)
{
  REAL (g_thread_pool_push);

  __tsan_release (data);
  return real (pool, data, error);
}

void
g_async_queue_push (GAsyncQueue *queue, gpointer data)
{
  REAL (g_async_queue_push);

  __tsan_release (data);
  real (queue, data);
}

gpointer
g_async_queue_pop (GAsyncQueue *queue)
{
  gpointer data;
  REAL (g_async_queue_pop);

  data = real (queue);
  __tsan_acquire (data);
  return data;
}
