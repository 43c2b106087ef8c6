-- SPDX-License-Identifier: LGPL-2.1-or-later
-- What plugins/core/store-*.c asks, by name.

--: begin-reading
BEGIN

--: begin-writing
BEGIN IMMEDIATE

--: commit
COMMIT

--: forget-missing
DELETE FROM tracks WHERE missing_since_s < ?1

--: forget-details
DELETE FROM details WHERE track_number_id IN (
  SELECT track_number_id FROM tracks WHERE missing_since_s < ?1)

--: add-root
INSERT OR IGNORE INTO roots (path) VALUES (?1)

--: roots
SELECT path FROM roots

--: find-root
SELECT root_id FROM roots WHERE path = ?1

--: track-by-path
SELECT tracks.*, roots.path AS root
FROM tracks JOIN roots USING (root_id)
WHERE path_number = ?1 AND tracks.root_id = ?2 AND tracks.path = ?3

--: track-missing
SELECT tracks.*, roots.path AS root
FROM tracks JOIN roots USING (root_id)
WHERE fingerprint = ?1 AND missing_since_s IS NOT NULL
ORDER BY missing_since_s DESC LIMIT 1

--: exceptions
SELECT EXISTS (SELECT 1 FROM tracks WHERE missing_since_s IS NOT NULL)
  AS any_missing, EXISTS (SELECT 1 FROM failures) AS any_failures,
  ifnull ((SELECT max (track_number_id) FROM tracks), 0) AS last_number

--: track-by-id
SELECT tracks.*, roots.path AS root
FROM tracks JOIN roots USING (root_id)
WHERE track_number_id = ?1 AND id = ?2 AND missing_since_s IS NULL

--: track-by-given-id
SELECT tracks.*, roots.path AS root
FROM tracks JOIN roots USING (root_id)
WHERE id_is_given = 1 AND id = ?1 AND missing_since_s IS NULL

--: track-by-number
SELECT tracks.*, roots.path AS root
FROM tracks JOIN roots USING (root_id)
WHERE track_number_id = ?1 AND missing_since_s IS NULL

--: add-track
INSERT INTO tracks (
  track_number_id, id, id_is_given, root_id, path, path_number, size_bytes,
  mtime_ns, fingerprint, title, artist, album, album_artist, genre, year,
  track_number, disc_number, codec, sample_rate_hz, channels, n_samples,
  bitrate_bps, artwork, artwork_type, gain_db, peak, added_at_s, guest_id,
  album_id, genre_id, position, packet_bps, packet_pre_skip, ctime_ns, artists,
  album_artists, is_compilation, n_discs, n_tracks, original_year,
  album_gain_db, album_peak, mb_release_id
) VALUES (
  ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
  ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31,
  ?32, ?33, ?34, ?35, ?36, ?37, ?38, ?39, ?40, ?41, ?42, ?43
)

--: change-track
UPDATE tracks SET
  id = ?2, id_is_given = ?3, root_id = ?4, path = ?5, path_number = ?6,
  size_bytes = ?7, mtime_ns = ?8, fingerprint = ?9, title = ?10, artist = ?11,
  album = ?12, album_artist = ?13, genre = ?14, year = ?15, track_number = ?16,
  disc_number = ?17, codec = ?18, sample_rate_hz = ?19, channels = ?20,
  n_samples = ?21, bitrate_bps = ?22, artwork = ?23, artwork_type = ?24,
  gain_db = ?25, peak = ?26, added_at_s = ?27, guest_id = ?28, album_id = ?29,
  genre_id = ?30, position = ?31, packet_bps = ?32,
  packet_pre_skip = ?33, ctime_ns = ?34, artists = ?35, album_artists = ?36,
  is_compilation = ?37, n_discs = ?38, n_tracks = ?39, original_year = ?40,
  album_gain_db = ?41, album_peak = ?42, mb_release_id = ?43,
  missing_since_s = NULL
WHERE track_number_id = ?1

--: put-details
INSERT OR REPLACE INTO details (
  track_number_id, date, original_date, title_sort, album_sort, artist_sorts,
  album_artist_sorts, bpm, mb_recording_id, mb_track_id, mb_release_group_id,
  mb_artist_ids, mb_album_artist_ids, lyrics, synced_lyrics, chapters
) VALUES (
  ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16
)

