/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What each kind of token may do with what, as one table: for right.c alone,
 * and for the protocols of a daemon (tests/daemon/gateway/rights.c). */
#pragma once

#include "core/access/right.h"

/* The targets, in this order: a track that the narrow tokens' pattern matches
 * or not, with a session of it that belongs to ann, or to bob. */
#define N_TARGETS      4
#define IS_IN(target)  ((target) % 2 == 0)
#define IS_OWN(target) ((target) < 2)

typedef struct
{
  const gchar *name;
  const gchar *scope; /* as syrinxctl takes it */
  gboolean is_narrow; /* it has a pattern */
  gboolean is_over;   /* it has expired */
  /* A word for each operation, in the order of SyrinxOperation, with a letter
   * for each target. y: allowed; d: denied; n: there is no such session; u: the
   * token is not live. */
  const gchar *answers[SYRINX_N_OPERATIONS];
} RightCase;

/* All tokens are ann's. */
static const RightCase right_cases[] = {
  { "listener", "listen", FALSE, FALSE,
      { "yyyy", "yyyy", "yyyy", "yyyy", "dddd", "yyyy", "yynn", "yynn", "yynn",
          "yynn", "dddd" } },
  { "narrow listener", "listen", TRUE, FALSE,
      { "yyyy", "dddd", "ydyd", "ydyd", "dddd", "ydyd", "ydnn", "ydnn", "yynn",
          "yynn", "dddd" } },
  { "narrow, for originals", "original", TRUE, FALSE,
      { "dddd", "dddd", "dddd", "dddd", "ydyd", "dddd", "dddd", "dddd", "yynn",
          "yynn", "dddd" } },
  { "administrator", "admin", FALSE, FALSE,
      { "dddd", "dddd", "dddd", "dddd", "dddd", "dddd", "dddd", "dddd", "yyyy",
          "yyyy", "yyyy" } },
  { "narrow administrator who listens", "listen,admin", TRUE, FALSE,
      { "yyyy", "dddd", "ydyd", "ydyd", "dddd", "ydyd", "yddd", "yddd", "yyyy",
          "yyyy", "yyyy" } },
  { "expired", "listen,original,admin", FALSE, TRUE,
      { "uuuu", "uuuu", "uuuu", "uuuu", "uuuu", "uuuu", "uuuu", "uuuu", "uuuu",
          "uuuu", "uuuu" } },
};
