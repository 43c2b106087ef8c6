#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Makes the sample music beside it: scores/*.txt through synth.c, encoded by
# ffmpeg in every format that users have.  usage: ./make-samples.sh
# The melodies are traditional or by composers dead for over a century; two
# are the project's own. All are in the public domain (CC0).
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT

cc -O2 -o "$work/synth" synth.c -lm

# A cover: seven pipes before an evening sky, by ffmpeg's own expressions.
cover () { # FILE HUE
  ffmpeg -v error -y -f lavfi -i "color=c=black:s=400x400,format=rgb24,geq=\
r='if(lt(mod(X-40,48),40)*gt(X,40)*lt(X,368)*gt(Y,70)*lt(Y,190+floor((X-40)/48)*24),200-abs(mod(X-40,48)-20)*5,Y/400*$2)':\
g='if(lt(mod(X-40,48),40)*gt(X,40)*lt(X,368)*gt(Y,70)*lt(Y,190+floor((X-40)/48)*24),160-abs(mod(X-40,48)-20)*5,60+Y/8)':\
b='if(lt(mod(X-40,48),40)*gt(X,40)*lt(X,368)*gt(Y,70)*lt(Y,190+floor((X-40)/48)*24),90-abs(mod(X-40,48)-20)*3,140-Y/6)'" \
    -frames:v 1 -q:v 6 "$1"
}
cover "$work/evening.jpg" 230
cover "$work/morning.jpg" 90

piece () { # SCORE FILE NUMBER TITLE ARTIST ALBUM GENRE YEAR [FFMPEG OPTION…]
  local score=$1 file=$2 number=$3 title=$4 artist=$5 album=$6 genre=$7 year=$8 art; shift 8
  [ "$album" = "Reeds at Dusk" ] && art=$work/evening.jpg || art=$work/morning.jpg
  "$work/synth" "scores/$score.txt" "$work/in.wav"
  mkdir -p "$(dirname "$file")"
  local picture=()
  case "$file" in
    *.flac|*.mp3|*.m4a) picture=(-i "$art" -map 0:a -map 1:v -c:v copy -disposition:v attached_pic) ;;
  esac
  ffmpeg -v error -y -i "$work/in.wav" "${picture[@]}" -map_metadata -1 -fflags +bitexact -flags:a +bitexact \
    -metadata title="$title" -metadata artist="$artist" -metadata album="$album" -metadata album_artist="The Syrinx Consort" \
    -metadata genre="$genre" -metadata date="$year" -metadata track="$number" "$@" "$file"
}

dusk="Reeds at Dusk"; dawn="Pipes at Dawn"
piece many-pipes-one-breath "$dusk/01 Many Pipes, One Breath.flac" 1 "Many Pipes, One Breath" "The Syrinx Consort" "$dusk" "Ambient" 2026 -ac 1 -sample_fmt s16
piece greensleeves "$dusk/02 Greensleeves.mp3" 2 "Greensleeves" "Traditional (England)" "$dusk" "Folk" 1580 -c:a libmp3lame -q:a 9 -id3v2_version 3
piece scarborough-fair "$dusk/03 Scarborough Fair.ogg" 3 "Scarborough Fair" "Traditional (England)" "$dusk" "Folk" 1670 -c:a libvorbis -q:a 0
piece sakura "$dusk/04 さくらさくら.opus" 4 "さくらさくら" "日本古謡" "$dusk" "Folk" 1860 -c:a libopus -b:a 24k
piece amazing-grace "$dusk/05 Amazing Grace.m4a" 5 "Amazing Grace" "William Walker" "$dusk" "Hymn" 1835 -c:a aac -b:a 32k
piece by-the-river "$dusk/06 By the River.mp3" 6 "By the River" "The Syrinx Consort" "$dusk" "Ambient" 2026 -c:a libmp3lame -b:a 48k -id3v2_version 4
piece ode-to-joy "$dawn/01 Ode to Joy.opus" 1 "Ode to Joy" "Ludwig van Beethoven" "$dawn" "Classical" 1824 -c:a libopus -b:a 40k
piece minuet-in-g "$dawn/02 Minuet in G.wav" 2 "Minuet in G" "The Syrinx Consort" "$dawn" "Classical" 1725 -ac 1 -write_id3v2 1
piece frere-jacques "$dawn/03 Frère Jacques.m4a" 3 "Frère Jacques" "Traditional (France)" "$dawn" "Children's" 1780 -c:a aac -b:a 32k
piece korobeiniki "$dawn/04 Коробейники.ogg" 4 "Коробейники" "Народная" "$dawn" "Folk" 1861 -c:a libvorbis -q:a 0
piece ah-vous-dirai-je "$dawn/05 Ah! vous dirai-je, maman.mp3" 5 "Ah! vous dirai-je, maman" "Traditional (France)" "$dawn" "Children's" 1761 -c:a libmp3lame -q:a 9 -id3v2_version 3
piece queue-lullaby "$dawn/06 Lullaby for a Queue.flac" 6 "Lullaby for a Queue" "The Syrinx Consort" "$dawn" "Ambient" 2026 -sample_fmt s16 -ac 1
du -sh . >&2
