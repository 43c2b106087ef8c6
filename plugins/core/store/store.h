/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index of the content store: the library's tracks and the renditions made
 * of them, in SQLite (WAL, one writer under a lock, readers with prepared
 * statements). Every function may be called from any thread. Paths are bytes as
 * in the file system. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SyrinxStore SyrinxStore;

/* Opens STATE_DIR/index.db, creating and migrating it if @writable; a writable
 * store holds STATE_DIR/lock. Errors: BUSY (another process is the writer),
 * CORRUPT (migration failed; the file is kept), NOT_FOUND. */
SyrinxStore *
syrinx_store_open (const gchar *state_dir, gboolean writable, GError **error);
SyrinxStore *syrinx_store_ref (SyrinxStore *store);
void syrinx_store_unref (SyrinxStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxStore, syrinx_store_unref)

const gchar *syrinx_store_get_state_dir (SyrinxStore *store);

/* --- Tracks --- */

typedef struct
{
  guint64 start_ns, end_ns; /* within the track; end 0: unknown */
  gchar *title;
} SyrinxChapter;

/* Details that are shown for single tracks only. Texts and lists are UTF-8 and
 * (nullable). */
typedef struct
{
  gchar *date, *original_date; /* as in the tags */
  gchar *title_sort, *album_sort;
  gchar **artist_sorts, **album_artist_sorts; /* in the order of the names */
  gdouble bpm;                                /* 0 = unknown */
  gchar *mb_recording_id, *mb_track_id, *mb_release_group_id; /* MusicBrainz */
  gchar **mb_artist_ids, **mb_album_artist_ids;
  gchar *lyrics;        /* plain, lines ended by \n */
  gchar *synced_lyrics; /* LRC: "[mm:ss.xx]text", lines ended by \n */
  GArray *chapters;     /* (element-type SyrinxChapter) (nullable), ascending */
} SyrinxTrackDetails;

SyrinxTrackDetails *syrinx_track_details_new (void);
void syrinx_track_details_free (SyrinxTrackDetails *details);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxTrackDetails, syrinx_track_details_free)
/* @title: (transfer full) */
void syrinx_track_details_add_chapter (SyrinxTrackDetails *details,
    guint64 start_ns, guint64 end_ns, gchar *title);

typedef struct
{
  gchar *id; /* 22 characters; NULL if new: the store assigns one, or finds the
                renamed track's */
  gchar *root; /* library folder, absolute */
  gchar *path; /* relative to root */
  gint64 size_bytes, mtime_ns;
  gint64 ctime_ns;    /* 0: unknown; the next scan reads the file again */
  gchar *fingerprint; /* of the content: hex SHA-256 of the file's bytes (or of
                         size + samples of it) */
  gchar *title, *artist, *album, *album_artist,
      *genre; /* UTF-8, (nullable) but title; artists as they are shown */
  gchar **artists, **album_artists; /* individual names, (nullable): the shown
                                       one is the only one */
  gint year, track_number, disc_number;  /* 0 = unknown */
  gint original_year, n_tracks, n_discs; /* 0 = unknown; of the disc, the album
                                          */
  gboolean is_compilation;
  gchar *mb_release_id; /* MusicBrainz, (nullable) */
  gchar *codec;         /* "flac", "mp3", "vorbis", "opus", "aac", "pcm", … */
  guint sample_rate_hz, channels;
  guint64 n_samples; /* per channel at sample_rate_hz, counted exactly */
  guint bitrate_bps;
  guint packet_bps;      /* average bit rate of packets that can be passed on
                            unchanged; 0: they can't, or unknown */
  guint packet_pre_skip; /* samples of those packets that are not played */
  gchar *artwork; /* hex SHA-256 naming STATE_DIR/artwork/HEX, (nullable) */
  gchar *artwork_type; /* image/jpeg or image/png, (nullable) */
  gboolean has_gain;   /* ReplayGain 2 track gain, from tags or measured */
  gdouble gain_db, peak;
  gboolean has_album_gain; /* the same of the album */
  gdouble album_gain_db, album_peak;
  gint64 added_at_s;
  SyrinxTrackDetails *details; /* (nullable); read for a single track only */
  gboolean sounds_different;   /* set by syrinx_store_put_tracks(): the file's
                                  content has changed, so its renditions can't be
                                  used any more */
} SyrinxTrack;

