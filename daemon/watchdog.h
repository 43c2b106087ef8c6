/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* systemd's watchdog, fed as long as every thread that serves answers: the main
 * loop by doing it, the I/O loop, the scheduler's workers and the content's
 * writer by being asked. Main thread only. */
#pragma once

#include "core/content/content.h"
#include "core/schedule/scheduler.h"

G_BEGIN_DECLS

typedef struct _SyrinxWatchdog SyrinxWatchdog;

/* (nullable): systemd has not asked for signs of life. */
SyrinxWatchdog *
syrinx_watchdog_new (SyrinxContent *content, SyrinxScheduler *scheduler);
void syrinx_watchdog_free (SyrinxWatchdog *watchdog);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxWatchdog, syrinx_watchdog_free)

G_END_DECLS
