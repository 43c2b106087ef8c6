/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One daemon on the samples for all tests of a program that do not hurt it. */
#pragma once

#include "harness.h"

G_BEGIN_DECLS

#define N_SAMPLES     12
#define FRAME_SAMPLES 960 /* of Opus, 20 ms */

extern Daemon *service;
extern gchar *token; /* of a listener */

/* Runs the tests with it. */
int service_run (void);

/* (transfer none) */
const gchar *member (JsonObject *object, const gchar *name);
/* Of the track that the words find; @members (nullable): more of the body.
 * (transfer full) */
JsonObject *session_for (const gchar *words, const gchar *members);
/* Length within one frame of Opus, and the same sound at the same time. */
void assert_same_sound (const gchar *what, const Sound *original, gsize offset,
    const Sound *heard, gdouble alike);

G_END_DECLS
