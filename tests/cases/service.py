# SPDX-License-Identifier: LGPL-2.1-or-later
"""A syrinxd of a test's own, and what a listener asks of it."""
import json
import os
import re
import sqlite3
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request


class Service:
    def __init__(self, build, folder, library):
        self.build, self.folder, self.library = build, folder, library
        self.state = os.path.join(folder, 'state')
        self.log_path = os.path.join(folder, 'log')
        os.makedirs(self.state, exist_ok=True)

    def __enter__(self):
        with open(self.log_path, 'w', encoding='utf8') as log:
            self.process = subprocess.Popen(
                [self.build + '/daemon/syrinxd', '--library', self.library, '--state-dir', self.state, '--bus', 'none',
                 '--http', '127.0.0.1:0', '--rtsp', '127.0.0.1:0', '--admin', '127.0.0.1:0',
                 '--requests-per-second=100000', '--requests-per-second-per-subject=100000', '--max-cpu-percent=0',
                 '--max-sessions-per-subject=100000'], stdout=log, stderr=log)
        try:
            self.wait_for_scan()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def wait_for_scan(self):
        deadline = time.monotonic() + 240
        while 'scan:' not in self.get_log():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise SystemExit('the scan does not end:\n' + self.get_log()[-2000:])
            time.sleep(0.05)
        with open(self.state + '/http-address', encoding='utf8') as address:
            self.base = address.read().strip().rstrip('/')
        self.token = self.ctl('token', 'issue', '--subject', 'case', '--scope', 'listen,original', '--ttl', '1h').strip()

    def get_log(self):
        with open(self.log_path, encoding='utf8', errors='replace') as log:
            return log.read()

    def ctl(self, *words):
        return subprocess.run([self.build + '/daemon/syrinxctl', '--state-dir', self.state, *words],
                              capture_output=True, check=True, timeout=60).stdout.decode()

    def get(self, path, data=None):
        """Status and body."""
        request = urllib.request.Request(path if path.startswith('http') else self.base + path,
                                         data=json.dumps(data).encode() if data is not None else None,
                                         headers={'Authorization': 'Bearer ' + self.token})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def get_rows(self):
        """The index: path to what it says of a track."""
        with sqlite3.connect(f'file:{self.state}/index.db?mode=ro', uri=True) as index:
            index.row_factory = sqlite3.Row
            rows = index.execute('SELECT * FROM tracks WHERE missing_since_s IS NULL').fetchall()
        return {os.fsdecode(row['path']): dict(row) for row in rows}

    def get_failures(self):
        with sqlite3.connect(f'file:{self.state}/index.db?mode=ro', uri=True) as index:
            return {os.fsdecode(path): reason for path, reason in index.execute('SELECT path, reason FROM failures')}

    def get_track(self, track):
        return json.loads(self.get('/v1/tracks/' + track)[1])

    def play(self, track, rendition):
        """A whole rendition as one file, by HLS; (None, why) if a part of it is refused."""
        status, body = self.get('/v1/sessions', {'track_id': track, 'encryption': 'none', 'rendition': rendition})
        if status >= 300:
            return None, f'session: {status} {body[:200]!r}'
        index = json.loads(body)['hls_url'].replace('master.m3u8', rendition + '/index.m3u8')
        status, body = self.get(index)
        if status != 200:
            return None, f'playlist: {status} {body[:200]!r}'
        text = body.decode()
        parts = re.findall(r'EXT-X-MAP:URI="([^"]+)"', text) + [x for x in text.split('\n') if x and x[0] != '#']
        whole = b''
        for part in parts:
            status, body = self.get(urllib.parse.urljoin(index, part))
            if status != 200:
                return None, f'{part}: {status} {body[:200]!r}'
            whole += body
        return whole, None
