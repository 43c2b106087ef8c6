/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A real syrinxd on the sample library, for tests by clients in node. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const STEP_MS = 20_000;
const SKIPPED = 77;
const N_SAMPLES = 12;
const build = process.env.SYRINX_BUILD ?? 'build';
const daemon = join(build, 'daemon/syrinxd');
const ctl = join(build, 'daemon/syrinxctl');

export function skip(reason) {
  console.log(`skipped: ${reason}`);
  process.exit(SKIPPED);
}

/* Repeats until the result is true; an exception counts as false. */
export async function until(what, check, limit = STEP_MS) {
  const end = Date.now() + limit;
  for (;;) {
    const value = await check().catch(() => null);
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited ${limit} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/* Starts a daemon with all samples in its index. `configure` gets its folder and returns lines for the [syrinx] group
 * of its configuration. Ends with `stop()`. */
export async function startDaemon(configure = () => '') {
  if (!existsSync(daemon)) skip(`${daemon} is not built`);
  const folder = mkdtempSync(join(tmpdir(), 'syrinx-clients-'));
  const state = join(folder, 'state');
  const file = join(folder, 'syrinx.conf');
  const address = `127.0.0.1:${await freePort()}`;
  const url = `http://${address}`;
  /* One subject begins more sessions than a person has. */
  writeFileSync(file, `[syrinx]\nmax-sessions-per-subject=1000\n${configure(folder)}\n`);
  const child = spawn(daemon, ['--config', file, '--library', process.env.SYRINX_SAMPLES,
    '--state-dir', state, '--http', address, '--admin', '127.0.0.1:0', '--rtsp', '127.0.0.1:0',
    '--bus', 'none'], { stdio: ['ignore', 'inherit', 'inherit'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const service = {
    url,
    folder,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
    ctl: (...words) => execFileSync(ctl, ['--state-dir', state, ...words], { encoding: 'utf8' }).trim(),
  };
  try {
    await until('the daemon', async () => child.exitCode !== null || (await fetch(`${url}/readyz`)).ok);
    if (child.exitCode !== null) throw new Error('the daemon ended');
    service.token = service.ctl('token', 'issue', '--subject', 'listener', '--scope', 'listen', '--ttl', '1h');
    const headers = { Authorization: `Bearer ${service.token}` };
    await until('the library', async () =>
      (await (await fetch(`${url}/v1/tracks?limit=20`, { headers })).json()).tracks.length >= N_SAMPLES);
  } catch (error) {
    await service.stop();
    throw error;
  }
  return service;
}