--: drop-details
DELETE FROM details WHERE track_number_id = ?1

--: details
SELECT * FROM details WHERE track_number_id = ?1

--: set-missing
UPDATE tracks SET
  missing_since_s = ?2, guest_id = NULL, album_id = NULL, genre_id = NULL
WHERE track_number_id = ?1

--: set-gain
UPDATE tracks SET gain_db = ?2, peak = ?3 WHERE track_number_id = ?1

--: find-artist
SELECT artist_id AS id FROM artists WHERE key = ?1

--: add-artist
INSERT INTO artists (id, key, name) VALUES (?1, ?2, ?3)

--: find-album
SELECT album_id AS id FROM albums WHERE id = ?1

--: add-album
INSERT INTO albums (id, key, order_key, name, artist_key, artist_id, artist)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)

--: find-genre
SELECT genre_id AS id FROM genres WHERE key = ?1

--: add-genre
INSERT INTO genres (key, name) VALUES (?1, ?2)

--: album-names
SELECT albums.name AS name, albums.artist_id AS artist_id,
  ifnull (albums.artist, artists.name) AS artist
FROM albums JOIN artists USING (artist_id)
WHERE album_id = ?1 AND albums.key <> ''
AND NOT EXISTS (SELECT 1 FROM tracks WHERE tracks.album_id = ?1)

--: album-artists
SELECT artist_id FROM albums WHERE album_id = ?1
UNION ALL SELECT artist_id FROM album_credits WHERE album_id = ?1

--: add-album-credit
INSERT OR IGNORE INTO album_credits (album_id, artist_id) VALUES (?1, ?2)

--: drop-album-credits
DELETE FROM album_credits WHERE album_id = ?1
AND NOT EXISTS (SELECT 1 FROM albums WHERE album_id = ?1)

--: add-credit
INSERT OR IGNORE INTO credits (track_number_id, artist_id) VALUES (?1, ?2)

--: credits
SELECT artist_id FROM credits WHERE track_number_id = ?1

--: drop-credits
DELETE FROM credits WHERE track_number_id = ?1

--: drop-album
DELETE FROM albums WHERE album_id = ?1
AND NOT EXISTS (SELECT 1 FROM tracks WHERE album_id = ?1)

--: artist-name
SELECT name FROM artists WHERE artist_id = ?1 AND key <> ''

--: drop-artist
DELETE FROM artists WHERE artist_id = ?1
AND NOT EXISTS (SELECT 1 FROM tracks WHERE guest_id = ?1)
AND NOT EXISTS (SELECT 1 FROM albums WHERE artist_id = ?1)
AND NOT EXISTS (SELECT 1 FROM credits WHERE artist_id = ?1)
AND NOT EXISTS (SELECT 1 FROM album_credits WHERE artist_id = ?1)

--: drop-genre
DELETE FROM genres WHERE genre_id = ?1
AND NOT EXISTS (SELECT 1 FROM genre_albums CROSS JOIN tracks USING (album_id)
  WHERE genre_albums.genre_id = ?1 AND tracks.genre_id = ?1)

--: add-genre-album
INSERT OR IGNORE INTO genre_albums (genre_id, album_id) VALUES (?1, ?2)

--: drop-genre-albums
DELETE FROM genre_albums WHERE genre_id = ?1
AND NOT EXISTS (SELECT 1 FROM genres WHERE genre_id = ?1)

--: index
INSERT INTO search (rowid, words) VALUES (?1, ?2)

--: unindex
INSERT INTO search (search, rowid, words) VALUES ('delete', ?1, ?2)

--: index-name
INSERT INTO names (rowid, words) VALUES (?1, ?2)

--: unindex-name
INSERT INTO names (names, rowid, words) VALUES ('delete', ?1, ?2)

--: match-names
SELECT rowid FROM names WHERE names MATCH ?1 AND rowid >= ?2 AND rowid < ?3
ORDER BY rowid LIMIT ?4

--: tracks-to-reindex
SELECT tracks.*, roots.path AS root
FROM tracks JOIN roots USING (root_id)
WHERE track_number_id > ?1 AND missing_since_s IS NULL
ORDER BY track_number_id LIMIT ?2

