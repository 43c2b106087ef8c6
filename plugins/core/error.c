/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The error domain of Syrinx. */
#include "error.h"

G_DEFINE_QUARK (syrinx - error - quark, syrinx_error)
