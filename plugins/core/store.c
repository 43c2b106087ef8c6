/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index: opening, migration, connections. */
#include "store.h"
