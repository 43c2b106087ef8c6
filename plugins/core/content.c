/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Renditions and their fragments. */
#include "content.h"
