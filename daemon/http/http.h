/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The HTTP face: one server for listeners, one for the operator. Main thread
 * only. */
#pragma once

#include "daemon/engine.h"

G_BEGIN_DECLS

typedef struct _SyrinxHttp SyrinxHttp;

/* Listens on the engine's configured addresses. (transfer full) Errors: BUSY if
 * a port is taken, INVALID if an address is malformed. */
SyrinxHttp *syrinx_http_new (SyrinxEngine *engine, GError **error);
void syrinx_http_free (SyrinxHttp *http);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxHttp, syrinx_http_free)

/* "http://127.0.0.1:8080/" (transfer none) */
const gchar *syrinx_http_get_address (SyrinxHttp *http);
/* "https://…/" (transfer none) (nullable) */
const gchar *syrinx_http_get_tls_address (SyrinxHttp *http);
const gchar *syrinx_http_get_admin_address (SyrinxHttp *http);

G_END_DECLS
