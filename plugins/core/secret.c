/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Key material that is wiped. */
#include "secret.h"
