/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* AES-128-CBC chunks. */
#include "chunk-cipher.h"
