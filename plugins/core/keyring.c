/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The master key and what it wraps. */
#include "keyring.h"
