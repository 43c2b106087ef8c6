/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A temporary index for a test, and tracks to add to it. */
#pragma once

#include "core/store/store.h"

#define ROOT "/music"

typedef struct
{
  gchar *dir;
  SyrinxStore *store;
} Fixture;

void set_up (Fixture *f, gconstpointer data);
void tear_down (Fixture *f, gconstpointer data);
SyrinxTrack *new_track (const gchar *path, const gchar *title,
    const gchar *artist, const gchar *album, const gchar *genre);
GPtrArray *new_tracks (void);
void put_all (SyrinxStore *store, GPtrArray *tracks);
gchar *put_one (SyrinxStore *store, const gchar *path, const gchar *title,
    const gchar *artist, const gchar *album, const gchar *genre);
void put_n (SyrinxStore *store, guint n, const gchar *title);
GPtrArray *find (SyrinxStore *store, const SyrinxTrackQuery *query);
GPtrArray *find_words (SyrinxStore *store, const gchar *q);
void assert_count (SyrinxStore *store, const gchar *q, guint n);
void assert_first (SyrinxStore *store, const gchar *q, const gchar *title);
void remove_one (SyrinxStore *store, const gchar *path);
