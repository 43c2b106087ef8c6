/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RFC 8188 encrypted content. */
#include "error.h"
