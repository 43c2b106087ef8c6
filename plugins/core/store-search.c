/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index: search and browse. */
#include "store.h"
