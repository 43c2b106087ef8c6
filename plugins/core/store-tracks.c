/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index: tracks and files. */
#include "store.h"