--: add-folder
INSERT OR IGNORE INTO folders (parent, name, root_id) VALUES (?1, ?2, ?3)

--: drop-folder
DELETE FROM folders WHERE parent = ?1 AND name = ?2 AND root_id = ?3

--: folder-is-used
SELECT EXISTS (
  SELECT 1 FROM tracks
  WHERE path_number BETWEEN ?1 AND ?1 + 4294967295 AND root_id = ?2
  AND missing_since_s IS NULL AND substr (path, 1, length (?3)) = ?3
  AND instr (substr (path, length (?3) + 1), X'2F') = 0)
OR EXISTS (SELECT 1 FROM folders WHERE parent = ?3 AND root_id = ?2) AS is_used

--: folders
SELECT DISTINCT name FROM folders WHERE parent = ?1 AND name > ?2
ORDER BY name LIMIT ?3

--: folder-tracks
SELECT tracks.*, roots.path AS root
FROM roots CROSS JOIN tracks USING (root_id)
WHERE path_number BETWEEN ((?1 + root_id) << 32)
  AND (((?1 + root_id) << 32) | 4294967295)
AND missing_since_s IS NULL AND substr (tracks.path, 1, length (?2)) = ?2
AND instr (substr (tracks.path, length (?2) + 1), X'2F') = 0
AND (tracks.path, track_number_id) > (?3, ?4)
ORDER BY tracks.path, track_number_id LIMIT ?5

--: count-beginning
INSERT INTO beginnings (beginning, n_tracks) VALUES (?1, ?2)
ON CONFLICT DO UPDATE SET n_tracks = n_tracks + excluded.n_tracks

--: beginning
SELECT n_tracks FROM beginnings WHERE beginning = ?1

--: count-tracks
UPDATE totals SET n_tracks = n_tracks + ?1, n_words = n_words + ?2,
  duration_ns = duration_ns + ?3

--: totals
SELECT n_tracks, n_words FROM totals

--: match
SELECT rowid FROM search WHERE search MATCH ?1 AND rowid > ?2 AND rowid < ?3
ORDER BY rowid LIMIT ?4

--: all-tracks
SELECT tracks.*, roots.path AS root,
  albums.artist_key AS artist_key, albums.order_key AS order_key
FROM albums CROSS JOIN tracks USING (album_id) CROSS JOIN roots USING (root_id)
WHERE (albums.artist_key, albums.order_key) >= (?1, ?2)
AND (albums.artist_key, albums.order_key, position, track_number_id)
  > (?1, ?2, ?3, ?4)
ORDER BY albums.artist_key, albums.order_key, position, track_number_id
LIMIT ?5

--: tracks-by-artist
SELECT tracks.*, roots.path AS root,
  albums.artist_key AS artist_key, albums.order_key AS order_key
FROM tracks CROSS JOIN albums USING (album_id) CROSS JOIN roots USING (root_id)
WHERE track_number_id IN (
  SELECT track_number_id FROM tracks
  WHERE guest_id = (SELECT artist_id FROM artists WHERE key = ?6)
  UNION
  SELECT track_number_id FROM credits
  WHERE artist_id = (SELECT artist_id FROM artists WHERE key = ?6)
  UNION
  SELECT track_number_id FROM albums CROSS JOIN tracks USING (album_id)
  WHERE albums.artist_id = (SELECT artist_id FROM artists WHERE key = ?6)
  UNION
  SELECT track_number_id FROM album_credits CROSS JOIN tracks USING (album_id)
  WHERE artist_id = (SELECT artist_id FROM artists WHERE key = ?6))
AND (?7 IS NULL OR albums.key = ?7)
AND (?8 IS NULL OR genre_id = (SELECT genre_id FROM genres WHERE key = ?8))
AND (?9 IS NULL OR albums.id = ?9)
AND (albums.artist_key, albums.order_key, position, track_number_id)
  > (?1, ?2, ?3, ?4)
ORDER BY albums.artist_key, albums.order_key, position, track_number_id
LIMIT ?5

--: tracks-by-album
SELECT tracks.*, roots.path AS root,
  albums.artist_key AS artist_key, albums.order_key AS order_key
