/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much of a file's tags a report may hold. The daemon cuts what is longer.
 * worker-report.h in daemon/ingest describes the keys. */
#pragma once

#define SYRINX_MAX_REPORT_LIST         64    /* values of one tag */
#define SYRINX_MAX_REPORT_LYRICS_BYTES 65536 /* plain or synchronised */
#define SYRINX_MAX_REPORT_CHAPTERS     1000