void syrinx_track_free (SyrinxTrack *track);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxTrack, syrinx_track_free)
guint64 syrinx_track_get_duration_ns (const SyrinxTrack *track);

/* An album's id: derived from the MusicBrainz release, else from the album
 * artist (or the fact that it is a compilation), folder and name. The same
 * after a complete new scan. NULL for a track without album. (transfer full) */
gchar *syrinx_track_get_album_id (const SyrinxTrack *track);
/* Derived from the folded name; NULL for an empty one. (transfer full) */
gchar *syrinx_get_artist_id (const gchar *name);

/* Adds or updates all tracks in one transaction; sets ->id if it was NULL. A
 * track with a known (root, path) is updated and keeps its id. A track whose
 * fingerprint belongs to a missing path (see @missing of
 * syrinx_store_remove_paths) takes over that id. Removes a failure recorded for
 * the path. */
gboolean
syrinx_store_put_tracks (SyrinxStore *store, GPtrArray *tracks, GError **error);

/* NOT_FOUND if there is no such track or it was removed. (transfer full) */
SyrinxTrack *
syrinx_store_get_track (SyrinxStore *store, const gchar *id, GError **error);

/* Marks tracks as missing. Their rows stay for a while, so that a renamed file
 * keeps its id, but no search shows them. */
gboolean syrinx_store_remove_paths (
    SyrinxStore *store, const gchar *root, GPtrArray *paths, GError **error);
/* Does the same for everything in library folders other than @roots. */
gboolean syrinx_store_hide_other_roots (SyrinxStore *store,
    const gchar *const *roots, guint *n_hidden, GError **error);
/* Forgets for good what has been gone for @age_s seconds. */
gboolean
syrinx_store_forget_missing (SyrinxStore *store, gint64 age_s, GError **error);
gboolean syrinx_store_set_gain (SyrinxStore *store, const gchar *id,
    gdouble gain_db, gdouble peak, GError **error);

/* One file as the last scan recorded it, for incremental scans. @ctime_ns is 0
 * if unknown, @reason NULL for a good track. */
typedef void (*SyrinxStoreFileFunc) (const gchar *path, gint64 size_bytes,
    gint64 mtime_ns, gint64 ctime_ns, const gchar *reason, gpointer user_data);
gboolean syrinx_store_foreach_file (SyrinxStore *store, const gchar *root,
    SyrinxStoreFileFunc func, gpointer user_data, GError **error);
gboolean syrinx_store_put_failure (SyrinxStore *store, const gchar *root,
    const gchar *path, gint64 size_bytes, gint64 mtime_ns, gint64 ctime_ns,
    const gchar *reason, GError **error);

/* --- Search and browse --- */

typedef struct
{
  const gchar *q; /* (nullable): words, each a prefix, matched with title,
                     artist, album, genre */
  const gchar *artist, *album,
      *genre; /* (nullable): exact, apart from accents and case */
  const gchar *album_id, *artist_id; /* (nullable) */
  guint limit;                       /* 1 to 500 */
  const gchar *cursor; /* (nullable): from the previous page, in this process;
                          else INVALID */
} SyrinxTrackQuery;

/* (element-type SyrinxTrack) (transfer full); *@next_cursor is NULL on the last
 * page. A query that is only punctuation finds nothing. At most 64 words of at
 * most 64 characters: more is INVALID. */
GPtrArray *syrinx_store_find_tracks (SyrinxStore *store,
    const SyrinxTrackQuery *query, gchar **next_cursor, GError **error);

/* Chooses the tracks of which groups consist, for clients that may see only a
 * part of the library. Called while the index is read, so it must only
 * compare. */
typedef struct
{
  gboolean (*is_shown) (const gchar *track_id, gpointer user_data);
  gpointer user_data;
} SyrinxTrackFilter;

typedef struct
{
  gchar *id;            /* the same after a complete new scan */
  gchar *name, *artist; /* artist: the album artist as shown; an artist has its
                           name in name, and artist NULL */
  gchar *artist_id;     /* of an album's first artist, (nullable) */
  gint year, original_year, n_discs; /* 0 = unknown */
  gboolean is_compilation;
  guint n_tracks, n_albums;
  guint64 duration_ns;
  gchar *artwork_track_id; /* a track whose artwork represents it, (nullable) */
} SyrinxGroup;

