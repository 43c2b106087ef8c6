/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The shared I/O loop. */
#include "io-loop.h"
