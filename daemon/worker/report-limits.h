/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much of a file's tags a worker's report holds. The daemon cuts what is
 * longer. The names are in daemon/ingest/worker-report.h. */
#pragma once

#define SYRINX_MAX_REPORT_LIST         64    /* names of one tag */
#define SYRINX_MAX_REPORT_LYRICS_BYTES 65536 /* plain or synchronised */
#define SYRINX_MAX_REPORT_CHAPTERS     1000