FROM albums CROSS JOIN tracks USING (album_id) CROSS JOIN roots USING (root_id)
WHERE albums.key = ?7 AND albums.artist_key >= ?1
AND (?8 IS NULL OR genre_id = (SELECT genre_id FROM genres WHERE key = ?8))
AND (?9 IS NULL OR albums.id = ?9)
AND (albums.artist_key, albums.order_key, position, track_number_id)
  > (?1, ?2, ?3, ?4)
ORDER BY albums.artist_key, albums.order_key, position, track_number_id
LIMIT ?5

--: tracks-by-album-id
SELECT tracks.*, roots.path AS root,
  albums.artist_key AS artist_key, albums.order_key AS order_key
FROM albums CROSS JOIN tracks USING (album_id) CROSS JOIN roots USING (root_id)
WHERE albums.id = ?9
AND (?8 IS NULL OR genre_id = (SELECT genre_id FROM genres WHERE key = ?8))
AND (position, track_number_id) > (?3, ?4) AND ?1 = ?1 AND ?2 = ?2
ORDER BY position, track_number_id
LIMIT ?5

--: tracks-by-genre
SELECT tracks.*, roots.path AS root, '' AS artist_key, '' AS order_key
FROM genre_albums CROSS JOIN tracks USING (album_id)
CROSS JOIN roots USING (root_id)
WHERE genre_albums.genre_id = (SELECT genre_id FROM genres WHERE key = ?8)
AND tracks.genre_id = genre_albums.genre_id
AND genre_albums.album_id >= CAST (?2 AS INTEGER)
AND (genre_albums.album_id, position, track_number_id)
  > (CAST (?2 AS INTEGER), ?3, ?4)
ORDER BY genre_albums.album_id, position, track_number_id
LIMIT ?5

--: albums
SELECT albums.album_id AS album_id, albums.id AS id,
  albums.artist_key AS artist_key, albums.key AS key, order_key, albums.name,
  ifnull (albums.artist, artists.name) AS artist, artists.id AS artist_id
FROM albums CROSS JOIN artists USING (artist_id)
WHERE albums.key <> '' AND (albums.artist_key, order_key) > (?1, ?2)
ORDER BY albums.artist_key, order_key LIMIT ?3

--: albums-of-artist
SELECT albums.album_id AS album_id, albums.id AS id,
  albums.artist_key AS artist_key, albums.key AS key, order_key, albums.name,
  ifnull (albums.artist, artists.name) AS artist, artists.id AS artist_id
FROM albums CROSS JOIN artists USING (artist_id)
WHERE albums.key <> '' AND albums.album_id IN (
  SELECT album_id FROM albums WHERE artist_key = ?4
  UNION
  SELECT album_id FROM album_credits
  WHERE artist_id = (SELECT artist_id FROM artists WHERE key = ?4))
AND (albums.artist_key, order_key) > (?1, ?2)
ORDER BY albums.artist_key, order_key LIMIT ?3

--: album-by-number
SELECT albums.album_id AS album_id, albums.id AS id,
  albums.artist_key AS artist_key, albums.key AS key, order_key, albums.name,
  ifnull (albums.artist, artists.name) AS artist, artists.id AS artist_id
FROM albums CROSS JOIN artists USING (artist_id)
WHERE albums.album_id = ?1

--: album-by-id
SELECT albums.album_id AS album_id, albums.id AS id,
  albums.artist_key AS artist_key, albums.key AS key, order_key, albums.name,
  ifnull (albums.artist, artists.name) AS artist, artists.id AS artist_id
FROM albums CROSS JOIN artists USING (artist_id)
WHERE albums.id = ?1

--: albums-by-key
SELECT album_id FROM albums WHERE key = ?1 ORDER BY artist_key LIMIT ?2

--: album-figures
SELECT count (*) AS n_tracks, max (year) AS year,
  max (original_year) AS original_year,
  max (max (n_discs, disc_number)) AS n_discs,
  max (is_compilation) AS is_compilation,
  CAST (total (n_samples * 1e9 / max (sample_rate_hz, 1)) AS INTEGER)
    AS duration_ns
FROM tracks WHERE album_id = ?1 AND (?2 OR shown (id))

--: album-artwork
SELECT id FROM tracks WHERE album_id = ?1 AND artwork IS NOT NULL
AND (?2 OR shown (id)) ORDER BY position LIMIT 1

