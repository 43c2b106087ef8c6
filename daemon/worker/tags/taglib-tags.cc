/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tags by TagLib, through a descriptor. */
#include "lyrics.h"
#include "tags.h"

#include <aifffile.h>
#include <apefile.h>
#include <apetag.h>
#include <asffile.h>
#include <attachedpictureframe.h>
#include <chapterframe.h>
#include <flacfile.h>
#include <id3v2tag.h>
#include <infotag.h>
#include <mp4file.h>
#include <mpcfile.h>
#include <mpegfile.h>
#include <oggflacfile.h>
#include <opusfile.h>
#include <speexfile.h>
#include <synchronizedlyricsframe.h>
#include <tfilestream.h>
#include <tpropertymap.h>
#include <trueaudiofile.h>
#include <unsynchronizedlyricsframe.h>
#include <vorbisfile.h>
#include <wavfile.h>
#include <wavpackfile.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include <unistd.h>

extern "C" void syrinx_tags_read_taglib (
    SyrinxTags *tags, gint fd, const gchar *demuxer, const gchar *codec);

namespace {

/* Reads an open file; can't write. */
class DescriptorStream final : public TagLib::IOStream {
public:
  explicit DescriptorStream (int fd)
      : fd_ (fd), size_ (std::max (lseek (fd, 0, SEEK_END), off_t{ 0 }))
  {
  }

  TagLib::FileName
  name () const override
  {
    return "";
  }

  TagLib::ByteVector
  readBlock (unsigned long length) override
  {
    const unsigned long left
        = position_ < size_ ? static_cast<unsigned long> (size_ - position_)
                            : 0;
    TagLib::ByteVector block (
        static_cast<unsigned int> (std::min (length, left)), 0);
    ssize_t n = block.isEmpty ()
                    ? 0
                    : pread (fd_, block.data (), block.size (), position_);

    block.resize (static_cast<unsigned int> (std::max<ssize_t> (n, 0)));
    position_ += block.size ();
    return block;
  }

  void
  seek (long offset, Position from = Beginning) override
  {
    if (from == Current)
      offset += position_;
    else if (from == End)
      offset += size_;
    position_ = std::max (offset, 0L);
  }

  long
  tell () const override
  {
    return position_;
  }

  long
  length () override
  {
    return size_;
  }

  bool
  readOnly () const override
  {
    return true;
  }

  bool
  isOpen () const override
  {
    return true;
  }

  void
  writeBlock (const TagLib::ByteVector &) override
  {
  }

  void
  insert (const TagLib::ByteVector &, unsigned long, unsigned long) override
  {
  }

  void
  removeBlock (unsigned long, unsigned long) override
  {
  }

