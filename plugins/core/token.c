/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JWT: checking and issuing. */
#include "token.h"
