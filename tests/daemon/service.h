/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One daemon on the samples, shared by all tests of a program that leave it
 * intact. */
#pragma once

#include "harness.h"

G_BEGIN_DECLS

#define N_SAMPLES     12
#define FRAME_SAMPLES 960 /* of Opus, 20 ms */

extern Daemon *service;
extern gchar *token; /* a listener's */

/* Runs the tests with the service. */
int service_run (void);

/* (transfer none) */
const gchar *member (JsonObject *object, const gchar *name);
/* Begins a session for the track that @words find; @members (nullable): more
 * members of the body. (transfer full) */
JsonObject *session_for (const gchar *words, const gchar *members);
/* Equal length within one frame of Opus, and the same audio at the same
 * time. */
void assert_same_sound (const gchar *what, const Sound *original, gsize offset,
    const Sound *heard, gdouble alike);

G_END_DECLS
