/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plays a score with a few synthesised instruments into a WAV file: how the
 * sample music is made.  usage: synth SCORE.txt OUT.wav
 *
 * A score has lines `rate HZ`, `tempo BPM`, `voice INSTRUMENT GAIN PAN
 * [DELAY-BEATS]` and, after a voice, its notes: `C#5/1.5` is a pitch and a
 * length in beats, `R/2` a rest, `|` decoration. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SECONDS 120

typedef enum
{
  FLUTE,
  LUTE,
  BELL,
  ORGAN,
  BASS,
  N_INSTRUMENTS
} Instrument;

typedef struct
{
  Instrument instrument;
  double gain, pan; /* pan: -1 left to 1 right */
  double beat;      /* where the next note starts */
} Voice;

static double rate = 44100, tempo = 90;
static float *left, *right;
static size_t n_frames;
static uint32_t noise_state = 2463534242u;

static void
die (const char *what)
{
  fprintf (stderr, "synth: %s\n", what);
  exit (1);
}

static double
noise (void)
{
  noise_state ^= noise_state << 13;
  noise_state ^= noise_state >> 17;
  noise_state ^= noise_state << 5;
  return noise_state / 2147483648.0 - 1.0;
}

static double
envelope (double t, double length, double attack, double release)
{
  double level = t < attack ? t / attack : 1.0;
  return t > length ? level * exp (-(t - length) / release) : level;
}

/* A stopped pipe: odd harmonics, a chiff of breath and slow vibrato. */
static double
flute (double t, double hz, double length, double *breath)
{
  double vibrato = 0.004 * sin (2 * M_PI * 5.1 * t) * fmin (t / 0.6, 1.0);
  double phase = 2 * M_PI * hz * t + vibrato * hz / 5.1;
  *breath += 0.25 * (noise () - *breath);
  return envelope (t, length, 0.06, 0.09)
         * (sin (phase) + 0.18 * sin (3 * phase) + 0.05 * sin (5 * phase)
             + *breath * (0.05 + 0.5 * exp (-t / 0.03)));
}

static double
bell (double t, double hz)
{
  return exp (-t * 2.2) * sin (2 * M_PI * hz * t)
         + 0.5 * exp (-t * 3.5) * sin (2 * M_PI * hz * 2.756 * t)
         + 0.2 * exp (-t * 7.0) * sin (2 * M_PI * hz * 5.404 * t);
}

static double
organ (double t, double hz, double length)
{
  double sum = 0;
  for (int k = 1; k <= 6; k++)
    sum += sin (2 * M_PI * hz * k * t + 0.3 * k) / (k * k);
  return envelope (t, length, 0.04, 0.15) * sum;
}

/* Karplus and Strong's plucked string, 1983. */
static void
pluck (double hz, double seconds, double damping, float *out, size_t n)
{
  size_t period = (size_t)(rate / hz), at = 0;
  float *line = calloc (period + 1, sizeof *line);
  for (size_t i = 0; i < period; i++)
    line[i] = noise ();
  for (size_t i = 0; i < n; i++) {
    size_t next = at + 1 < period ? at + 1 : 0;
    double over = i / rate - seconds;
    out[i] = line[at] * (over > 0 ? exp (-over * 12) : 1);
    line[at] = damping * 0.5 * (line[at] + line[next]);
    at = next;
  }
  free (line);
}

static void
play_note (const Voice *voice, double hz, double beats)
{
  double length = beats * 60 / tempo, breath = 0;
  size_t start = voice->beat * 60 / tempo * rate, n = (length + 1.2) * rate;
  float *note = calloc (n, sizeof *note);
  if (start + n > MAX_SECONDS * rate)
    die ("the score is longer than two minutes");
  if (voice->instrument == LUTE || voice->instrument == BASS)
    pluck (hz, length, voice->instrument == BASS ? 0.994 : 0.998, note, n);
  else
    for (size_t i = 0; i < n; i++) {
      double t = i / rate;
      note[i] = voice->instrument == FLUTE
                    ? flute (t, hz, length * 0.92, &breath)
                : voice->instrument == BELL ? bell (t, hz)
                                            : organ (t, hz, length * 0.95);
    }
  for (size_t i = 0; i < n; i++) {
    left[start + i] += note[i] * voice->gain * sqrt (0.5 * (1 - voice->pan));
    right[start + i] += note[i] * voice->gain * sqrt (0.5 * (1 + voice->pan));
  }
  if (start + n > n_frames)
    n_frames = start + n;
  free (note);
}