void syrinx_group_free (SyrinxGroup *group);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxGroup, syrinx_group_free)

/* Lists groups page by page. With a @filter (nullable), only groups with at
 * least one shown track are listed, and their figures and artwork come from
 * shown tracks only. Each page then examines @limit groups, so it may have
 * fewer groups, or none, although there is a next page. */
GPtrArray *syrinx_store_list_albums (SyrinxStore *store, const gchar *artist,
    const SyrinxTrackFilter *filter, guint limit, const gchar *cursor,
    gchar **next_cursor, GError **error);
GPtrArray *
syrinx_store_list_artists (SyrinxStore *store, const SyrinxTrackFilter *filter,
    guint limit, const gchar *cursor, gchar **next_cursor, GError **error);

/* Albums (by their names and their artists') or artists that match every word
 * of @q, each as a prefix: names that equal @q first, then shorter names.
 * @limit 1 to 500. @filter: as above. (element-type SyrinxGroup) (transfer
 * full) */
GPtrArray *
syrinx_store_find_groups (SyrinxStore *store, const gchar *q, gboolean albums,
    const SyrinxTrackFilter *filter, guint limit, GError **error);

typedef struct
{
  gchar *name; /* as shown */
  gchar *path; /* for syrinx_store_list_folder() */
} SyrinxFolder;

typedef struct
{
  gchar *path;
  GPtrArray *folders; /* (element-type SyrinxFolder), by name */
  GPtrArray *tracks;  /* (element-type SyrinxTrack), by file name */
  gchar *next_cursor; /* (nullable) */
} SyrinxFolderPage;

void syrinx_folder_page_free (SyrinxFolderPage *page);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxFolderPage, syrinx_folder_page_free)

/* The content of a folder, merged over all library folders. @path is relative
 * to them, "" is the top; bytes in names that are not UTF-8 are private-use
 * characters, as in the paths of a page. An unknown folder is empty. @limit 1
 * to 500. (transfer full) Errors: INVALID. */
SyrinxFolderPage *syrinx_store_list_folder (SyrinxStore *store,
    const gchar *path, guint limit, const gchar *cursor, GError **error);

typedef struct
{
  guint64 n_tracks, n_albums, n_artists, n_failures, n_fragments, cache_bytes,
      duration_ns;
} SyrinxStoreStats;
gboolean syrinx_store_get_stats (
    SyrinxStore *store, SyrinxStoreStats *stats, GError **error);

/* Failures: calls @func for every file that could not be read. */
gboolean syrinx_store_foreach_failure (SyrinxStore *store,
    void (*func) (const gchar *root, const gchar *path, const gchar *reason,
        gpointer user_data),
    gpointer user_data, GError **error);

/* --- Renditions and fragments --- */

typedef struct
{
  gchar *track_id, *name; /* "opus-128" */
  guint epoch;            /* 1, 2, …; the highest is current */
  GBytes *wrapped_key;    /* by SyrinxKeyring */
  gchar *codecs;          /* RFC 6381: "opus", "mp4a.40.2", "fLaC" */
  guint sample_rate_hz, channels, bitrate_bps;
  guint timescale;      /* = sample_rate_hz of the media timeline */
  guint pre_skip;       /* units at the start that a decoder discards */
  guint64 n_units;      /* media timeline, pre-skip included */
  guint fragment_units; /* of every fragment but the last */
  guint n_fragments;
  GBytes *header; /* init section, (nullable) until it was made */
  gchar *encoder; /* versions of the software that made it, (nullable) */
} SyrinxRenditionRow;

void syrinx_rendition_row_free (SyrinxRenditionRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxRenditionRow, syrinx_rendition_row_free)

/* @epoch 0: the current one. Errors: NOT_FOUND. (transfer full) */
SyrinxRenditionRow *syrinx_store_get_rendition (SyrinxStore *store,
    const gchar *track_id, const gchar *name, guint epoch, GError **error);
/* The highest epoch that ever existed; 0: none. */
gboolean syrinx_store_get_last_epoch (SyrinxStore *store, const gchar *track_id,
    const gchar *name, guint *epoch, GError **error);
