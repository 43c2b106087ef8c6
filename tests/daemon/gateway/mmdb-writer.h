/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A small writer of MaxMind databases (format 2.0), for tests. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _MmdbWriter MmdbWriter;

MmdbWriter *mmdb_writer_new (void);
void mmdb_writer_free (MmdbWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MmdbWriter, mmdb_writer_free)

/* @network: ADDRESS/BITS, IPv4 or IPv6. @country and @continent: two letters;
 * (nullable): omitted. */
void mmdb_writer_add (MmdbWriter *writer, const gchar *network,
    const gchar *country, const gchar *continent);
/* Fails the test if @path can't be written. */
void mmdb_writer_save (MmdbWriter *writer, const gchar *path);

G_END_DECLS
