/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Identifiers, capabilities and digests. */
#include "identifier.h"
