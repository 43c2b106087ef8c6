-- SPDX-License-Identifier: LGPL-2.1-or-later
-- From user_version 2 to 3.

-- ctime_ns is NULL where a file was read before this was asked: the next scan
-- reads it again. A list is one text, its parts separated by U+001F; "artists"
-- and "album_artists" are NULL where there is one or none.
ALTER TABLE tracks ADD COLUMN ctime_ns INTEGER;
ALTER TABLE tracks ADD COLUMN artists TEXT;
ALTER TABLE tracks ADD COLUMN album_artists TEXT;
ALTER TABLE tracks ADD COLUMN is_compilation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tracks ADD COLUMN n_discs INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tracks ADD COLUMN n_tracks INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tracks ADD COLUMN original_year INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tracks ADD COLUMN album_gain_db REAL;
ALTER TABLE tracks ADD COLUMN album_peak REAL;
ALTER TABLE tracks ADD COLUMN mb_release_id TEXT;

-- What is shown of one track and never of a list, for tracks that have any of
-- it. A chapter is a line: start and end in nanoseconds, and its title.
CREATE TABLE details (
  track_number_id INTEGER PRIMARY KEY REFERENCES tracks,
  date TEXT,
  original_date TEXT,
  title_sort TEXT,
  album_sort TEXT,
  artist_sorts TEXT,
  album_artist_sorts TEXT,
  bpm REAL NOT NULL,
  mb_recording_id TEXT,
  mb_track_id TEXT,
  mb_release_group_id TEXT,
  mb_artist_ids TEXT,
  mb_album_artist_ids TEXT,
  lyrics TEXT,
  synced_lyrics TEXT,
  chapters TEXT
);

ALTER TABLE failures ADD COLUMN ctime_ns INTEGER;
