# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tags byte by byte, in forms that no tagger of today writes."""
import struct
import zlib


def synchsafe(n):
    return bytes([n >> 21 & 127, n >> 14 & 127, n >> 7 & 127, n & 127])


def latin1(text):
    return b'\0' + text.encode('latin-1')


def utf16(text):
    return b'\1' + text.encode('utf-16')


def utf16be(text):
    return b'\2' + text.encode('utf-16-be')


def utf8(text):
    return b'\3' + text.encode()


def txxx(name, value):
    return 'TXXX', utf8(name + '\0' + value)


def id3v22(*frames):
    body = b''.join(name.encode() + struct.pack('>I', len(data))[1:] + data for name, data in frames)
    return b'ID3\2\0\0' + synchsafe(len(body)) + body


def id3v23(*frames, flags=0):
    body = b''.join(name.encode() + struct.pack('>IH', len(data), 0) + data for name, data in frames)
    return b'ID3\3\0' + bytes([flags]) + synchsafe(len(body)) + body


def id3v24(*frames, flags=0):
    body = b''.join(name.encode() + synchsafe(len(data)) + b'\0\0' + data for name, data in frames)
    return b'ID3\4\0' + bytes([flags]) + synchsafe(len(body)) + body


def id3v23_compressed(*frames):
    body = b''
    for name, data in frames:
        packed = struct.pack('>I', len(data)) + zlib.compress(data)
        body += name.encode() + struct.pack('>IH', len(packed), 0x80) + packed
    return b'ID3\3\0\0' + synchsafe(len(body)) + body


def unsynchronise(data):
    out = b''
    for i, byte in enumerate(data):
        out += bytes([byte])
        following = data[i + 1] if i + 1 < len(data) else 0
        if byte == 0xff and (following >= 0xe0 or following == 0):
            out += b'\0'
    return out


def id3v23_unsynchronised(*frames):
    body = unsynchronise(id3v23(*frames)[10:])
    return b'ID3\3\0\x80' + synchsafe(len(body)) + body


def id3v24_unsynchronised(*frames):
    body = b''
    for name, data in frames:
        packed = synchsafe(len(data)) + unsynchronise(data)
        body += name.encode() + synchsafe(len(packed)) + b'\0\3' + packed
    return b'ID3\4\0\x80' + synchsafe(len(body)) + body


def id3v1(title, artist='', album='', year='', track=None):
    field = lambda text, n: text.encode('latin-1')[:n].ljust(n, b'\0')
    comment = bytes(28) + b'\0' + bytes([track]) if track else bytes(30)
    return b'TAG' + field(title, 30) + field(artist, 30) + field(album, 30) + field(year, 4) + comment + b'\x11'


def apic(kind, data, mime='image/png'):
    return 'APIC', b'\0' + mime.encode() + b'\0' + bytes([kind]) + b'\0' + data


def chap(name, start_ms, end_ms, title):
    text = utf8(title)
    inside = b'TIT2' + synchsafe(len(text)) + b'\0\0' + text
    return 'CHAP', name.encode() + b'\0' + struct.pack('>IIII', start_ms, end_ms, 0xffffffff, 0xffffffff) + inside


def sylt(*lines):
    body = b'\3eng\2\1\0'
    return 'SYLT', body + b''.join(text.encode() + b'\0' + struct.pack('>I', ms) for ms, text in lines)


def ape(*items):
    """A value that is bytes is binary."""
    body = b''
    for name, value in items:
        data, flags = (value, 2) if isinstance(value, bytes) else (value.encode(), 0)
        body += struct.pack('<II', len(data), flags) + name.encode() + b'\0' + data
    end = lambda flags: b'APETAGEX' + struct.pack('<IIII', 2000, len(body) + 32, len(items), flags) + bytes(8)
    return end(0xa0000000) + body + end(0x80000000)


def lyrics3():
    body = b'LYRICSBEGIN' + b'IND00002' + b'10' + b'INF00005' + b'hello'
    return body + b'%06d' % len(body) + b'LYRICS200'


# --- RIFF ---

def chunk(name, data, pad=True):
    return name + struct.pack('<I', len(data)) + data + (b'\0' if pad and len(data) & 1 else b'')


def wave_format(channels, rate, bits, tag=1):
    block = channels * bits // 8
    return chunk(b'fmt ', struct.pack('<HHIIHH', tag, channels, rate, rate * block, block, bits))


def riff(*chunks):
    body = b''.join(chunks)
    return b'RIFF' + struct.pack('<I', len(body) + 4) + b'WAVE' + body


def info(**texts):
    return chunk(b'LIST', b'INFO' + b''.join(chunk(name.encode(), text + b'\0') for name, text in texts.items()))


# --- MP4 ---

def box(name, body):
    return struct.pack('>I', len(body) + 8) + name + body


def text_item(name, *values):
    return box(name, b''.join(box(b'data', struct.pack('>II', 1, 0) + value.encode()) for value in values))


def freeform(name, *values):
    head = box(b'mean', bytes(4) + b'com.apple.iTunes') + box(b'name', bytes(4) + name.encode())
    return box(b'----', head + b''.join(box(b'data', struct.pack('>II', 1, 0) + value.encode()) for value in values))


def pair_item(name, number, total):
    return box(name, box(b'data', struct.pack('>II', 0, 0) + struct.pack('>HHHH', 0, number, total, 0)))


def replace_udta(data, items, has_version=True):
    """An MP4 whose moov is its last box, with other tags in it."""
    at = data.rindex(b'moov') - 4
    size = struct.unpack('>I', data[at:at + 4])[0]
    moov = data[at + 8:at + size]
    old = moov.find(b'udta')
    if old > 0:
        moov = moov[:old - 4] + moov[old - 4 + struct.unpack('>I', moov[old - 4:old])[0]:]
    handler = box(b'hdlr', bytes(8) + b'mdirappl' + bytes(9))
    meta = box(b'meta', (bytes(4) if has_version else b'') + handler + box(b'ilst', b''.join(items)))
    return data[:at] + box(b'moov', moov + box(b'udta', meta))


# --- Ogg ---

def make_crc_table():
    table = []
    for i in range(256):
        crc = i << 24
        for _ in range(8):
            crc = crc << 1 ^ (0x04c11db7 if crc >> 31 else 0)
            crc &= 0xffffffff
        table.append(crc)
    return table


CRC_TABLE = make_crc_table()


def ogg_pages(data):
    at = 0
    while at < len(data):
        segments = data[at + 26]
        size = 27 + segments + sum(data[at + 27:at + 27 + segments])
        yield bytearray(data[at:at + size])
        at += size


def ogg_seal(page):
    """The page's checksum again."""
    page[22:26] = bytes(4)
    crc = 0
    for byte in page:
        crc = (crc << 8 & 0xffffffff) ^ CRC_TABLE[crc >> 24 ^ byte]
    page[22:26] = struct.pack('<I', crc)
    return bytes(page)


def ogg_shift(data, granules):
    """A stream that begins later, as one that was recorded on the way."""
    out = b''
    for i, page in enumerate(ogg_pages(data)):
        at = struct.unpack('<q', page[6:14])[0]
        if i >= 2 and at >= 0:
            page[6:14] = struct.pack('<q', at + granules)
        out += ogg_seal(page)
    return out


def opus_gain(data, steps):
    """An output gain (RFC 7845, section 5.1) of so many 1/256 dB."""
    pages = list(ogg_pages(data))
    at = pages[0].index(b'OpusHead') + 16
    pages[0][at:at + 2] = struct.pack('<h', steps)
    return b''.join(ogg_seal(page) for page in pages)
