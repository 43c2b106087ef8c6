# SPDX-License-Identifier: LGPL-2.1-or-later
"""Schemathesis over the OpenAPI file against a real syrinxd: every answer is one that the file
documents, in status, content type and schema, for valid and invalid requests alike.

With ids made up or learnt from earlier answers, then with a track and a session that are known
to exist, then the administration port. Answers that do not end (streams, events) are tested
only as refusals, and what ends a session not on the one that others need."""
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'cases'))
from service import Service  # noqa: E402

SKIPPED = 77
SEED = 1
MAX_EXAMPLES = 15
STREAMS = r'/stream(\.opus)?$'
ENDLESS = STREAMS + '|/v1/events$'
ADMIN = r'^/(metrics|v1/status|v1/events)$'
# More about cursors, renditions and JWKs is checked than a schema can say: of those operations,
# a request that is valid by its schema may be refused as documented.
CHECKED_FURTHER = r'^/v1/(tracks|albums|artists|folders|sessions)$'
CONFIGURATION = '''
seed = {seed}
base-url = "{base}"
headers = {{ Authorization = "Bearer {token}" }}
[generation]
max-examples = {examples}
database = "none"
[[operations]]
include-path-regex = '{further}'
checks.positive_data_acceptance.expected-statuses = ["2xx", 401, 403, 404, 422, 429]
'''


def write_configuration(folder, base, token, parameters):
    path = os.path.join(folder, 'schemathesis.toml')
    text = CONFIGURATION.format(seed=SEED, base=base, token=token, examples=MAX_EXAMPLES,
                                further=CHECKED_FURTHER)
    if parameters:
        text += '[parameters]\n' + ''.join(f'"{name}" = {json.dumps(value)}\n' for name, value in parameters.items())
    with open(path, 'w', encoding='utf8') as file:
        file.write(text)
    return path


def run(program, service, name, base, token, choice, parameters=None):
    """True if schemathesis finds nothing among the operations chosen."""
    print(f'== {name}', flush=True)
    configuration = write_configuration(service.folder, base, token, parameters)
    done = subprocess.run([program, '--config-file', configuration, '--no-color', 'run', service.base + '/openapi.json',
                           '--phases', 'examples,coverage,fuzzing', '--continue-on-failure', '--request-timeout', '20',
                           '--warnings', 'off', *choice], cwd=service.folder, check=False)
    return done.returncode == 0


def begin_session(service):
    tracks = json.loads(service.get('/v1/tracks?limit=1')[1])['tracks']
    session = json.loads(service.get('/v1/sessions', {'track_id': tracks[0]['id'], 'encryption': 'ece'})[1])
    capability = session['fragments_url'].split('/')[-2]
    return tracks[0]['id'], session['id'], capability


def main(build):
    program = os.environ.get('SCHEMATHESIS', build + '/schemathesis/bin/st')
    if not os.path.exists(program):
        print(f'skipped: there is no {program}; ./bootstrap test installs it')
        return SKIPPED
    with tempfile.TemporaryDirectory() as folder, Service(build, folder, os.environ['SYRINX_SAMPLES']) as service:
        track, session, capability = begin_session(service)
        with open(service.state + '/admin-address', encoding='utf8') as address:
            admin_base = address.read().strip().rstrip('/')
        admin = service.ctl('token', 'issue', '--subject', 'case', '--scope', 'admin', '--ttl', '1h').strip()
        found = [
            not run(program, service, 'ids made up', service.base, service.token,
                    ['--exclude-path-regex', f'{ADMIN}|{ENDLESS}']),
            not run(program, service, 'streams of what does not exist', service.base, service.token,
                    ['--include-path-regex', STREAMS], {'path.id': 'none'}),
            not run(program, service, 'a track that exists', service.base, service.token,
                    ['--include-path-regex', '^/v1/tracks/{id}', '--exclude-path-regex', ENDLESS], {'path.id': track}),
            not run(program, service, 'a session that exists', service.base, service.token,
                    ['--include-path-regex', '^/v1/sessions/{id}', '--exclude-path-regex', ENDLESS,
                     '--exclude-method', 'DELETE'],
                    {'path.id': session, 'path.capability': capability, 'path.rendition': 'opus-128',
                     'path.segment': 'init.mp4', 'path.epoch': 0}),
            not run(program, service, 'the administration port', admin_base, admin,
                    ['--include-path-regex', ADMIN, '--exclude-path-regex', ENDLESS]),
        ]
    return int(any(found))


if __name__ == '__main__':
    sys.exit(main(sys.argv[1]))
