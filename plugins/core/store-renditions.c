/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index: renditions, fragments, eviction. */
#include "store.h"
