/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The error domain of Syrinx: one code per thing that a caller can react to. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SYRINX_ERROR (syrinx_error_quark ())
GQuark syrinx_error_quark (void);

/**
 * SyrinxError:
 * @SYRINX_ERROR_FAILED: the operating system or a library refused; trying again
 * may help
 * @SYRINX_ERROR_INVALID: the input breaks its format or range; trying again
 * will not help
 * @SYRINX_ERROR_NOT_FOUND: there is no such thing
 * @SYRINX_ERROR_EXISTS: there is one already
 * @SYRINX_ERROR_UNAUTHENTICATED: no token, or one that can't be trusted
 * @SYRINX_ERROR_EXPIRED: the token, grant or session was good once
 * @SYRINX_ERROR_DENIED: known, but not allowed
 * @SYRINX_ERROR_CORRUPT: stored or received data does not match its digest or
 * tag
 * @SYRINX_ERROR_BUSY: somebody else holds it
 * @SYRINX_ERROR_OVERLOADED: a bound is reached; later there may be room
 * @SYRINX_ERROR_UNSUPPORTED: valid, but nothing here can do it
 * @SYRINX_ERROR_TIMED_OUT: a peer or worker took too long
 * @SYRINX_ERROR_CANCELLED: somebody asked for it to stop
 * @SYRINX_ERROR_TOO_MANY: this one has its part of a bound; others have not
 */
typedef enum
{
  SYRINX_ERROR_FAILED,
  SYRINX_ERROR_INVALID,
  SYRINX_ERROR_NOT_FOUND,
  SYRINX_ERROR_EXISTS,
  SYRINX_ERROR_UNAUTHENTICATED,
  SYRINX_ERROR_EXPIRED,
  SYRINX_ERROR_DENIED,
  SYRINX_ERROR_CORRUPT,
  SYRINX_ERROR_BUSY,
  SYRINX_ERROR_OVERLOADED,
  SYRINX_ERROR_UNSUPPORTED,
  SYRINX_ERROR_TIMED_OUT,
  SYRINX_ERROR_CANCELLED,
  SYRINX_ERROR_TOO_MANY,
} SyrinxError;

G_END_DECLS
