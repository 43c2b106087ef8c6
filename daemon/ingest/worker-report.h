/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A worker's report about a file, checked and bounded like all untrusted input.
 * Any thread.
 *
 * A report is an a{sv} of the following; all but the first four may be left
 * out. Texts are UTF-8 of at most SYRINX_MAX_TAG_BYTES, lists have at most
 * SYRINX_MAX_REPORT_LIST parts.
 *
 *   codec             s      "flac", "mp3", …: see worker-report.c
 *   rate, channels    u
 *   samples           t      per channel, counted
 *   bitrate           u      bit/s
 *   packet-bitrate    u      of packets that can be passed on; needs pre-skip
 *   pre-skip          u      samples to skip at their start
 *   title             s
 *   artist            s      as displayed; default: "artists" joined
 *   artists           as     every artist, in order
 *   album             s
 *   album-artist      s      as "artist"
 *   album-artists     as
 *   artist-sorts      as     one for each artist, in order
 *   album-artist-sorts as
 *   title-sort, album-sort s
 *   genre             s
 *   compilation       b
 *   track, tracks     i      number and how many the disc has
 *   disc, discs       i      number and how many the album has
 *   date              s      any text with a year in it
 *   original-date     s
 *   year              i      default: the year in "date"
 *   bpm               d
 *   mb-recording, mb-track, mb-release, mb-release-group   s   MusicBrainz
 *   mb-artists, mb-album-artists                           as  identifiers
 *   lyrics            s      of at most SYRINX_MAX_REPORT_LYRICS_BYTES
 *   synced-lyrics     s      LRC, a line "[mm:ss.xx]text" each; as "lyrics"
 *   gain, peak        d      of the track, as ReplayGain 2 has them: dB to
 *                            -18 LUFS, 1.0 = full scale. R128_TRACK_GAIN is
 *                            its number / 256 + 5
 *   album-gain, album-peak   d
 *   chapters          a(tts) start and end in ns (0: unknown), title
 *   artwork           ay     of at most SYRINX_MAX_ARTWORK_BYTES
 */
#pragma once

#include "core/store/store.h"

G_BEGIN_DECLS

/* Fills in the fields that the report has; the caller adds root, path, size,
 * times and fingerprint. @name: the file's name, the source of the title if
 * there is no such tag. Writes artwork into @state_dir. (transfer full) Errors:
 * INVALID. */
SyrinxTrack *syrinx_report_read (GVariant *report, const gchar *name,
    const gchar *state_dir, GError **error);

/* Keeps a picture for a track that has none yet, as that of a report. What is
 * no PNG, JPEG, GIF or WebP is left out. */
void syrinx_report_keep_picture (SyrinxTrack *track, const guint8 *data,
    gsize size_bytes, const gchar *state_dir);

G_END_DECLS
