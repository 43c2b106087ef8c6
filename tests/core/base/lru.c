/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table that keeps its entries in the order of use. */
#include "core/base/lru.h"

typedef struct
{
  SyrinxLruEntry entry;
  guint *n_freed;
} Entry;

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  (*entry->n_freed)++;
  g_free (entry);
}

static void
insert (SyrinxLru *lru, const gchar *key, guint *n_freed)
{
  Entry *entry = g_new0 (Entry, 1);

  entry->n_freed = n_freed;
  syrinx_lru_insert (lru, key, entry);
}

/* The keys, the least recently used first. (transfer full) */
static gchar *
list_keys (SyrinxLru *lru)
{
  GString *keys = g_string_new (NULL);
  Entry *entry;

  for (entry = syrinx_lru_get_oldest (lru); entry;
       entry = syrinx_lru_get_newer (entry))
    g_string_append (keys, entry->entry.key);
  return g_string_free (keys, FALSE);
}

static void
what_is_used_becomes_the_newest (void)
{
  g_autoptr (SyrinxLru) lru = syrinx_lru_new (entry_free);
  g_autofree gchar *before = NULL;
  g_autofree gchar *after = NULL;
  guint n_freed = 0;

  for (const gchar *const *key = (const gchar *[]){ "a", "b", "c", NULL }; *key;
       key++)
    insert (lru, *key, &n_freed);
  before = list_keys (lru);
  g_assert_cmpstr (before, ==, "abc");
  syrinx_lru_lookup (lru, "b"); /* a lookup does not count as a use */
  syrinx_lru_use (lru, syrinx_lru_lookup (lru, "a"));
  after = list_keys (lru);
  g_assert_cmpstr (after, ==, "bca");
}

static void
what_is_removed_is_freed_and_forgotten (void)
{
  g_autoptr (SyrinxLru) lru = syrinx_lru_new (entry_free);
  g_autofree gchar *keys = NULL;
  guint n_freed = 0;

  insert (lru, "a", &n_freed);
  insert (lru, "b", &n_freed);
  insert (lru, "c", &n_freed);
  syrinx_lru_remove (lru, syrinx_lru_lookup (lru, "b"));
  g_assert_cmpuint (n_freed, ==, 1);
  g_assert_null (syrinx_lru_lookup (lru, "b"));
  g_assert_cmpuint (syrinx_lru_get_size (lru), ==, 2);
  keys = list_keys (lru);
  g_assert_cmpstr (keys, ==, "ac");
  g_clear_pointer (&lru, syrinx_lru_free);
  g_assert_cmpuint (n_freed, ==, 3);
}

static void
an_empty_table_has_no_oldest (void)
{
  g_autoptr (SyrinxLru) lru = syrinx_lru_new (entry_free);

  g_assert_null (syrinx_lru_get_oldest (lru));
  g_assert_null (syrinx_lru_lookup (lru, "a"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/lru/" #name, name)
  ADD (what_is_used_becomes_the_newest);
  ADD (what_is_removed_is_freed_and_forgotten);
  ADD (an_empty_table_has_no_oldest);
  return g_test_run ();
}
