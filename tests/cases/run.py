#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""run.py BUILD [KIND…]: makes files of every kind (kinds.py), lets a syrinxd scan and play them, and tells what is wrong."""
import os
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import kinds  # noqa: E402
from service import Service  # noqa: E402
from sound import OUT_RATE, compare, decode  # noqa: E402

import numpy as np  # noqa: E402

TRIES = 4  # at a time


def check_sound(service, case, row, rendition):
    wanted = np.asarray(case.heard) if case.heard is not None else case.source.get_heard()
    said = row['n_samples'] / row['sample_rate_hz'] * OUT_RATE
    data, refusal = service.play(row['id'], rendition)
    if refusal:
        return [f'{rendition}: {refusal}']
    heard = decode(data=data)
    found = compare(wanted, heard)
    bad = []
    if abs(said - len(wanted)) > case.longer:
        bad.append(f'says {said / OUT_RATE:.3f} s, is {len(wanted) / OUT_RATE:.3f} s')
    if abs(len(heard) - len(wanted)) > max(2400, case.longer):
        bad.append(f'plays {len(heard) / OUT_RATE:.3f} s, is {len(wanted) / OUT_RATE:.3f} s')
    if not found:
        return bad + ['nothing to compare']
    lag, likeness, gain = found
    if abs(lag) > case.lag:
        bad.append(f'{lag / 48:+.1f} ms off')
    if likeness < 0.85:
        bad.append(f'likeness {likeness:.2f}')
    if not 0.85 < gain / case.gain < 1.18:
        bad.append(f'gain {gain:.2f}, not {case.gain:.2f}')
    return [f'{rendition}: {text}' for text in bad]


def is_same(is_now, wanted):
    if isinstance(wanted, float):
        return is_now is not None and abs(is_now - wanted) < 0.01
    return (is_now or type(wanted)()) == wanted


def check_details(service, case, row):
    if not case.details:
        return []
    track = service.get_track(row['id'])
    if 'chapters' in track:
        track['chapters'] = [(round(chapter['start'], 2), chapter['title']) for chapter in track['chapters']]
    return [f'{key} is {track.get(key)!r}, not {value!r}' for key, value in case.details.items() if track.get(key) != value]


def check(service, case, rows, failures):
    if case.is_failure:
        return [] if case.name in failures else ['is not among the failures']
    row = rows.get(case.name)
    if row is None:
        return [f'is not listed: {failures.get(case.name)}']
    bad = [f'{key} is {row.get(key)!r}, not {value!r}' for key, value in case.columns.items() if not is_same(row.get(key), value)]
    bad += check_details(service, case, row)
    if case.source is not None:
        for rendition in case.renditions:
            bad += check_sound(service, case, row, rendition)
    return bad


def main():
    build, wanted = os.path.abspath(sys.argv[1]), sys.argv[2:]
    folder = tempfile.mkdtemp(prefix='syrinx-cases-')
    library = os.path.join(folder, 'library')
    os.makedirs(library)
    try:
        maker = kinds.Maker(library, folder)
        for make in kinds.ALL:
            if not wanted or make.__name__ in wanted:
                make(maker)
        with Service(build, folder, library) as service:
            rows, failures = service.get_rows(), service.get_failures()
            with ThreadPoolExecutor(TRIES) as pool:
                results = list(pool.map(lambda case: check(service, case, rows, failures), maker.cases))
    finally:
        if os.environ.get('KEEP_LOG'):
            shutil.copy(os.path.join(folder, 'log'), os.environ['KEEP_LOG'])
        shutil.rmtree(folder, ignore_errors=True)
    faults = [(case, bad) for case, bad in zip(maker.cases, results) if bad]
    for case, bad in faults:
        print(f'FAULT {case.name}: ' + '; '.join(bad))
    print(f'{len(maker.cases)} files, {len(faults)} with faults')
    return 1 if faults or not maker.cases else 0


if __name__ == '__main__':
    sys.exit(main())
