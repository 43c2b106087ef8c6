# SPDX-License-Identifier: LGPL-2.1-or-later
"""Files by kind: what people's libraries hold, and what each should sound like and be called."""
import os
import struct
from dataclasses import dataclass, field

import tags as t
from sound import Source, decode, ffmpeg, run

FRAME = 960  # of Opus, at 48 kHz


@dataclass
class Case:
    name: str
    source: Source = None  # None: its sound is not looked at
    renditions: tuple = ('opus-128',)
    lag: int = 48  # frames at 48 kHz by which it may be off
    longer: int = FRAME  # frames by which it may be longer or shorter
    gain: float = 1.0
    heard: object = None  # frames, in place of the source's
    columns: dict = field(default_factory=dict)  # of the index
    details: dict = field(default_factory=dict)  # of GET /v1/tracks/{id}
    is_failure: bool = False


class Maker:
    """Makes files into a library and notes what is wanted of them."""

    def __init__(self, library, folder):
        self.library, self.folder = library, folder
        self.cases = []

    def path(self, name):
        path = os.path.join(self.library, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def source(self, **words):
        return Source(self.folder, **words)

    def add(self, name, source=None, **words):
        self.cases.append(Case(name, source, **words))

    def put(self, name, data, source=None, **words):
        with open(self.path(name), 'wb') as out:
            out.write(data)
        self.add(name, source, **words)

    def encode(self, name, source, *options, **words):
        ffmpeg('-i', source.path, *options, self.path(name))
        self.add(name, source, **words)

    def get_encoded(self, source, suffix, *options):
        path = os.path.join(self.folder, 'x.' + suffix)
        ffmpeg('-i', source.path, *options, path)
        with open(path, 'rb') as made:
            return made.read()

    def get_lame(self, source, *options):
        # into a file: lame can't put the delay into the Info frame of a pipe
        path = os.path.join(self.folder, 'x.mp3')
        run('lame', '--quiet', *(options or ('-b', '128')), source.path, path)
        with open(path, 'rb') as made:
            return made.read()

    def get_opus(self, source, *options):
        return run('opusenc', '--quiet', *(options or ('--bitrate', '128')), source.path, '-')

    def get_vorbis(self, source, *options):
        return run('oggenc', '-Q', *(options or ('-q', '5')), '-o', '-', source.path)

    def get_flac(self, source, *options):
        return run('flac', '-s', '-c', *options, source.path)


# --- Where the sound begins and ends ---

def mp3(m):
    for rate in (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000):
        for channels in (1, 2):
            source = m.source(rate=rate, channels=channels, seed=rate % 97)
            m.put(f'mp3/lame-{rate}-{channels}.mp3', m.get_lame(source, '-b', '64'), source)
    for seconds in (0.2, 0.9, 2.7, 5.0):
        source = m.source(seconds=seconds, seed=9)
        for name, options in {'cbr': ('-b', '128'), 'abr': ('--abr', '150'), 'vbr': ('-V', '2')}.items():
            m.put(f'mp3/{name}-{seconds}.mp3', m.get_lame(source, *options), source)
    source = m.source(seed=3)
    m.put('mp3/320.mp3', m.get_lame(source, '-b', '320'), source)
    m.put('mp3/free-format.mp3', m.get_lame(source, '--freeformat', '-b', '400'), source)
    m.put('mp3/free-format-160.mp3', m.get_lame(source, '--freeformat', '-b', '160'), source)
    m.encode('mp3/lavc.mp3', source, '-c:a', 'libmp3lame', '-b:a', '128k')
    m.encode('mp3/lavc-vbr.mp3', source, '-c:a', 'libmp3lame', '-q:a', '3')
    # nothing tells the delay in these: as every decoder plays them
    m.put('mp3/no-info.mp3', m.get_lame(source, '-t', '-b', '128'), source, lag=1300, longer=4000)


def mp3_around(m):
    source = m.source(seed=4)
    plain = m.get_lame(source, '-b', '128')
    tag = t.id3v24(('TIT2', t.utf8('Tagged')))
    big = t.id3v24(('TIT2', t.utf8('Tagged')), t.apic(3, b'\x89PNG\r\n\x1a\n' + bytes(3000000)))
    noise = bytes((i * i * 31 + i * 7) >> 3 & 0xff for i in range(3000))
    v1 = t.id3v1('Old')
    items = t.ape(('Title', 'Ape'))
    for name, data in {
            'two-id3v2': tag + t.id3v23(('TPE1', t.latin1('x'))) + plain, 'big-id3v2': big + plain,
            'zeros-before': bytes(5000) + plain, 'junk-before': noise + plain, 'tag-zeros': tag + bytes(2048) + plain,
            'junk-behind': plain + noise, 'zeros-behind': plain + bytes(9000), 'id3v1': plain + v1,
            'ape': plain + items, 'ape-id3v1': plain + items + v1, 'lyrics3': plain + t.lyrics3() + v1,
            'all': tag + plain + items + t.lyrics3() + v1, 'riff-behind': plain + b'LIST' + struct.pack('<I', 900) + bytes(900),
    }.items():
        m.put(f'mp3-around/{name}.mp3', data, source)
    lavc = m.get_encoded(source, 'mp3', '-c:a', 'libmp3lame', '-b:a', '128k')
    m.put('mp3-around/lavc-junk-before.mp3', noise + lavc, source)
    m.put('mp3-around/misnamed.wav', plain, source)
    m.encode('mp3-around/in.mp4', source, '-c:a', 'libmp3lame', longer=1100)
    m.encode('mp3-around/in.wav', source, '-c:a', 'libmp3lame', lag=1300, longer=4000)
    cut = plain[:len(plain) * 2 // 3]
    m.put('mp3-around/cut.mp3', cut, source, heard=source.get_heard()[:int(len(source.get_heard()) * 0.66)], longer=4800)


def itunsmpb(m, source, priming, padding_of):
    data = bytearray(m.get_encoded(source, 'm4a', '-map_metadata', '-1', '-c:a', 'aac'))
    at = data.find(b'edts')
    data[at:at + 4] = b'free'
    n = len(source.samples)
    numbers = (0, priming, padding_of(n), n)
    text = ' %08X %08X %08X %016X' % numbers + ' 00000000' * 8
    return t.replace_udta(bytes(data), [t.freeform('iTunSMPB', text)])


def aac(m):
    for rate in (8000, 16000, 22050, 32000, 44100, 48000, 96000):
        source = m.source(rate=rate, seed=rate % 89)
        m.encode(f'aac/{rate}.m4a', source, '-c:a', 'aac', '-b:a', '96k', renditions=('opus-128', 'aac-128'))
    for seconds in (0.3, 1.0, 2.345, 5.0):
        source = m.source(seconds=seconds, seed=6)
        m.encode(f'aac/{seconds}.m4a', source, '-c:a', 'aac', '-b:a', '128k', renditions=('aac-128',))
    source = m.source(seconds=2, seed=8)
    m.put('aac/itunes.m4a', itunsmpb(m, source, 1024, lambda n: -(n + 1024) % 1024), source)
    mono = m.source(seconds=1.777, channels=1, seed=8)
    m.put('aac/itunes-mono.m4a', itunsmpb(m, mono, 1024, lambda n: -(n + 1024) % 1024), mono)
    for name, options in {'fast.m4a': ('-movflags', '+faststart'), 'a.m4b': (), 'a.mp4': (), 'a.mov': (), 'a.3gp': (),
                          'a.m4r': ('-f', 'ipod')}.items():
        m.encode('aac/' + name, source, '-c:a', 'aac', '-b:a', '128k', *options)
    # nothing tells the priming in these: as every decoder plays them
    for name, options in {'a.aac': (), 'fragmented.m4a': ('-movflags', '+frag_keyframe+empty_moov'), 'a.mka': ()}.items():
        m.encode('aac/' + name, source, '-c:a', 'aac', '-b:a', '128k', *options, lag=1300, longer=2700)
    m.put('aac/id3.aac', t.id3v24(('TIT2', t.utf8('Radio'))) + m.get_encoded(source, 'aac', '-c:a', 'aac'), source,
          lag=1300, longer=2700, columns={'title': 'Radio'})
    m.encode('aac/cut-in-front.m4a', source, '-c:a', 'alac', '-ss', '0')


def opus(m):
    everywhere = ('opus-128', 'opus-64', 'aac-128')
    for rate in (8000, 12000, 16000, 24000, 44100, 48000):
        for channels in (1, 2):
            source = m.source(rate=rate, channels=channels, seed=rate % 83)
            m.put(f'opus/{rate}-{channels}.opus', m.get_opus(source), source, renditions=everywhere)
    source = m.source(rate=48000, seed=5)
    for size in ('2.5', '5', '10', '20', '40', '60'):
        m.put(f'opus/frames-{size}.opus', m.get_opus(source, '--framesize', size), source)
    for kbps in (48, 96, 192, 320):
        m.put(f'opus/{kbps}.opus', m.get_opus(source, '--bitrate', str(kbps)), source, lag=60)
    plain = m.get_opus(source)
    for decibels in (-6, -3, 3):
        m.put(f'opus/gain{decibels:+}.opus', t.opus_gain(plain, decibels * 256), source, gain=10 ** (decibels / 20))
    for granules in (100, 48000, 480000, 48000 * 3600):
        m.put(f'opus/late-{granules}.opus', t.ogg_shift(plain, granules), source)
    m.put('opus/suffix.ogg', plain, source)
    m.encode('opus/a.webm', source, '-c:a', 'libopus')
    m.encode('opus/a.mka', source, '-c:a', 'libopus')
    m.encode('opus/a.mp4', source, '-c:a', 'libopus', '-strict', '-2')
    two, heard = m.source(rate=48000, seed=55), None
    heard = list(source.get_heard()) + list(two.get_heard())
    for name, encode in {'opus': m.get_opus, 'vorbis': m.get_vorbis}.items():
        m.put(f'chained/{name}.ogg', encode(source) + encode(two), source, heard=heard)
    other = m.source(rate=24000, seed=56)
    heard = list(source.get_heard()) + list(other.get_heard())
    m.put('chained/two-rates.opus', m.get_opus(source) + m.get_opus(other), source, heard=heard)
    m.put('chained/two-rates.ogg', m.get_vorbis(source) + m.get_vorbis(other), source, heard=heard, longer=1500)
    mono = m.source(rate=48000, channels=1, seed=57)
    heard = list(source.get_heard()) + list(mono.get_heard())
    m.put('chained/stereo-mono.opus', m.get_opus(source) + m.get_opus(mono), source, heard=heard)
    m.put('chained/mono-stereo.opus', m.get_opus(mono) + m.get_opus(source), source,
          heard=list(mono.get_heard()) + [[sum(x) / 2] * 2 for x in source.get_heard()])


def vorbis(m):
    for rate in (8000, 11025, 16000, 22050, 32000, 44100, 48000, 96000):
        source = m.source(rate=rate, seed=rate % 79)
        m.put(f'vorbis/{rate}.ogg', m.get_vorbis(source), source)
    for quality in (-1, 2, 8):
        source = m.source(channels=1, seed=7)
        m.put(f'vorbis/q{quality}.ogg', m.get_vorbis(source, '-q', str(quality)), source)
    source = m.source(seconds=2.5, seed=7)
    m.put('vorbis/late.ogg', t.ogg_shift(m.get_vorbis(source), 441000), source)
    m.encode('vorbis/a.webm', source, '-c:a', 'libvorbis')
    m.encode('vorbis/a.oga', source, '-c:a', 'libvorbis')
    plain = m.get_vorbis(source)
    m.put('vorbis/cut.ogg', plain[:len(plain) * 2 // 3], source,
          heard=source.get_heard()[:int(len(source.get_heard()) * 0.66)], longer=24000)


def flac(m):
    source = m.source(seconds=2.2, seed=11)
    for size in (16, 192, 576, 1000, 1152, 4096, 4608, 16384, 32768, 65535):
        m.put(f'flac/block-{size}.flac', m.get_flac(source, '-b', str(size), '--lax'), source)
    for rate in (8000, 22050, 32000, 48000, 88200, 96000, 176400, 192000):
        other = m.source(rate=rate, seed=rate % 73)
        m.put(f'flac/{rate}.flac', m.get_flac(other, '--lax'), other)
    raw = source.get_pcm16()
    force = ('--force-raw-format', '--endian=little', '--sign=signed', '--channels=2', '--sample-rate=44100', '--lax')
    values = (source.samples * 0.999)
    for bits in (8, 16, 24, 32):
        width = (bits + 7) // 8
        whole = (values * (2 ** (bits - 1) - 1)).astype('<i8')
        data = whole.tobytes()
        packed = b''.join(data[i:i + width] for i in range(0, len(data), 8))
        made = run('flac', '-s', '-c', *force, f'--bps={bits}', '-', stdin=packed)
        m.put(f'flac/bits-{bits}.flac', made, source, renditions=('opus-128', 'aac-128'))
    plain = m.get_flac(source)
    m.put('flac/id3.flac', t.id3v24(('TIT2', t.utf8('Stray'))) + plain, source)
    m.put('flac/id3-id3v1.flac', t.id3v23(('TIT2', t.latin1('Stray'))) + plain + t.id3v1('Stray'), source)
    m.put('flac/a.oga', run('flac', '-s', '-c', '--ogg', source.path), source)
    m.put('flac/no-total.flac', run('flac', '-s', '-c', *force, '--bps=16', '-', stdin=raw), source)
    m.put('flac/cut.flac', plain[:len(plain) * 2 // 3], source,
          heard=source.get_heard()[:int(len(source.get_heard()) * 0.66)], longer=9000)
    middle = len(plain) // 2
    m.put('flac/damaged.flac', plain[:middle] + bytes(20000) + plain[middle + 20000:], source)
    m.encode('flac/a.mka', source, '-c:a', 'flac')
    m.encode('flac/a.mp4', source, '-c:a', 'flac', '-strict', '-2')


def wav(m):
    source = m.source(seconds=1.1, rate=48000, channels=1, seed=12)
    eight = ((source.samples[:, 0] * 127) + 128).astype('u1').tobytes()
    sixteen = source.get_pcm16()
    head8, head16 = t.wave_format(1, 48000, 8), t.wave_format(1, 48000, 16)
    both = ('opus-128', 'aac-128')
    for name, data in {
            'eight': t.riff(head8, t.chunk(b'data', eight)), 'odd': t.riff(head8, t.chunk(b'data', eight[:-1])),
            'odd-no-pad': t.riff(head8, t.chunk(b'data', eight[:-1], pad=False)),
            'stray-byte': t.riff(head16, t.chunk(b'data', sixteen)) + b'\0',
            'stray-bytes': t.riff(head16, t.chunk(b'data', sixteen)) + b'abcdefg',
            'list-behind': t.riff(head16, t.chunk(b'data', sixteen), t.info(INAM=b'Behind')),
            'list-before': t.riff(head16, t.info(INAM=b'Before'), t.chunk(b'data', sixteen)),
            'unknown-size': t.riff(head16, b'data' + b'\xff\xff\xff\xff' + sixteen),
            'zero-size': t.riff(head16, b'data' + bytes(4) + sixteen),
            'junk-chunk': t.riff(t.chunk(b'JUNK', bytes(27)), head16, t.chunk(b'data', sixteen)),
    }.items():
        m.put(f'wav/{name}.wav', data, source, renditions=both)
    stereo = m.source(seed=13)
    for codec in ('pcm_s16le', 'pcm_s24le', 'pcm_s32le', 'pcm_f32le', 'pcm_f64le', 'pcm_u8', 'pcm_alaw', 'pcm_mulaw'):
        m.encode(f'wav/{codec}.wav', stereo, '-c:a', codec, renditions=both)
    for codec in ('adpcm_ms', 'adpcm_ima_wav'):
        m.encode(f'wav/{codec}.wav', stereo, '-c:a', codec, longer=2300)
    for rate in (8000, 11025, 37800, 96000, 192000):
        other = m.source(rate=rate, seed=rate % 71)
        m.encode(f'wav/{rate}.wav', other, renditions=both)
    whole = t.riff(head16, t.chunk(b'data', sixteen))
    m.put('wav/cut.wav', whole[:len(whole) * 2 // 3], source, heard=source.get_heard()[:len(source.get_heard()) * 2 // 3])


def surround(m):
    # a WAV file has no layout: ffmpeg's default for the number is what is heard
    five = m.source(rate=48000, channels=6, seed=26)
    made = {'6.ac3': (five, '-c:a', 'ac3', '-b:a', '448k'), '6.eac3': (five, '-c:a', 'eac3', '-b:a', '448k'),
            '6.dts': (five, '-c:a', 'dca', '-strict', '-2', '-b:a', '768k'),
            '6.opus': (five, '-c:a', 'libopus', '-mapping_family', '1', '-b:a', '256k'),
            '6.mka': (five, '-c:a', 'ac3', '-b:a', '448k')}
    for channels in (3, 4, 5, 6, 8):
        source = m.source(rate=48000, channels=channels, seed=20 + channels)
        for suffix, options in {'flac': (), 'wav': (), 'm4a': ('-c:a', 'aac', '-b:a', '384k'), 'ogg': ('-c:a', 'libvorbis', '-q:a', '6'),
                                'wv': ('-c:a', 'wavpack')}.items():
            made[f'{channels}.{suffix}'] = (source, *options)
    for name, (source, *options) in made.items():
        ffmpeg('-i', source.path, *options, m.path('surround/' + name))
        m.add('surround/' + name, source, heard=decode(path=m.path('surround/' + name)), renditions=('opus-128', 'aac-128'))


def formats(m):
    source = m.source(seconds=1.5, seed=30)
    exact = {'a.aiff': (), 'a.aifc': ('-f', 'aiff', '-c:a', 'pcm_mulaw'), 'alaw.aif': ('-c:a', 'pcm_alaw'), 'a.caf': (), 'alac.caf': ('-c:a', 'alac'),
             'a.w64': (), 'a.au': (), 'mulaw.au': ('-c:a', 'pcm_mulaw'), 'a.tta': (), 'a.wv': ('-c:a', 'wavpack'), 'alac.m4a': ('-c:a', 'alac'),
             'alac24.m4a': ('-c:a', 'alac', '-sample_fmt', 's32p'), 'pcm.mov': ('-c:a', 'pcm_s16le'), 'pcm.mka': ('-c:a', 'pcm_s16le'),
             'tta.mka': ('-c:a', 'tta'), 'wv.mka': ('-c:a', 'wavpack'), 'alac.mka': ('-c:a', 'alac')}
    for name, options in exact.items():
        m.encode('formats/' + name, source, *options)
    # what these put before the sound is in no head: as ffmpeg plays them
    played = {'a.wma': ('-c:a', 'wmav2', '-b:a', '128k'), 'v1.wma': ('-c:a', 'wmav1', '-b:a', '128k'), 'a.mp2': ('-c:a', 'mp2', '-b:a', '192k'),
              'a.ac3': ('-c:a', 'ac3'), 'a.eac3': ('-c:a', 'eac3'), 'a.spx': ('-c:a', 'libspeex', '-ar', '32000'),
              'mp3.mka': ('-c:a', 'libmp3lame'), 'mp3.mkv': ('-c:a', 'libmp3lame'), 'qt.mov': ('-c:a', 'adpcm_ima_qt'), 'a.avi': ('-c:a', 'libmp3lame'),
              'a.flv': ('-c:a', 'libmp3lame'), 'a.ogx': ('-f', 'ogg', '-c:a', 'libvorbis')}
    for name, options in played.items():
        ffmpeg('-i', source.path, *options, m.path('formats/' + name))
        m.add('formats/' + name, source, heard=decode(path=m.path('formats/' + name)), longer=2400)
    ffmpeg('-f', 'lavfi', '-i', 'testsrc=size=64x48:rate=10', '-i', source.path, '-shortest', '-c:v', 'mpeg4', '-c:a', 'aac', m.path('formats/video.mp4'))
    m.add('formats/video.mp4', source, longer=3000)
    ffmpeg('-f', 'lavfi', '-i', 'testsrc=size=64x48:rate=10', '-i', source.path, '-shortest', '-c:v', 'mpeg4', '-c:a', 'flac', m.path('formats/video.mkv'))
    m.add('formats/video.mkv', source, longer=3000)
    dsf(m, source)


def dsf(m, source):
    """One bit at 2.8 MHz, by a modulator of the second order."""
    import numpy as np
    rate, times = 44100 * 64, 64
    mono = np.repeat(source.samples[:22050, 0], times)
    bits = np.zeros(len(mono), dtype=np.uint8)
    first = second = 0.0
    for i, x in enumerate(mono * 0.5):
        y = 1.0 if second >= 0 else -1.0
        first += x - y
        second += first - y
        bits[i] = y > 0
    packed = np.packbits(bits, bitorder='little').tobytes()
    packed += bytes(-len(packed) % 4096)
    head = b'DSD ' + struct.pack('<QQQ', 28, 28 + 52 + 12 + len(packed), 0)
    form = b'fmt ' + struct.pack('<QIIIIIIQII', 52, 1, 0, 1, 1, rate, 1, len(bits), 4096, 0)
    with open(m.path('formats/a.dsf'), 'wb') as out:
        out.write(head + form + b'data' + struct.pack('<Q', 12 + len(packed)) + packed)
    m.add('formats/a.dsf', source, heard=decode(path=m.path('formats/a.dsf')))


# --- What it is called ---

PNG = b'\x89PNG\r\n\x1a\n' + bytes(range(200))
GERMAN = {'title': 'Für Élise', 'artist': 'Jörg Müller', 'album': 'Größe'}


def tag_texts(m):
    source = m.source(seconds=0.5, rate=22050, channels=1, seed=40)
    mp3_bytes = m.get_lame(source, '-b', '32')
    names = ('TIT2', 'TPE1', 'TALB')
    values = (GERMAN['title'], GERMAN['artist'], GERMAN['album'])
    for code, encode in {'latin1': t.latin1, 'utf16': t.utf16}.items():
        frames = [(name, encode(value)) for name, value in zip(names, values)]
        m.put(f'tags/v23-{code}.mp3', t.id3v23(*frames) + mp3_bytes, columns=GERMAN)
        m.put(f'tags/v23-{code}-compressed.mp3', t.id3v23_compressed(*frames) + mp3_bytes, columns=GERMAN)
        m.put(f'tags/v23-{code}-unsynchronised.mp3', t.id3v23_unsynchronised(*frames) + mp3_bytes, columns=GERMAN)
        short = [(name, encode(value)) for name, value in zip(('TT2', 'TP1', 'TAL'), values)]
        m.put(f'tags/v22-{code}.mp3', t.id3v22(*short) + mp3_bytes, columns=GERMAN)
    for code, encode in {'latin1': t.latin1, 'utf16': t.utf16, 'utf16be': t.utf16be, 'utf8': t.utf8}.items():
        frames = [(name, encode(value)) for name, value in zip(names, values)]
        m.put(f'tags/v24-{code}.mp3', t.id3v24(*frames) + mp3_bytes, columns=GERMAN)
        m.put(f'tags/v24-{code}-unsynchronised.mp3', t.id3v24_unsynchronised(*frames) + mp3_bytes, columns=GERMAN)
    m.put('tags/v1.mp3', mp3_bytes + t.id3v1(*values, year='1987', track=5), columns=dict(GERMAN, year=1987, track_number=5))
    m.put('tags/y-umlauts.mp3', t.id3v24_unsynchronised(('TIT2', t.latin1('ÿÿà')), ('TPE1', t.utf16('ÿþ'))) + mp3_bytes,
          columns={'title': 'ÿÿà', 'artist': 'ÿþ'})
    items = (('Title', 'Ape Title'), ('Artist', 'Ape Artist'), ('Album', 'Ape Album'), ('Year', '2001'), ('Track', '6/10'),
             ('Album Artist', 'Ape AA'), ('Disc', '2/3'))
    wanted = {'title': 'Ape Title', 'artist': 'Ape Artist', 'album': 'Ape Album', 'year': 2001, 'track_number': 6, 'n_tracks': 10,
              'album_artist': 'Ape AA', 'disc_number': 2, 'n_discs': 3}
    m.put('tags/ape.mp3', mp3_bytes + t.ape(*items), columns=wanted)
    m.put('tags/ape-v1.mp3', mp3_bytes + t.ape(*items) + t.id3v1('v1 title', 'v1 artist', 'v1 album', '1990'), columns=wanted)
    m.put('tags/v2-ape.mp3', t.id3v24(('TIT2', t.utf8('First'))) + mp3_bytes + t.ape(*items), columns={'title': 'First'})
    wv = m.get_encoded(source, 'wv', '-c:a', 'wavpack')
    m.put('tags/ape.wv', wv + t.ape(*items), columns=wanted)
    pcm = t.chunk(b'data', source.get_pcm16())
    head = t.wave_format(1, 22050, 16)
    m.put('tags/info-latin1.wav', t.riff(head, t.info(INAM='Größe'.encode('latin-1'), IART='Jörg'.encode('latin-1')), pcm),
          columns={'title': 'Größe', 'artist': 'Jörg'})
    m.put('tags/info-utf8.wav', t.riff(head, pcm, t.info(INAM='Größe 東京'.encode(), ICRD=b'1999')), columns={'title': 'Größe 東京', 'year': 1999})
    m.put('tags/id3.wav', t.riff(head, pcm, t.chunk(b'id3 ', t.id3v24(('TIT2', t.utf8('Élan')), ('TPE1', t.utf8('Né'))))),
          columns={'title': 'Élan', 'artist': 'Né'})


def tag_years(m):
    source = m.source(seconds=0.5, rate=8000, channels=1, seed=41)
    plain = m.get_flac(source)
    texts = {'iso': ('2004-05-06', 2004), 'slash': ('2004/05/06', 2004), 'german': ('06.05.2004', 2004), 'words': ('May 2004', 2004),
             'us': ('Oct 3, 1995', 1995), 'range': ('2004-2006', 2004), 'month13': ('2004-13-45', 2004), 'blank': (' 2004', 2004),
             'none': ('0000', 0), 'digits': ('20040506', 2004), 'copyright': ('© 1978', 1978)}
    for name, (text, year) in texts.items():
        path = m.path(f'years/{name}.flac')
        with open(path, 'wb') as out:
            out.write(plain)
        run('metaflac', f'--set-tag=DATE={text}', f'--set-tag=TITLE={name}', path)
        m.add(f'years/{name}.flac', columns={'year': year, 'title': name})
    path = m.path('years/original.flac')
    with open(path, 'wb') as out:
        out.write(plain)
    run('metaflac', '--set-tag=DATE=2009', '--set-tag=ORIGINALDATE=1969-09-26', path)
    m.add('years/original.flac', columns={'year': 2009, 'original_year': 1969})
    mp3_bytes = m.get_lame(source, '-b', '16')
    m.put('years/tyer.mp3', t.id3v23(('TYER', t.latin1('1983')), ('TORY', t.latin1('1961'))) + mp3_bytes,
          columns={'year': 1983, 'original_year': 1961})
    m.put('years/tdrc.mp3', t.id3v24(('TDRC', t.utf8('1983-04-01')), ('TDOR', t.utf8('1961'))) + mp3_bytes,
          columns={'year': 1983, 'original_year': 1961})


MB = '%08x-1111-4222-8333-444444444444'


def tag_sets(m):
    """The same in each form: every value, numbers with totals, sort names, gains."""
    source = m.source(seconds=0.5, rate=22050, channels=1, seed=42)
    columns = {'title': 'Trio', 'album': 'Duo', 'artist': 'Eva Drei, Fritz Vier', 'album_artist': 'Alle', 'genre': 'Jazz', 'track_number': 7,
               'n_tracks': 12, 'disc_number': 2, 'n_discs': 3, 'year': 1999, 'is_compilation': 1, 'mb_release_id': MB % 2}
    gains = {'gain_db': -7.5, 'peak': 0.5}
    vorbis_tags = [('TITLE', 'Trio'), ('ALBUM', 'Duo'), ('ARTIST', 'Eva Drei'), ('ARTIST', 'Fritz Vier'), ('ALBUMARTIST', 'Alle'), ('GENRE', 'Jazz'),
                   ('TRACKNUMBER', '7'), ('TRACKTOTAL', '12'), ('DISCNUMBER', '2'), ('DISCTOTAL', '3'), ('DATE', '1999'), ('COMPILATION', '1'),
                   ('MUSICBRAINZ_ALBUMID', MB % 2), ('REPLAYGAIN_TRACK_GAIN', '-7.50 dB'), ('REPLAYGAIN_TRACK_PEAK', '0.5')]
    path = m.path('sets/a.flac')
    with open(path, 'wb') as out:
        out.write(m.get_flac(source))
    run('metaflac', *(f'--set-tag={name}={value}' for name, value in vorbis_tags), path)
    m.add('sets/a.flac', columns=dict(columns, **gains))
    comments = [word for name, value in vorbis_tags for word in ('--comment', f'{name}={value}')]
    m.put('sets/a.opus', m.get_opus(source, *comments), columns=dict(columns, **gains))
    m.put('sets/r128.opus', m.get_opus(source, '--comment', 'R128_TRACK_GAIN=-3200'), columns={'gain_db': -7.5})
    m.put('sets/a.ogg', m.get_vorbis(source, '-q', '2', *(word for name, value in vorbis_tags for word in ('-c', f'{name}={value}'))),
          columns=dict(columns, **gains))
    frames = (('TIT2', t.utf8('Trio')), ('TALB', t.utf8('Duo')), ('TPE1', t.utf8('Eva Drei\0Fritz Vier')), ('TPE2', t.utf8('Alle')), ('TCON', t.utf8('Jazz')),
              ('TRCK', t.utf8('7/12')), ('TPOS', t.utf8('2/3')), ('TDRC', t.utf8('1999')), ('TCMP', t.utf8('1')), t.txxx('MusicBrainz Album Id', MB % 2),
              t.txxx('replaygain_track_gain', '-7.50 dB'), t.txxx('REPLAYGAIN_TRACK_PEAK', '0.5'))
    mp3_bytes = m.get_lame(source, '-b', '32')
    m.put('sets/a.mp3', t.id3v24(*frames) + mp3_bytes, columns=dict(columns, **gains))
    m.put('sets/id3.aiff', with_aiff_id3(m.get_encoded(source, 'aiff'), t.id3v24(*frames)), columns=dict(columns, **gains))
    ape_items = (('Title', 'Trio'), ('Album', 'Duo'), ('Artist', 'Eva Drei\0Fritz Vier'), ('Album Artist', 'Alle'), ('Genre', 'Jazz'), ('Track', '7/12'),
                 ('Disc', '2/3'), ('Year', '1999'), ('Compilation', '1'), ('MUSICBRAINZ_ALBUMID', MB % 2), ('REPLAYGAIN_TRACK_GAIN', '-7.50 dB'),
                 ('REPLAYGAIN_TRACK_PEAK', '0.5'))
    m.put('sets/a.wv', m.get_encoded(source, 'wv', '-c:a', 'wavpack') + t.ape(*ape_items), columns=dict(columns, **gains))
    mp4_items = [t.text_item(b'\xa9nam', 'Trio'), t.text_item(b'\xa9alb', 'Duo'), t.text_item(b'\xa9ART', 'Eva Drei', 'Fritz Vier'), t.text_item(b'aART', 'Alle'),
                 t.text_item(b'\xa9gen', 'Jazz'), t.pair_item(b'trkn', 7, 12), t.pair_item(b'disk', 2, 3), t.text_item(b'\xa9day', '1999-01-01'),
                 t.box(b'cpil', t.box(b'data', struct.pack('>II', 21, 0) + b'\1')), t.freeform('MusicBrainz Album Id', MB % 2),
                 t.freeform('replaygain_track_gain', '-7.50 dB'), t.freeform('replaygain_track_peak', '0.5')]
    m4a = m.get_encoded(source, 'm4a', '-c:a', 'aac', '-map_metadata', '-1')
    m.put('sets/a.m4a', t.replace_udta(m4a, mp4_items), columns=dict(columns, **gains))
    m.put('sets/no-version.m4a', t.replace_udta(m4a, mp4_items, has_version=False), columns={'title': 'Trio', 'album': 'Duo', 'track_number': 7})
    ffmpeg('-i', source.path, '-metadata', 'title=Trio', '-metadata', 'artist=Eva Drei', '-metadata', 'album=Duo', '-metadata', 'album_artist=Alle',
           '-metadata', 'genre=Jazz', '-metadata', 'track=7', '-metadata', 'date=1999', m.path('sets/a.wma'))
    some = {'title': 'Trio', 'artist': 'Eva Drei', 'album': 'Duo', 'album_artist': 'Alle', 'genre': 'Jazz', 'track_number': 7, 'year': 1999}
    m.add('sets/a.wma', columns=some)
    for name in ('a.mka', 'a.webm', 'a.caf'):
        options = ('-c:a', 'libopus') if name != 'a.caf' else ()
        ffmpeg('-i', source.path, *options, '-metadata', 'title=Trio', '-metadata', 'artist=Eva Drei', '-metadata', 'album=Duo', m.path('sets/' + name))
        m.add('sets/' + name, columns={'title': 'Trio', 'artist': 'Eva Drei', 'album': 'Duo'})


def with_aiff_id3(data, tag):
    body = data[8:] + b'ID3 ' + struct.pack('>I', len(tag)) + tag + (b'\0' if len(tag) & 1 else b'')
    return b'FORM' + struct.pack('>I', len(body)) + body


def covers(m):
    source = m.source(seconds=0.5, rate=22050, channels=1, seed=43)
    mp3_bytes = m.get_lame(source, '-b', '32')
    jpeg = b'\xff\xd8\xff\xe0' + bytes(range(200))
    gif = b'GIF89a' + bytes(range(200))
    webp = b'RIFF' + struct.pack('<I', 204) + b'WEBP' + bytes(range(200))
    for name, frames, kind in (('png', [t.apic(3, PNG)], 'image/png'), ('jpeg', [t.apic(3, jpeg, 'image/jpeg')], 'image/jpeg'),
                               ('gif', [t.apic(0, gif, 'image/gif')], 'image/gif'), ('webp', [t.apic(3, webp, 'image/webp')], 'image/webp'),
                               ('lying', [t.apic(3, jpeg, 'image/png')], 'image/jpeg'),
                               ('back-first', [t.apic(4, PNG), t.apic(3, jpeg)], 'image/jpeg'),
                               ('icon-first', [t.apic(1, PNG), t.apic(0, jpeg)], 'image/jpeg'),
                               ('link-first', [t.apic(3, b'http://example.org/x.png', '-->'), t.apic(0, jpeg)], 'image/jpeg')):
        m.put(f'covers/{name}/a.mp3', t.id3v24(*frames) + mp3_bytes, columns={'artwork_type': kind})
    m.put('covers/ape/a.mp3', mp3_bytes + t.ape(('Cover Art (Front)', b'cover.png\0' + PNG)), columns={'artwork_type': 'image/png'})
    cover = t.box(b'covr', t.box(b'data', struct.pack('>II', 14, 0) + PNG))
    m4a = m.get_encoded(source, 'm4a', '-c:a', 'aac', '-map_metadata', '-1')
    m.put('covers/mp4/a.m4a', t.replace_udta(m4a, [cover]), columns={'artwork_type': 'image/png'})
    for i, (name, data, kind) in enumerate((('cover.jpg', jpeg, 'image/jpeg'), ('Folder.PNG', PNG, 'image/png'), ('front.gif', gif, 'image/gif'),
                                            ('cover.webp', webp, 'image/webp'))):
        with open(m.path(f'covers/beside{i}/' + name), 'wb') as out:
            out.write(data)
        m.put(f'covers/beside{i}/a.mp3', mp3_bytes, columns={'artwork_type': kind})
    with open(m.path('covers/both/cover.jpg'), 'wb') as out:
        out.write(jpeg)
    m.put('covers/both/a.mp3', t.id3v24(t.apic(3, PNG)) + mp3_bytes, columns={'artwork_type': 'image/png'})


CHAPTERS = [(0.0, 'One'), (0.5, 'Zwei'), (1.25, '三')]


def chapters(m):
    source = m.source(seconds=2, rate=44100, seed=60)
    text = ';FFMETADATA1\n'
    starts = [int(start * 1000) for start, _ in CHAPTERS] + [2000]
    for i, (_, title) in enumerate(CHAPTERS):
        text += f'[CHAPTER]\nTIMEBASE=1/1000\nSTART={starts[i]}\nEND={starts[i + 1]}\ntitle={title}\n'
    path = os.path.join(m.folder, 'chapters.txt')
    with open(path, 'w', encoding='utf8') as out:
        out.write(text)
    wanted = {'chapters': CHAPTERS}
    for name, options in {'a.m4b': ('-c:a', 'aac'), 'a.mka': ('-c:a', 'libopus'), 'a.mkv': ('-c:a', 'flac')}.items():
        ffmpeg('-i', source.path, '-i', path, '-map_metadata', '1', '-map_chapters', '1', *options, m.path('chapters/' + name))
        m.add('chapters/' + name, source, details=wanted, longer=1200)
    comments = []
    for i, (start, title) in enumerate(CHAPTERS, 1):
        comments += ['--comment', f'CHAPTER{i:03}=00:00:{start:06.3f}', '--comment', f'CHAPTER{i:03}NAME={title}']
    m.put('chapters/a.opus', m.get_opus(source, *comments), details=wanted)
    m.put('chapters/a.ogg', m.get_vorbis(source, '-q', '2', *('-c' if word == '--comment' else word for word in comments)), details=wanted)
    frames = [t.chap(f'c{i}', starts[i], starts[i + 1], title) for i, (_, title) in enumerate(CHAPTERS)]
    m.put('chapters/a.mp3', t.id3v24(*frames) + m.get_lame(source, '-b', '64'), details=wanted)


def lyrics(m):
    source = m.source(seconds=0.5, rate=22050, channels=1, seed=61)
    mp3_bytes = m.get_lame(source, '-b', '32')
    plain = 'Erste Zeile\nZweite Zeile'
    timed = '[00:00.10]Erste Zeile\n[00:00.30]Zweite Zeile'
    m.put('lyrics/uslt.mp3', t.id3v24(('USLT', b'\3eng\0' + plain.encode())) + mp3_bytes, details={'lyrics': plain})
    m.put('lyrics/sylt.mp3', t.id3v24(t.sylt((100, 'Erste Zeile'), (300, 'Zweite Zeile'))) + mp3_bytes,
          details={'lyrics': plain, 'synced_lyrics': timed})
    m.put('lyrics/lrc.opus', m.get_opus(source, '--comment', 'LYRICS=' + timed), details={'lyrics': plain, 'synced_lyrics': timed})
    m4a = m.get_encoded(source, 'm4a', '-c:a', 'aac', '-map_metadata', '-1')
    m.put('lyrics/a.m4a', t.replace_udta(m4a, [t.text_item(b'\xa9lyr', plain)]), details={'lyrics': plain})


def refused(m):
    source = m.source(seconds=0.5, seed=50)
    plain = m.get_flac(source)
    for name, data in {'text.mp3': b'#EXTM3U\nhttp://127.0.0.1:1/x.mp3\n', 'noise.ogg': bytes((i * i * 131 + i * 17) >> 4 & 255 for i in range(50000)),
                       'empty.mp3': b'', 'head.flac': plain[:60], 'concat.mp3': b'ffconcat version 1.0\nfile /etc/passwd\n',
                       'picture.mp3': PNG, 'sdp.mp4': b'v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nm=audio 5004 RTP/AVP 96\r\n'}.items():
        m.put('refused/' + name, data, is_failure=True)


ALL = (mp3, mp3_around, aac, opus, vorbis, flac, wav, surround, formats, tag_texts, tag_years, tag_sets, covers, chapters, lyrics, refused)
