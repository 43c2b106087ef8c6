/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A fuzz target is one file with the function below. It is linked with
 * libFuzzer (./bootstrap fuzz), or with replay.c, which runs it over its corpus
 * in every test. A target aborts if the code under test breaks a promise, so
 * that not only memory errors are found. */
#pragma once

#include <glib.h>

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Returns: 0. @data must not be used afterwards. */
int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);
/* (optional) Called once, before the first input, and only by libFuzzer. */
int LLVMFuzzerInitialize (int *argc, char ***argv);

/* The first bytes of an input choose how its rest is used. */
typedef struct
{
  const guint8 *data;
  gsize size;
} FuzzInput;

/* Returns: 0 if no byte is left. */
static inline guint8
fuzz_take_byte (FuzzInput *input)
{
  if (input->size == 0)
    return 0;
  input->size--;
  return *input->data++;
}

/* A copy of exact size, so that reads past its end are detected. (transfer
 * full) */
static inline GBytes *
fuzz_take_rest (FuzzInput *input)
{
  GBytes *bytes = g_bytes_new (input->data, input->size);

  input->size = 0;
  return bytes;
}

/* The same as text, up to the first NUL. (transfer full) */
static inline gchar *
fuzz_take_text (FuzzInput *input)
{
  gchar *text = input->size > 0
                    ? g_strndup ((const gchar *)input->data, input->size)
                    : g_strdup ("");

  input->size = 0;
  return text;
}
