/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The error domain of Syrinx. */
#include "error.h"

/* By hand: the formatter takes G_DEFINE_QUARK's name for a subtraction. */
GQuark
syrinx_error_quark (void)
{
  return g_quark_from_static_string ("syrinx-error-quark");
}
