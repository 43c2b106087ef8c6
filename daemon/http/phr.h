/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* picohttpparser as exported by libh2o; Debian does not ship its header. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct phr_header
{
  const char *name; /* NULL: a continuation line */
  size_t name_len;
  const char *value;
  size_t value_len;
};

/* Returns the length of the head; -1: malformed; -2: incomplete. @last_length:
 * how many bytes were incomplete at the last call. */
int phr_parse_request (const char *buffer, size_t length, const char **method,
    size_t *method_length, const char **path, size_t *path_length,
    int *minor_version, struct phr_header *headers, size_t *n_headers,
    size_t last_length);

/* Zeroed before the first use. */
struct phr_chunked_decoder
{
  size_t bytes_left_in_chunk;
  char consume_trailer; /* whether the trailer section is consumed, too */
  char _hex_count;
  char _state;
};

/* Removes the framing from *@length bytes, in place, and sets *@length to the
 * number that remain. Returns how many bytes follow the end of the body (they
 * lie behind the remaining ones); -1: malformed; -2: the body goes on. */
ssize_t phr_decode_chunked (
    struct phr_chunked_decoder *decoder, char *buffer, size_t *length);
