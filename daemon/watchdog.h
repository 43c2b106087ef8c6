/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* systemd's watchdog, notified as long as every serving thread answers: the
 * main loop runs it; the I/O loop, the scheduler's workers and the content's
 * writer are asked. Main thread only. */
#pragma once

#include "core/content/content.h"
#include "core/schedule/scheduler.h"

G_BEGIN_DECLS

typedef struct _SyrinxWatchdog SyrinxWatchdog;

/* (nullable): systemd has not enabled it. */
SyrinxWatchdog *
syrinx_watchdog_new (SyrinxContent *content, SyrinxScheduler *scheduler);
void syrinx_watchdog_free (SyrinxWatchdog *watchdog);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxWatchdog, syrinx_watchdog_free)

G_END_DECLS