/* Inserts, or updates header and encoder of the same (track, name, epoch). */
gboolean syrinx_store_put_rendition (
    SyrinxStore *store, const SyrinxRenditionRow *row, GError **error);
/* The track has changed: forgets its renditions. Only the numbers of their
 * epochs remain, and what syrinx_store_list_superseded() returns. */
gboolean syrinx_store_remove_renditions (
    SyrinxStore *store, const gchar *track_id, GError **error);

/* --- Their keys --- */

/* Called with the wrapped key of one row. Returns: (transfer full) (nullable)
 * the key to store in its place. */
typedef GBytes *(*SyrinxStoreKeyFunc) (const gchar *track_id, const gchar *name,
    guint epoch, GBytes *wrapped_key, gpointer user_data);
/* Calls @func for every row. Each batch of changes is one transaction, durable
 * before the next begins. */
gboolean syrinx_store_change_keys (SyrinxStore *store, SyrinxStoreKeyFunc func,
    gpointer user_data, GError **error);
/* The same without changes: @func must return NULL. @max 0: all. */
gboolean syrinx_store_foreach_key (SyrinxStore *store, guint max,
    SyrinxStoreKeyFunc func, gpointer user_data, GError **error);

/* Current epochs (element-type SyrinxRenditionRow) of @track_id, or of all
 * tracks in batches below *@before, which starts at G_MAXINT64 and is advanced;
 * epochs added meanwhile are not in later batches. Empty: there are no more.
 * @name (nullable): any. (transfer full) */
GPtrArray *syrinx_store_list_current (SyrinxStore *store, const gchar *track_id,
    const gchar *name, gint64 *before, GError **error);
/* Adds all rows in one durable transaction. */
gboolean syrinx_store_put_renditions (
    SyrinxStore *store, GPtrArray *rows, GError **error);
/* Epochs that are not current, or whose track has changed: track_id, name and
 * epoch of each (element-type SyrinxRenditionRow). (transfer full) */
GPtrArray *syrinx_store_list_superseded (SyrinxStore *store, GError **error);
/* The row of the last epoch stays, so that its number is not used again. */
gboolean syrinx_store_remove_epoch (SyrinxStore *store, const gchar *track_id,
    const gchar *name, guint epoch, GError **error);

typedef struct
{
  guint number;
  gint64 size_bytes; /* of the ciphertext */
  guint8 sha256[32]; /* of the ciphertext */
} SyrinxFragmentRow;

gboolean syrinx_store_put_fragments (SyrinxStore *store, const gchar *track_id,
    const gchar *rendition, guint epoch, const SyrinxFragmentRow *rows,
    guint n_rows, GError **error);
gboolean syrinx_store_get_fragment (SyrinxStore *store, const gchar *track_id,
    const gchar *rendition, guint epoch, guint number, SyrinxFragmentRow *row,
    GError **error);

/* Eviction. Uses are recorded in memory and written in batches. Forgets the
 * least recently used (track, rendition, epoch)s until at most @max_bytes
 * remain. @func is called first for each, and returns FALSE to keep it (it is
 * in use). The row stays with its key, so that fragments in memory remain
 * usable. */
void syrinx_store_touch_rendition (SyrinxStore *store, const gchar *track_id,
    const gchar *rendition, guint epoch);
typedef gboolean (*SyrinxStoreEvictFunc) (const gchar *track_id,
    const gchar *rendition, guint epoch, gpointer user_data);
gboolean syrinx_store_evict (SyrinxStore *store, guint64 max_bytes,
    SyrinxStoreEvictFunc func, gpointer user_data, GError **error);

/* --- Revocations (kept over restarts) --- */

/* Pass either @jti or @subject. @until_s, Unix time: with @jti, when that token
 * expires; with @subject, the latest issue time of tokens that are revoked.
 * Revocations that no longer apply to any valid token are removed. */
gboolean syrinx_store_put_revocation (SyrinxStore *store, const gchar *jti,
    const gchar *subject, gint64 until_s, GError **error);
/* Passes all of them to syrinx_revoke_jti() and syrinx_revoke_subject(). */
gboolean syrinx_store_load_revocations (SyrinxStore *store, GError **error);

G_END_DECLS
