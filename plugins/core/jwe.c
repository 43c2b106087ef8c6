/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys wrapped for a client's public key (RFC 7516). */
#include "error.h"
