-- SPDX-License-Identifier: LGPL-2.1-or-later
-- From an empty file to user_version 1.

CREATE TABLE roots (
  root_id INTEGER PRIMARY KEY,
  path BLOB NOT NULL UNIQUE
);

-- Names as they were first seen; "key" is the folded form that they are found
-- and sorted by. Rows live as long as a present track refers to them.
CREATE TABLE artists (
  artist_id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL
);
CREATE TABLE albums (
  album_id INTEGER PRIMARY KEY,
  artist_id INTEGER NOT NULL REFERENCES artists,
  artist_key TEXT NOT NULL,
  key TEXT NOT NULL,
  name TEXT NOT NULL,
  UNIQUE (artist_key, key)
);
CREATE INDEX albums_by_key ON albums (key, artist_key);
CREATE INDEX albums_by_artist ON albums (artist_id);
CREATE TABLE genres (
  genre_id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL
);

-- Which albums have tracks of a genre (and may have had once).
CREATE TABLE genre_albums (
  genre_id INTEGER NOT NULL REFERENCES genres,
  album_id INTEGER NOT NULL REFERENCES albums,
  PRIMARY KEY (genre_id, album_id)
) WITHOUT ROWID;

-- An id made here holds the track's number, so that it needs no index of its
-- own. path_number is a hash of the folder and one of the name, so that
-- neighbours in the library are neighbours in the index. A missing track (its
-- file is gone) keeps its row but belongs to no artist, album or genre. guest_id
-- is a track's artist who is not the album's.
CREATE TABLE tracks (
  track_number_id INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  id_is_given INTEGER NOT NULL,
  root_id INTEGER NOT NULL REFERENCES roots,
  path BLOB NOT NULL,
  path_number INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  fingerprint TEXT,
  title TEXT NOT NULL,
  artist TEXT,
  album TEXT,
  album_artist TEXT,
  genre TEXT,
  year INTEGER NOT NULL,
  track_number INTEGER NOT NULL,
  disc_number INTEGER NOT NULL,
  codec TEXT,
  sample_rate_hz INTEGER NOT NULL,
  channels INTEGER NOT NULL,
  n_samples INTEGER NOT NULL,
  bitrate_bps INTEGER NOT NULL,
  artwork TEXT,
  artwork_type TEXT,
  gain_db REAL,
  peak REAL,
  added_at_s INTEGER NOT NULL,
  missing_since_s INTEGER,
  guest_id INTEGER REFERENCES artists,
  album_id INTEGER REFERENCES albums,
  genre_id INTEGER REFERENCES genres,
  position INTEGER NOT NULL
);
CREATE INDEX tracks_by_given_id ON tracks (id) WHERE id_is_given = 1;
CREATE INDEX tracks_by_path ON tracks (path_number);
CREATE INDEX tracks_by_album ON tracks (album_id, position);
CREATE INDEX tracks_by_guest ON tracks (guest_id) WHERE guest_id IS NOT NULL;
CREATE INDEX tracks_missing ON tracks (fingerprint, missing_since_s)
  WHERE missing_since_s IS NOT NULL;

-- rowid = words of the track << 32 | track_number_id, so that the first rows of
-- any list are the short ones, which bm25 puts first. "marks" holds what no
-- user's word can be (private-use characters): see store-text.c.
CREATE VIRTUAL TABLE search USING fts5 (
  title, artist, album, genre, marks,
  content = '', columnsize = 0, detail = none, prefix = '1 2 3 4',
  tokenize = 'unicode61 remove_diacritics 2'
);
INSERT INTO search (search, rank) VALUES ('hashsize', 33554432);
INSERT INTO search (search, rank) VALUES ('automerge', 8);

-- How many of a sample of the tracks hold a word that begins so.
CREATE TABLE beginnings (
  beginning TEXT PRIMARY KEY,
  n_tracks INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE totals (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  n_tracks INTEGER NOT NULL,
  n_words INTEGER NOT NULL,
  duration_ns INTEGER NOT NULL
);
INSERT INTO totals VALUES (1, 0, 0, 0);

CREATE TABLE failures (
  root_id INTEGER NOT NULL REFERENCES roots,
  path BLOB NOT NULL,
  size_bytes INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (root_id, path)
) WITHOUT ROWID;

CREATE TABLE renditions (
  rendition_id INTEGER PRIMARY KEY,
  track_id TEXT NOT NULL,
  name TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  wrapped_key BLOB NOT NULL,
  codecs TEXT NOT NULL,
  sample_rate_hz INTEGER NOT NULL,
  channels INTEGER NOT NULL,
  bitrate_bps INTEGER NOT NULL,
  timescale INTEGER NOT NULL,
  pre_skip INTEGER NOT NULL,
  n_units INTEGER NOT NULL,
  fragment_units INTEGER NOT NULL,
  n_fragments INTEGER NOT NULL,
  header BLOB,
  encoder TEXT,
  stored_fragments INTEGER NOT NULL DEFAULT 0,
  stored_bytes INTEGER NOT NULL DEFAULT 0,
  used_at_us INTEGER NOT NULL,
  UNIQUE (track_id, name, epoch)
);
CREATE INDEX renditions_by_use ON renditions (used_at_us);
CREATE TABLE fragments (
  rendition_id INTEGER NOT NULL REFERENCES renditions ON DELETE CASCADE,
  number INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  sha256 BLOB NOT NULL,
  PRIMARY KEY (rendition_id, number)
) WITHOUT ROWID;

CREATE TABLE revocations (
  kind TEXT NOT NULL CHECK (kind IN ('jti', 'subject')),
  value TEXT NOT NULL,
  until_s INTEGER NOT NULL,
  PRIMARY KEY (kind, value)
) WITHOUT ROWID;