--: artists
SELECT artist_id AS artist_number, id, key, name FROM artists
WHERE key <> '' AND key > ?1 ORDER BY key LIMIT ?2

--: artist-by-number
SELECT artist_id AS artist_number, id, key, name FROM artists WHERE artist_id = ?1

--: artist-by-id
SELECT artist_id AS artist_number, id, key, name FROM artists WHERE id = ?1

--: artist-by-key
SELECT artist_id FROM artists WHERE key = ?1

--: artist-figures
SELECT count (*) AS n_tracks,
  CAST (total (n_samples * 1e9 / max (sample_rate_hz, 1)) AS INTEGER)
    AS duration_ns
FROM tracks WHERE track_number_id IN (
  SELECT track_number_id FROM tracks WHERE guest_id = ?1
  UNION
  SELECT track_number_id FROM credits WHERE artist_id = ?1
  UNION
  SELECT track_number_id FROM albums CROSS JOIN tracks USING (album_id)
  WHERE albums.artist_id = ?1
  UNION
  SELECT track_number_id FROM album_credits CROSS JOIN tracks USING (album_id)
  WHERE artist_id = ?1)
AND (?2 OR shown (id))

--: artist-albums
SELECT (SELECT count (*) FROM albums WHERE artist_id = ?1 AND key <> ''
    AND (?2 OR EXISTS (SELECT 1 FROM tracks
      WHERE tracks.album_id = albums.album_id AND shown (tracks.id))))
  + (SELECT count (*) FROM album_credits WHERE artist_id = ?1
    AND (?2 OR EXISTS (SELECT 1 FROM tracks
      WHERE tracks.album_id = album_credits.album_id AND shown (tracks.id))))
    AS n_albums

--: artist-artwork
SELECT tracks.id AS id FROM albums CROSS JOIN tracks USING (album_id)
WHERE albums.artist_id = ?1 AND artwork IS NOT NULL
AND (?2 OR shown (tracks.id)) LIMIT 1

--: stats
SELECT n_tracks, duration_ns,
  (SELECT count (*) FROM albums WHERE key <> '') AS n_albums,
  (SELECT count (*) FROM artists WHERE key <> '') AS n_artists,
  (SELECT count (*) FROM failures) AS n_failures,
  (SELECT CAST (total (stored_fragments) AS INTEGER) FROM renditions)
    AS n_fragments,
  (SELECT CAST (total (stored_bytes) AS INTEGER) FROM renditions)
    AS cache_bytes
FROM totals

--: files
SELECT tracks.path AS path, size_bytes, mtime_ns, ctime_ns, NULL AS reason
FROM tracks WHERE root_id = (SELECT root_id FROM roots WHERE path = ?1)
AND missing_since_s IS NULL
UNION ALL
SELECT path, size_bytes, mtime_ns, ctime_ns, reason FROM failures
WHERE root_id = (SELECT root_id FROM roots WHERE path = ?1)

--: put-failure
INSERT OR REPLACE INTO failures (
  root_id, path, size_bytes, mtime_ns, ctime_ns, reason
) VALUES (?1, ?2, ?3, ?4, ?5, ?6)

--: clear-failure
DELETE FROM failures WHERE root_id = ?1 AND path = ?2

--: failures
SELECT roots.path AS root, failures.path AS path, reason
FROM failures JOIN roots USING (root_id) ORDER BY roots.path, failures.path

--: current-rendition
SELECT * FROM renditions WHERE track_id = ?1 AND name = ?2 AND n_fragments > 0
ORDER BY epoch DESC LIMIT 1

--: rendition
SELECT * FROM renditions WHERE track_id = ?1 AND name = ?2 AND epoch = ?3
AND n_fragments > 0

--: last-epoch
SELECT ifnull (max (epoch), 0) AS epoch FROM renditions
WHERE track_id = ?1 AND name = ?2

--: rendition-id
SELECT rendition_id FROM renditions
WHERE track_id = ?1 AND name = ?2 AND epoch = ?3

--: put-rendition
INSERT INTO renditions (
  track_id, name, epoch, wrapped_key, codecs, sample_rate_hz, channels,
  bitrate_bps, timescale, pre_skip, n_units, fragment_units, n_fragments,
  header, encoder, used_at_us
) VALUES (
  ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16
)
ON CONFLICT (track_id, name, epoch)
DO UPDATE SET header = excluded.header, encoder = excluded.encoder