static double
pitch_hz (const char *name)
{
  static const int semitones[] = { 9, 11, 0, 2, 4, 5, 7 }; /* A to G */
  int step = semitones[name[0] - 'A'];
  const char *p = name + 1;
  for (; *p == '#' || *p == 'b'; p++)
    step += *p == '#' ? 1 : -1;
  return 440 * pow (2, (step - 9) / 12.0 + atoi (p) - 4);
}

static void
play_token (Voice *voice, const char *token)
{
  const char *slash = strchr (token, '/');
  double beats = slash ? atof (slash + 1) : 1;
  if (token[0] >= 'A' && token[0] <= 'G')
    play_note (voice, pitch_hz (token), beats);
  else if (token[0] != 'R')
    return;
  voice->beat += beats;
}

/* A small room: four combs a side, after Schroeder, 1962. */
static void
reverberate (float *samples, size_t n, double skew)
{
  static const double delays[] = { 0.0297, 0.0371, 0.0411, 0.0437 };
  float *wet = calloc (n, sizeof *wet);
  for (int c = 0; c < 4; c++) {
    size_t d = (delays[c] + skew) * rate;
    float *line = calloc (n, sizeof *line);
    for (size_t i = 0; i < n; i++) {
      line[i] = samples[i] + (i >= d ? 0.72f * line[i - d] : 0);
      wet[i] += 0.05f * line[i];
    }
    free (line);
  }
  for (size_t i = 0; i < n; i++)
    samples[i] += wet[i];
  free (wet);
}

static Instrument
instrument_named (const char *name)
{
  static const char *names[] = { "flute", "lute", "bell", "organ", "bass" };
  for (int i = 0; i < N_INSTRUMENTS; i++)
    if (!strcmp (name, names[i]))
      return i;
  die ("the score names an instrument that is not there");
  return FLUTE;
}

static void
read_score (FILE *score)
{
  char line[4096], name[16];
  Voice voice = { 0 };
  while (fgets (line, sizeof line, score)) {
    double delay = 0;
    if (line[0] == '#' || sscanf (line, "rate %lf", &rate) == 1
        || sscanf (line, "tempo %lf", &tempo) == 1)
      continue;
    if (sscanf (line, "voice %15s %lf %lf %lf", name, &voice.gain, &voice.pan,
            &delay)
        >= 3) {
      voice.instrument = instrument_named (name);
      voice.beat = delay;
      continue;
    }
    for (char *token = strtok (line, " \t\n"); token;
         token = strtok (NULL, " \t\n"))
      play_token (&voice, token);
  }
}

static void
put (FILE *out, uint32_t value, int bytes)
{
  for (int i = 0; i < bytes; i++)
    fputc (value >> (8 * i) & 0xff, out);
}

static void
write_wav (FILE *out)
{
  float peak = 1e-9;
  for (size_t i = 0; i < n_frames; i++)
    peak = fmaxf (peak, fmaxf (fabsf (left[i]), fabsf (right[i])));
  fwrite ("RIFF", 1, 4, out);
  put (out, 36 + n_frames * 4, 4);
  fwrite ("WAVEfmt ", 1, 8, out);
  put (out, 16, 4), put (out, 1, 2), put (out, 2, 2), put (out, rate, 4);
  put (out, rate * 4, 4), put (out, 4, 2), put (out, 16, 2);
  fwrite ("data", 1, 4, out);
  put (out, n_frames * 4, 4);
  for (size_t i = 0; i < n_frames; i++) {
    put (out, (uint16_t)(int16_t)lrintf (left[i] / peak * 23000), 2);
    put (out, (uint16_t)(int16_t)lrintf (right[i] / peak * 23000), 2);
  }
}

int
main (int argc, char **argv)
{
  FILE *score = argc == 3 ? fopen (argv[1], "r") : NULL;
  FILE *out = score ? fopen (argv[2], "wb") : NULL;
  if (!out)
    die ("usage: synth SCORE.txt OUT.wav (both must be accessible)");
  left = calloc (MAX_SECONDS * 48000, sizeof *left);
  right = calloc (MAX_SECONDS * 48000, sizeof *right);
  read_score (score);
  reverberate (left, n_frames, 0);
  reverberate (right, n_frames, 0.0023);
  write_wav (out);
  return fclose (out) != 0;
}
