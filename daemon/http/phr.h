/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* picohttpparser as libh2o exports it; Debian leaves its header out. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct phr_header
{
  const char *name; /* NULL: the line goes on from the one before */
  size_t name_len;
  const char *value;
  size_t value_len;
};

/* How many bytes the head has; -1: it is malformed; -2: it is not whole.
 * @last_length: how many of the bytes were not whole before. */
int phr_parse_request (const char *buffer, size_t length, const char **method,
    size_t *method_length, const char **path, size_t *path_length,
    int *minor_version, struct phr_header *headers, size_t *n_headers,
    size_t last_length);

/* Zeroed before the first use. */
struct phr_chunked_decoder
{
  size_t bytes_left_in_chunk;
  char consume_trailer; /* whether the trailer section is taken, too */
  char _hex_count;
  char _state;
};

/* Takes the framing out of *@length bytes, in place, and leaves in *@length how
 * many remain. Returns how many bytes follow behind the end of the body (they
 * lie behind the remaining ones); -1: malformed; -2: the body goes on. */
ssize_t phr_decode_chunked (
    struct phr_chunked_decoder *decoder, char *buffer, size_t *length);
