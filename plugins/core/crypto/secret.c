/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Key material that is wiped.
 *
 * Keys are small and there may be one per session, so they share mappings: an
 * arena is a mapping that is excluded from core files and divided into slots. A
 * freed slot is wiped and reused; arenas are never unmapped. A secret that is
 * larger than a slot has a mapping of its own. */
#include "secret.h"

#include "core/base/identifier.h"

#include <openssl/crypto.h>

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SLOT_BYTES  64
#define ARENA_BYTES (64 * 1024)

typedef GBytes SyrinxSecret;

typedef union _Slot
{
  union _Slot *next;
  guint8 data[SLOT_BYTES];
} Slot;

typedef struct
{
  gpointer data;
  gsize size_bytes; /* the secret's; the mapping's is rounded up */
} Mapping;

G_LOCK_DEFINE_STATIC (slots);
static Slot *free_slots; /* protected by slots */

static gpointer
map_undumped (gsize size_bytes)
{
  gpointer data = mmap (NULL, size_bytes, PROT_READ | PROT_WRITE,
      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  if (data == MAP_FAILED)
    g_error ("no memory for %" G_GSIZE_FORMAT " bytes of key material: %s",
        size_bytes, g_strerror (errno));
  if (madvise (data, size_bytes, MADV_DONTDUMP) != 0)
    g_warning ("key material may get into core files: %s", g_strerror (errno));
  return data;
}

static void
add_arena_locked (void)
{
  Slot *arena = map_undumped (ARENA_BYTES);

  for (gsize i = 0; i < ARENA_BYTES / SLOT_BYTES; i++) {
    arena[i].next = free_slots;
    free_slots = &arena[i];
  }
}

static Slot *
take_slot (void)
{
  Slot *slot;

  G_LOCK (slots);
  if (free_slots == NULL)
    add_arena_locked ();
  slot = free_slots;
  free_slots = slot->next;
  G_UNLOCK (slots);
  return slot;
}

static void
give_slot_back (gpointer data)
{
  Slot *slot = data;

  syrinx_wipe (slot, sizeof *slot);
  G_LOCK (slots);
  slot->next = free_slots;
  free_slots = slot;
  G_UNLOCK (slots);
}

static void
unmap (gpointer data)
{
  Mapping *mapping = data;

  syrinx_wipe (mapping->data, mapping->size_bytes);
  munmap (mapping->data, mapping->size_bytes);
  g_free (mapping);
}

/* Not always zeroed: the caller fills all of it. */
static GBytes *
allocate (gsize size_bytes, gpointer *data)
{
  Mapping *mapping;

  if (size_bytes <= SLOT_BYTES) {
    *data = take_slot ();
    return g_bytes_new_with_free_func (
        *data, size_bytes, give_slot_back, *data);
  }
  mapping = g_new (Mapping, 1);
  mapping->size_bytes = size_bytes;
  mapping->data = *data = map_undumped (size_bytes);
  return g_bytes_new_with_free_func (*data, size_bytes, unmap, mapping);
}

GBytes *
syrinx_secret_new (gconstpointer data, gsize size_bytes)
{
  gpointer copy;
  GBytes *bytes = allocate (size_bytes, &copy);

  if (size_bytes > 0)
    memcpy (copy, data, size_bytes);
  return bytes;
}

GBytes *
syrinx_secret_new_random (gsize size_bytes)
{
  gpointer data;
  GBytes *bytes = allocate (size_bytes, &data);

  syrinx_random_fill (data, size_bytes);
  return bytes;
}

G_DEFINE_BOXED_TYPE (SyrinxSecret, syrinx_secret, g_bytes_ref, g_bytes_unref)

void
syrinx_wipe (gpointer data, gsize size_bytes)
{
  if (data != NULL)
    OPENSSL_cleanse (data, size_bytes);
}
