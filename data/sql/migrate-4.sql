-- SPDX-License-Identifier: LGPL-2.1-or-later
-- From user_version 3 to 4: names and words are folded anew, and albums are told
-- apart by more than their names. The tracks stay; everything that is made of
-- them is made again, in the same transaction (store-reindex.c).

DROP TABLE artists;
DROP TABLE albums;
DROP TABLE genres;
DROP TABLE genre_albums;
DROP TABLE search;
DELETE FROM beginnings;
UPDATE totals SET n_tracks = 0, n_words = 0, duration_ns = 0;
UPDATE tracks SET guest_id = NULL, album_id = NULL, genre_id = NULL;

-- "id" is a function of what makes the row one of its own (store-identity.c): it
-- is the same after the row has gone and come back. "key" is the folded form
-- that a name is found and sorted by.
CREATE TABLE artists (
  artist_id INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  key TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL
);

-- order_key is "key" and what parts albums of one name and artist. artist_id is
-- the first of several artists, "artist" how all are shown (NULL: as the first).
CREATE TABLE albums (
  album_id INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  artist_id INTEGER NOT NULL REFERENCES artists,
  artist_key TEXT NOT NULL,
  key TEXT NOT NULL,
  order_key TEXT NOT NULL,
  name TEXT NOT NULL,
  artist TEXT,
  UNIQUE (artist_key, order_key)
);
CREATE INDEX albums_by_key ON albums (key, artist_key, order_key);
CREATE INDEX albums_by_artist ON albums (artist_id);
CREATE TABLE genres (
  genre_id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL
);
CREATE TABLE genre_albums (
  genre_id INTEGER NOT NULL REFERENCES genres,
  album_id INTEGER NOT NULL REFERENCES albums,
  PRIMARY KEY (genre_id, album_id)
) WITHOUT ROWID;

-- Artists of a track besides tracks.guest_id, and of an album besides
-- albums.artist_id.
CREATE TABLE credits (
  track_number_id INTEGER NOT NULL REFERENCES tracks,
  artist_id INTEGER NOT NULL REFERENCES artists,
  PRIMARY KEY (track_number_id, artist_id)
) WITHOUT ROWID;
CREATE INDEX credits_by_artist ON credits (artist_id);
CREATE TABLE album_credits (
  album_id INTEGER NOT NULL REFERENCES albums,
  artist_id INTEGER NOT NULL REFERENCES artists,
  PRIMARY KEY (album_id, artist_id)
) WITHOUT ROWID;
CREATE INDEX album_credits_by_artist ON album_credits (artist_id);

-- Folders that have tracks in them or below. "parent" is relative to the root
-- and ends with a slash, unless it is empty: the root itself.
CREATE TABLE folders (
  parent BLOB NOT NULL,
  name BLOB NOT NULL,
  root_id INTEGER NOT NULL REFERENCES roots,
  PRIMARY KEY (parent, name, root_id)
) WITHOUT ROWID;

-- rowid = words of the track << 32 | track_number_id, so that the first rows of
-- any list are the short ones, which bm25 puts first. The text is folded and cut
-- already (store-words.c), with marks that no user's word can be (private-use
-- characters: see store-text.c); what is left to the tokenizer is to find the
-- spaces.
CREATE VIRTUAL TABLE search USING fts5 (
  words, content = '', columnsize = 0, detail = none, prefix = '1 2 3 4',
  tokenize = 'ascii'
);
INSERT INTO search (search, rank) VALUES ('hashsize', 33554432);
INSERT INTO search (search, rank) VALUES ('automerge', 8);

-- Artists and albums by their words. rowid = kind << 56 | words << 40 | id; kind
-- 0 is an artist, 1 an album.
CREATE VIRTUAL TABLE names USING fts5 (
  words, content = '', columnsize = 0, detail = none, prefix = '1 2 3',
  tokenize = 'ascii'
);