  void
  truncate (long) override
  {
  }

private:
  const int fd_;
  long size_ = 0;
  long position_ = 0;
};

/* RIFF's INFO does not state its encoding: valid UTF-8 is taken as that,
 * anything else as what most programs wrote. */
class InfoText final : public TagLib::RIFF::Info::StringHandler {
public:
  TagLib::String
  parse (const TagLib::ByteVector &data) const override
  {
    const gboolean utf8 = g_utf8_validate (data.data (),
        static_cast<gssize> (std::strlen (data.data ())), nullptr);

    return TagLib::String (
        data, utf8 ? TagLib::String::UTF8 : TagLib::String::Latin1);
  }
};

void
add_picture (SyrinxTags *tags, int type, const TagLib::ByteVector &data)
{
  syrinx_tags_add_picture (tags, static_cast<guint> (type),
      reinterpret_cast<const guint8 *> (data.data ()), data.size ());
}

void
add_properties (SyrinxTags *tags, const TagLib::PropertyMap &properties)
{
  for (const auto &[name, values] : properties)
    for (const auto &value : values)
      syrinx_tags_add (tags, name.toCString (true), value.toCString (true));
}

/* --- Pictures, and what TagLib's properties leave out --- */

void
add_synced (
    SyrinxTags *tags, const TagLib::ID3v2::SynchronizedLyricsFrame *lyrics)
{
  using Frame = TagLib::ID3v2::SynchronizedLyricsFrame;
  GString *lrc = g_string_new (nullptr);

  if (lyrics->timestampFormat () == Frame::AbsoluteMilliseconds)
    for (const auto &line : lyrics->synchedText ())
      syrinx_lyrics_append (lrc, line.time, line.text.toCString (true));
  syrinx_tags_add (tags, "SYNCEDLYRICS", lrc->str);
  g_string_free (lrc, TRUE);
}

/* https://id3.org/id3v2-chapters-1.0 */
void
add_chapter (SyrinxTags *tags, const TagLib::ID3v2::ChapterFrame *chapter)
{
  const auto &titles = chapter->embeddedFrameList ("TIT2");
  const guint64 ns_per_ms = 1000000;

  syrinx_tags_add_chapter (tags, chapter->startTime () * ns_per_ms,
      chapter->endTime () * ns_per_ms,
      titles.isEmpty () ? "" : titles.front ()->toString ().toCString (true));
}

void
add_id3v2 (SyrinxTags *tags, const TagLib::ID3v2::Tag *tag)
{
  if (!tag)
    return;
  for (const auto *frame : tag->frameList ("APIC"))
    if (const auto *picture
        = dynamic_cast<const TagLib::ID3v2::AttachedPictureFrame *> (frame))
      add_picture (tags, picture->type (), picture->picture ());
  for (const auto *frame : tag->frameList ("PIC"))
    if (const auto *picture
        = dynamic_cast<const TagLib::ID3v2::AttachedPictureFrame *> (frame))
      add_picture (tags, picture->type (), picture->picture ());
  for (const auto *frame : tag->frameList ("USLT"))
    if (const auto *lyrics
        = dynamic_cast<const TagLib::ID3v2::UnsynchronizedLyricsFrame *> (
            frame))
      syrinx_tags_add (tags, "LYRICS", lyrics->text ().toCString (true));
  for (const auto *frame : tag->frameList ("CHAP"))
    if (const auto *chapter
        = dynamic_cast<const TagLib::ID3v2::ChapterFrame *> (frame))
      add_chapter (tags, chapter);
  for (const auto *frame : tag->frameList ("SYLT"))
    if (const auto *lyrics
        = dynamic_cast<const TagLib::ID3v2::SynchronizedLyricsFrame *> (frame))
      add_synced (tags, lyrics);
}

void
add_flac (SyrinxTags *tags, const TagLib::List<TagLib::FLAC::Picture *> &list)
{
  for (const auto *picture : list)
    add_picture (tags, picture->type (), picture->data ());
}

/* A name, a zero byte, the picture. */
void
add_ape (SyrinxTags *tags, const TagLib::APE::Tag *tag)
{
  if (!tag)
    return;
  for (const auto &[name, item] : tag->itemListMap ()) {
    const TagLib::ByteVector data = item.binaryData ();
    const int zero = data.find ('\0');

    if (item.type () != TagLib::APE::Item::Binary || zero < 0
        || !name.upper ().startsWith ("COVER ART"))
      continue;
    add_picture (tags, name.upper () == "COVER ART (FRONT)" ? 3 : 0,
        data.mid (static_cast<unsigned int> (zero) + 1));
  }
}

void
add_mp4 (SyrinxTags *tags, const TagLib::MP4::Tag *tag)
{
  const TagLib::String freeform ("----:");

  if (!tag)
    return;
  for (const auto &[name, item] : tag->itemMap ()) {
    const int colon = name.rfind (":");

    if (name == "covr") {
      for (const auto &cover : item.toCoverArtList ())
        add_picture (tags, 3, cover.data ());
    } else if (name.startsWith (freeform) && colon > 0) {
      for (const auto &value : item.toStringList ())
        syrinx_tags_add (tags,
            name.substr (static_cast<unsigned int> (colon) + 1)
                .toCString (true),
            value.toCString (true));
    }
  }
}

void
add_asf (SyrinxTags *tags, TagLib::ASF::Tag *tag)
{
  if (!tag || !tag->attributeListMap ().contains ("WM/Picture"))
    return;
  for (const auto &attribute : tag->attributeListMap ()["WM/Picture"]) {
    const TagLib::ASF::Picture picture = attribute.toPicture ();

    if (picture.isValid ())
      add_picture (tags, picture.type (), picture.picture ());
  }
}

/* --- Files by their kind --- */

void
read_mpeg (SyrinxTags *tags, TagLib::IOStream *stream)
{
  TagLib::MPEG::File file (
      stream, TagLib::ID3v2::FrameFactory::instance (), false);

  add_properties (tags, file.properties ());
  add_id3v2 (tags, file.hasID3v2Tag () ? file.ID3v2Tag () : nullptr);
  add_ape (tags, file.hasAPETag () ? file.APETag () : nullptr);
}

void
read_flac (SyrinxTags *tags, TagLib::IOStream *stream)
{
  TagLib::FLAC::File file (
      stream, TagLib::ID3v2::FrameFactory::instance (), false);

  add_properties (tags, file.properties ());
  add_flac (tags, file.pictureList ());
  if (file.hasXiphComment ())
    add_flac (tags, file.xiphComment ()->pictureList ());
  add_id3v2 (tags, file.hasID3v2Tag () ? file.ID3v2Tag () : nullptr);
}

template <class File>
void
read_ogg (SyrinxTags *tags, TagLib::IOStream *stream)
{
  File file (stream, false);

  add_properties (tags, file.properties ());
  if (file.tag ())
    add_flac (tags, file.tag ()->pictureList ());
}

void
read_mp4 (SyrinxTags *tags, TagLib::IOStream *stream)
{
  TagLib::MP4::File file (stream, false);

  add_properties (tags, file.properties ());
  add_mp4 (tags, file.tag ());
}

void
read_asf (SyrinxTags *tags, TagLib::IOStream *stream)
{
  TagLib::ASF::File file (stream, false);

  add_properties (tags, file.properties ());
  add_asf (tags, file.tag ());
}

void
read_wav (SyrinxTags *tags, TagLib::IOStream *stream)
{
  TagLib::RIFF::WAV::File file (stream, false);

  add_properties (tags, file.properties ());
  if (file.hasInfoTag ())
    add_properties (tags, file.InfoTag ()->properties ());
  add_id3v2 (tags, file.hasID3v2Tag () ? file.ID3v2Tag () : nullptr);
}

void
read_aiff (SyrinxTags *tags, TagLib::IOStream *stream)
{
  TagLib::RIFF::AIFF::File file (stream, false);

  add_properties (tags, file.properties ());
  add_id3v2 (tags, file.hasID3v2Tag () ? file.tag () : nullptr);
}

template <class File>
void
read_with_ape (SyrinxTags *tags, TagLib::IOStream *stream)
{
  File file (stream, false);

  add_properties (tags, file.properties ());
  add_ape (tags, file.hasAPETag () ? file.APETag () : nullptr);
}

void
read_tta (SyrinxTags *tags, TagLib::IOStream *stream)
{
  TagLib::TrueAudio::File file (
      stream, TagLib::ID3v2::FrameFactory::instance (), false);

  add_properties (tags, file.properties ());
  add_id3v2 (tags, file.hasID3v2Tag () ? file.ID3v2Tag () : nullptr);
}

struct Kind
{
  const char *demuxer, *codec; /* codec "": any */
  void (*read) (SyrinxTags *tags, TagLib::IOStream *stream);
};

const Kind kinds[] = { { "mp3", "", read_mpeg }, { "aac", "", read_mpeg },
  { "ac3", "", read_mpeg }, { "eac3", "", read_mpeg }, { "dts", "", read_mpeg },
  { "flac", "", read_flac },
  { "ogg", "vorbis", read_ogg<TagLib::Ogg::Vorbis::File> },
  { "ogg", "opus", read_ogg<TagLib::Ogg::Opus::File> },
  { "ogg", "speex", read_ogg<TagLib::Ogg::Speex::File> },
  { "ogg", "flac", read_ogg<TagLib::Ogg::FLAC::File> }, { "mov", "", read_mp4 },
  { "asf", "", read_asf }, { "wav", "", read_wav }, { "aiff", "", read_aiff },
  { "ape", "", read_with_ape<TagLib::APE::File> },
  { "mpc", "", read_with_ape<TagLib::MPC::File> },
  { "mpc8", "", read_with_ape<TagLib::MPC::File> },
  { "wv", "", read_with_ape<TagLib::WavPack::File> }, { "tta", "", read_tta } };

void
read_kind (const Kind &kind, SyrinxTags *tags, int fd)
{
  DescriptorStream stream (fd);

  kind.read (tags, &stream);
}

} // namespace

void
syrinx_tags_read_taglib (
    SyrinxTags *tags, gint fd, const gchar *demuxer, const gchar *codec)
{
  static const InfoText info_text;

  TagLib::RIFF::Info::Tag::setStringHandler (&info_text);
  for (const Kind &kind : kinds) {
    if (std::strcmp (kind.demuxer, demuxer) != 0
        || (*kind.codec && std::strcmp (kind.codec, codec) != 0))
      continue;
    try {
      read_kind (kind, tags, fd);
    } catch (...) {
      /* tags read so far are kept */
      g_debug ("TagLib gave up");
    }
    return;
  }
}