--: use-rendition
UPDATE renditions SET used_at_us = max (used_at_us, ?4)
WHERE track_id = ?1 AND name = ?2 AND epoch = ?3

--: renditions-by-use
SELECT rendition_id, track_id, name, epoch, stored_bytes FROM renditions
WHERE stored_bytes > 0
ORDER BY used_at_us, rendition_id

--: drop-fragments-of-track
DELETE FROM fragments WHERE rendition_id IN (
  SELECT rendition_id FROM renditions WHERE track_id = ?1)

--: retire-renditions-of-track
UPDATE renditions SET n_fragments = 0, n_units = 0, header = NULL,
  stored_fragments = 0, stored_bytes = 0
WHERE track_id = ?1

--: drop-fragments
DELETE FROM fragments WHERE rendition_id = ?1

--: drop-superseded-rendition
DELETE FROM renditions
WHERE rendition_id = ?1
AND EXISTS (SELECT 1 FROM renditions AS later
  WHERE later.track_id = renditions.track_id AND later.name = renditions.name
  AND later.epoch > renditions.epoch)

--: empty-rendition
UPDATE renditions SET stored_fragments = 0, stored_bytes = 0
WHERE rendition_id = ?1

--: keys
SELECT rendition_id, track_id, name, epoch, wrapped_key FROM renditions
WHERE rendition_id > ?1 AND n_fragments > 0 ORDER BY rendition_id LIMIT ?2

--: put-key
UPDATE renditions SET wrapped_key = ?2 WHERE rendition_id = ?1

--: current-renditions
SELECT * FROM renditions
WHERE rendition_id < ?1 AND (?2 IS NULL OR name = ?2) AND n_fragments > 0
AND NOT EXISTS (SELECT 1 FROM renditions AS later
  WHERE later.track_id = renditions.track_id AND later.name = renditions.name
  AND later.epoch > renditions.epoch)
ORDER BY rendition_id DESC LIMIT ?3

--: current-renditions-of-track
SELECT * FROM renditions
WHERE track_id = ?1 AND (?2 IS NULL OR name = ?2) AND n_fragments > 0
AND NOT EXISTS (SELECT 1 FROM renditions AS later
  WHERE later.track_id = renditions.track_id AND later.name = renditions.name
  AND later.epoch > renditions.epoch)

--: superseded-renditions
SELECT track_id, name, epoch FROM renditions
WHERE n_fragments = 0 OR EXISTS (SELECT 1 FROM renditions AS later
  WHERE later.track_id = renditions.track_id AND later.name = renditions.name
  AND later.epoch > renditions.epoch)

--: fragment
SELECT fragments.size_bytes AS size_bytes, sha256
FROM renditions CROSS JOIN fragments USING (rendition_id)
WHERE track_id = ?1 AND name = ?2 AND epoch = ?3 AND number = ?4

--: put-fragment
INSERT INTO fragments (rendition_id, number, size_bytes, sha256)
VALUES (?1, ?2, ?3, ?4)

--: count-fragments
UPDATE renditions SET stored_fragments = stored_fragments + ?2,
  stored_bytes = stored_bytes + ?3
WHERE rendition_id = ?1

--: uncount-fragment
UPDATE renditions SET stored_fragments = stored_fragments - 1,
  stored_bytes = stored_bytes - fragments.size_bytes
FROM fragments
WHERE renditions.rendition_id = ?1 AND fragments.rendition_id = ?1
AND fragments.number = ?2

--: drop-fragment
DELETE FROM fragments WHERE rendition_id = ?1 AND number = ?2

--: drop-revocations
DELETE FROM revocations
WHERE (kind = 'jti' AND until_s < ?1) OR (kind = 'subject' AND until_s < ?2)

--: put-revocation
INSERT INTO revocations (kind, value, until_s) VALUES (?1, ?2, ?3)
ON CONFLICT DO UPDATE SET until_s = max (until_s, excluded.until_s)

--: revocations
SELECT kind, value, until_s FROM revocations

--: all-fragments
SELECT track_id, name, epoch, number, size_bytes, sha256
FROM fragments JOIN renditions USING (rendition_id)
