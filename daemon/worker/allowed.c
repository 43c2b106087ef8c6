/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The allow-lists. */
#include "allowed.h"

#include <libavutil/avstring.h>

#include <string.h>

const gchar syrinx_allowed_demuxers[]
    = "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,dts,dtshd,eac3,flac,flv,"
      "matroska,mlp,mov,mp3,mpc,mpc8,mpeg,mpegts,ogg,tak,truehd,tta,w64,wav,wv";

const gchar syrinx_allowed_decoders[]
    = "aac,aac_latm,ac3,alac,amrnb,amrwb,ape,dca,dsd_lsbf,dsd_lsbf_planar,"
      "dsd_msbf,dsd_msbf_planar,eac3,flac,gsm,gsm_ms,libopus,libspeex,mlp,"
      "mp1float,mp2float,mp3float,mpc7,mpc8,nellymoser,tak,truehd,tta,vorbis,"
      "wavpack,wmalossless,wmapro,wmav1,wmav2,wmavoice,"
      "adpcm_ima_qt,adpcm_ima_wav,adpcm_ms,adpcm_swf,adpcm_yamaha,g722,g726,"
      "pcm_alaw,pcm_bluray,pcm_dvd,pcm_f32be,pcm_f32le,pcm_f64be,pcm_f64le,"
      "pcm_lxf,pcm_mulaw,pcm_s16be,pcm_s16be_planar,pcm_s16le,"
      "pcm_s16le_planar,pcm_s24be,pcm_s24le,pcm_s24le_planar,pcm_s32be,"
      "pcm_s32le,pcm_s32le_planar,pcm_s8,pcm_s8_planar,pcm_u16be,pcm_u16le,"
      "pcm_u24be,pcm_u24le,pcm_u32be,pcm_u32le,pcm_u8";

static const struct
{
  const gchar *prefix, *name; /* prefix of avcodec_get_name() */
} names[] = { { "aac", "aac" }, { "ac3", "ac3" }, { "adpcm_", "adpcm" },
  { "alac", "alac" }, { "amr", "amr" }, { "ape", "ape" }, { "dsd_", "dsd" },
  { "dts", "dts" }, { "eac3", "eac3" }, { "flac", "flac" }, { "gsm", "gsm" },
  { "mlp", "truehd" }, { "mp1", "mp1" }, { "mp2", "mp2" }, { "mp3", "mp3" },
  { "musepack", "musepack" }, { "opus", "opus" }, { "pcm_", "pcm" },
  { "speex", "speex" }, { "tak", "tak" }, { "truehd", "truehd" },
  { "tta", "tta" }, { "vorbis", "vorbis" }, { "wavpack", "wavpack" },
  { "wma", "wma" } };

const AVCodec *
syrinx_allowed_find_decoder (enum AVCodecID id)
{
  gpointer state = NULL;
  const AVCodec *codec;

  while ((codec = av_codec_iterate (&state)))
    if (codec->id == id && av_codec_is_decoder (codec)
        && av_match_list (codec->name, syrinx_allowed_decoders, ',') > 0)
      return codec;
  return NULL;
}

const gchar *
syrinx_allowed_get_name (enum AVCodecID id)
{
  const gchar *name = avcodec_get_name (id);

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_str_has_prefix (name, names[i].prefix))
      return names[i].name;
  return "other";
}
