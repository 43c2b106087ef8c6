/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A fuzz target is one file with the one function below. It is linked with
 * libFuzzer (./bootstrap fuzz), or with replay.c, which runs it over its corpus
 * in every test. A target aborts if a promise of the code under test does not
 * hold, so that more is found than bad memory. */
#pragma once

#include <glib.h>

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Returns 0. @data is nobody's afterwards. */
int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);
/* (optional): once, before the first input. Only libFuzzer calls it. */
int LLVMFuzzerInitialize (int *argc, char ***argv);

/* What the rest of an input is for is said by bytes in front. */
typedef struct
{
  const guint8 *data;
  gsize size;
} FuzzInput;

/* 0 if there is none left. */
static inline guint8
fuzz_take_byte (FuzzInput *input)
{
  if (input->size == 0)
    return 0;
  input->size--;
  return *input->data++;
}

/* Memory of its own, so that one byte too far is seen. (transfer full) */
static inline GBytes *
fuzz_take_rest (FuzzInput *input)
{
  GBytes *bytes = g_bytes_new (input->data, input->size);

  input->size = 0;
  return bytes;
}

/* The same as text; what follows a NUL is not read. (transfer full) */
static inline gchar *
fuzz_take_text (FuzzInput *input)
{
  gchar *text = input->size > 0
                    ? g_strndup ((const gchar *)input->data, input->size)
                    : g_strdup ("");

  input->size = 0;
  return text;
}
