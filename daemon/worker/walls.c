/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of the sandbox's walls. */
#include "walls.h"

gchar *
syrinx_walls_describe_missing (SyrinxWalls present)
{
  static const gchar *const names[] = { "seccomp", "Landlock",
    "namespaces of its own", "a PID namespace of its own",
    "an empty root folder", "a user of its own" };
  g_autoptr (GPtrArray) missing = g_ptr_array_new ();

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (!(present & (1u << i)))
      g_ptr_array_add (missing, (gpointer)names[i]);
  if (missing->len == 0)
    return NULL;
  g_ptr_array_add (missing, NULL);
  return g_strjoinv (", ", (gchar **)missing->pdata);
}
