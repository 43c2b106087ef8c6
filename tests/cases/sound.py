# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sounds that are nowhere alike, programs that encode them, and how two sounds are compared."""
import hashlib
import os
import subprocess
import wave

import numpy as np

OUT_RATE = 48000


def run(*words, stdin=None):
    """What a program writes; ends the test if it fails."""
    done = subprocess.run([str(word) for word in words], input=stdin, capture_output=True, check=False,
                          stdin=None if stdin is not None else subprocess.DEVNULL, timeout=120)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, words))}: {done.stderr.decode('utf8', 'replace')[-500:]}")
    return done.stdout


def ffmpeg(*words):
    return run('ffmpeg', '-nostdin', '-v', 'error', '-y', *words)


def make_samples(seconds, rate, channels, seed):
    """Tones that slide, each channel's its own, under a little noise; 0.45 at most."""
    n = int(round(seconds * rate))
    t = np.arange(n) / rate
    random = np.random.default_rng(seed)
    top = min(rate / 2, 8000) * 0.6
    sound = np.zeros((n, channels))
    for channel in range(channels):
        for part in range(4):
            start = 180 + 97 * part + 31 * channel + 7 * (seed % 11)
            slope = (top - start) * (0.5 + 0.1 * part) / max(seconds, 0.5)
            sound[:, channel] += np.sin(2 * np.pi * (start * t + slope * t * t / 2) + part) / 4
        sound[:, channel] += random.standard_normal(n) * 0.01
    swell = 0.6 + 0.4 * np.sin(5.1 * t + seed)
    return np.clip(sound * swell[:, None] * 0.45, -0.98, 0.98)


class Source:
    """A WAV file, and what of it is to be heard at the end: two channels at 48 kHz."""
    made = {}

    def __new__(cls, folder, seconds=1.3, rate=44100, channels=2, seed=1):
        key = (seconds, rate, channels, seed)
        if key not in cls.made:
            self = super().__new__(cls)
            self.seconds, self.rate, self.channels = seconds, rate, channels
            self.samples = make_samples(seconds, rate, channels, seed)
            self.path = os.path.join(folder, hashlib.md5(repr(key).encode()).hexdigest()[:12] + '.wav')
            with wave.open(self.path, 'wb') as out:
                out.setnchannels(channels)
                out.setsampwidth(2)
                out.setframerate(rate)
                out.writeframes(self.get_pcm16())
            self.heard = None
            cls.made[key] = self
        return cls.made[key]

    def get_pcm16(self):
        return (self.samples * 32767).astype('<i2').tobytes()

    def get_heard(self):
        if self.heard is None:
            self.heard = decode(path=self.path)
        return self.heard


def decode(path=None, data=None):
    """Frames of two channels at 48 kHz, by ffmpeg."""
    # of fragments ffmpeg gives times before 0 to what the edit list leaves out
    whole = ('-i', path) if data is None else ('-copyts', '-i', '-', '-af', 'atrim=start=0')
    raw = run('ffmpeg', '-v', 'error', *whole[:-2 if data is not None else None], '-map', '0:a:0',
              *(whole[-2:] if data is not None else ()), '-ac', '2', '-ar', OUT_RATE, '-f', 's16le', '-', stdin=data)
    return np.frombuffer(raw[:len(raw) // 4 * 4], '<i2').astype(np.float32).reshape(-1, 2) / 32768


def compare(wanted, heard):
    """How many frames later it is heard, how alike the two are there, and how loud the second is beside the first."""
    n = min(len(wanted), len(heard), 6 * OUT_RATE)
    if n < 480:
        return None
    x, y = wanted[:n, 0], heard[:n, 0]
    size = 1 << (2 * n - 1).bit_length()
    product = np.fft.irfft(np.fft.rfft(y, size) * np.conj(np.fft.rfft(x, size)), size)
    best = int(np.argmax(np.concatenate([product[:n], product[-n:]])))
    lag = best if best < n else best - 2 * n
    x, y = (x[:n - lag], y[lag:]) if lag >= 0 else (x[-lag:], y[:n + lag])
    norm = float(np.sqrt((x * x).sum() * (y * y).sum()))
    gain = float(np.sqrt((y * y).sum() / max(float((x * x).sum()), 1e-12)))
    return lag, float((x * y).sum()) / norm if norm else 0.0, gain
