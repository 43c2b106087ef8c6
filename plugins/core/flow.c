/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Events and queries of a session. */
#include "flow.h"
