/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The web page in Chromium against a real syrinxd on the sample library: it lists, searches, plays,
 * seeks and goes on. Against a running service: SYRINX_URL=… SYRINX_TOKEN=… node browser.mjs */
import { existsSync } from 'node:fs';
import assert from 'node:assert/strict';
import { STEP_MS, skip, startDaemon, until } from './service.mjs';

const BROWSER = process.env.CHROMIUM ?? '/usr/bin/chromium';
const PLAIN_HOST = 'plain.test'; /* not a secure context */

const position = (page) => page.evaluate(() => document.querySelector('audio').currentTime);

const seekTo = (page, part) => page.evaluate((share) => {
  const seek = document.getElementById('seek');
  seek.value = Number(seek.max) * share;
  seek.dispatchEvent(new Event('input', { bubbles: true }));
}, part);

async function hasMovedOn(page, from, what) {
  await until(what, async () => (await position(page)) > from + 0.5);
}

async function listens(page, service, picture) {
  await page.goto(`${service.url}/#token=${service.token}`);
  await page.locator('#albums button').first().waitFor();
  assert.equal(new URL(page.url()).hash, '', 'the token leaves the address bar');

  await page.locator('#albums button', { hasText: 'Pipes at Dawn' }).click();
  await page.locator('#tracks button').first().waitFor();
  const count = await page.locator('#tracks button').count();
  assert.ok(count >= 5, `an album lists its tracks, not ${count}`);

  assert.match(await page.locator('#tracks button').first().innerText(), /Ode to Joy/,
    'an album is in its own order');
  await page.locator('#tracks button').first().click();
  await hasMovedOn(page, 0, 'the first track to play');
  await seekTo(page, 0.6);
  const landed = await position(page);
  assert.ok(landed > 3, 'a seek moves the position');
  await hasMovedOn(page, landed, 'playing after a seek');

  const first = await page.locator('#title').textContent();
  await page.keyboard.press('n');
  await until('the next title', async () => (await page.locator('#title').textContent()) !== first);
  await until('the next track at its start', async () => (await position(page)) < 2);
  await hasMovedOn(page, 0, 'the next track to play');
  if (picture) await page.screenshot({ path: picture });

  await page.keyboard.press('/');
  await page.keyboard.type('queue');
  await until('search to find the one track', async () =>
    (await page.locator('#tracks button').allInnerTexts()).length === 1);
  assert.match(await page.locator('#tracks button').innerText(), /Lullaby for a Queue/);
  const before = await position(page);
  await hasMovedOn(page, before, 'playing on while searching');

  await page.locator('#play').click();
  await until('the pause', () => page.evaluate(() => document.querySelector('audio').paused));
}

/* Two albums may have one name: the id says which of them is meant, not the name. */
async function tellsAlbumsApart(page, service) {
  const { albums } = await (await fetch(`${service.url}/v1/albums`,
    { headers: { Authorization: `Bearer ${service.token}` } })).json();
  await page.goto(`${service.url}/#token=${service.token}`);
  await page.locator('#albums button').first().waitFor();
  assert.equal(await page.locator('#albums button').count(), albums.length, 'a card an album');
  const { id } = albums.find((album) => album.name === 'Reeds at Dusk');
  await page.goto(`${service.url}/?album=Pipes+at+Dawn&album_id=${id}`);
  await page.locator('#tracks button').first().waitFor();
  assert.match(await page.locator('#tracks').innerText(), /Greensleeves/, 'the album with that id');
}

/* The same page, with keys for this browser only: no HLS request is made, and no key URL is used. */
async function listensWithOwnKeys(page, service) {
  const asked = [];
  page.on('request', (request) => asked.push(request));
  await page.goto(`${service.url}/?album=Pipes+at+Dawn#token=${service.token}`);
  await page.locator('#own-keys').check();
  await page.reload();
  await page.locator('#tracks button').first().waitFor();
  assert.ok(await page.locator('#own-keys').isChecked(), 'the setting is kept');

  await page.locator('#tracks button').first().click();
  await hasMovedOn(page, 0, 'an encrypted track to play');
  const total = await page.evaluate(() => document.querySelector('audio').duration);
  assert.ok(total > 25, `the whole track is there, ${total} s`);
  await seekTo(page, 0.6);
  const landed = await position(page);
  assert.ok(landed > 15, 'a seek moves the position');
  await hasMovedOn(page, landed, 'playing after a seek forth');
  await seekTo(page, 0.1);
  await hasMovedOn(page, 2, 'playing after a seek back');
  await seekTo(page, 0.96);
  const first = await page.locator('#title').textContent();
  await until('the next track after the end', async () =>
    (await page.locator('#title').textContent()) !== first && (await position(page)) > 0.5);

  const paths = asked.map((request) => new URL(request.url()).pathname);
  assert.ok(!paths.some((path) => /\.m3u8$|\/key$/.test(path)), 'neither playlist nor key is fetched');
  const fragment = asked.find((request) => request.url().endsWith('/0.m4s'));
  const headers = await (await fragment.response()).allHeaders();
  assert.equal(headers['content-encoding'], 'aes128gcm');
  await page.locator('#own-keys').uncheck();
  await until('the track to go on by HLS', async () =>
    asked.some((request) => request.url().endsWith('.m3u8')) && (await position(page)) > 0.5);
  page.removeAllListeners('request');
}

/* If the browser offers no WebCrypto, the page says so. */
async function saysWhyNot(page, service) {
  const plain = new URL(service.url);
  plain.hostname = PLAIN_HOST;
  await page.goto(`${plain.origin}/#token=${service.token}`);
  await page.locator('#albums button').first().waitFor();
  assert.ok(await page.locator('#own-keys').isDisabled());
  assert.match(await page.locator('#own-keys-note').textContent(), /https/);
}

async function main() {
  if (!existsSync(BROWSER)) skip(`there is no ${BROWSER}`);
  const playwright = await import('playwright-core').catch(() => null);
  if (!playwright) skip('playwright-core is not installed: ./bootstrap test does it');
  const given = process.env.SYRINX_URL;

  const service = given
    ? { url: given, token: process.env.SYRINX_TOKEN, stop: () => {} }
    : await startDaemon();
  const browser = await playwright.chromium.launch({ executablePath: BROWSER,
    args: ['--headless', `--host-resolver-rules=MAP ${PLAIN_HOST} 127.0.0.1`, '--no-sandbox', '--disable-gpu', '--disable-background-networking',
      '--autoplay-policy=no-user-gesture-required'] });
  try {
    const page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
    page.setDefaultTimeout(STEP_MS);
    const complaints = [];
    page.on('console', (message) => { if (message.type() === 'error') complaints.push(message.text()); });
    page.on('pageerror', (error) => complaints.push(error.stack));
    try {
      await listens(page, service, process.env.SYRINX_PICTURE);
      await tellsAlbumsApart(page, service);
      await listensWithOwnKeys(page, service);
      await saysWhyNot(page, service);
    } finally {
      for (const complaint of complaints) console.error(`console: ${complaint}`);
    }
    assert.deepEqual(complaints, [], 'nothing is complained of in the console');
    console.log('ok');
  } finally {
    await browser.close();
    await service.stop();
  }
}

await main();
