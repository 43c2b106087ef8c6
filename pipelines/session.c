/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A session's container. */
#include "session.h"
