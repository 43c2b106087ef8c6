/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Foreign implementations read what syrinxd encrypts and signs: jose for JWE and JWT,
 * http_ece for RFC 8188, openssl for HLS chunks, ffprobe for the results; and the other direction. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync, webcrypto } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { skip, startDaemon } from './service.mjs';

const jose = await import('jose').catch(() => null);
const ece = await import('http_ece').then((module) => module.default).catch(() => null);
if (!jose || !ece) skip('jose and http_ece are not installed: ./bootstrap test does it');
const { subtle } = webcrypto;

const AUDIENCE = 'syrinx';
const WORDS = 'lullaby queue'; /* a track of 20 s */
const FOREIGN_ALGS = ['ES256', 'RS256', 'EdDSA'];

/* --- Asking --- */

const bearer = (token) => ({ Authorization: `Bearer ${token}` });

async function fetchBytes(url) {
  const response = await fetch(url);
  assert.equal(response.status, 200, `${new URL(url).pathname.split('/').pop()} comes`);
  return Buffer.from(await response.arrayBuffer());
}

async function find(service, token) {
  const response = await fetch(`${service.url}/v1/tracks?limit=1&q=${encodeURIComponent(WORDS)}`,
    { headers: bearer(token) });
  return response.status === 200 ? (await response.json()).tracks[0].id : null;
}

const postSession = async (service, members) => fetch(`${service.url}/v1/sessions`, {
  method: 'POST',
  headers: bearer(service.token),
  body: JSON.stringify({ track_id: service.track, ...members }),
});

async function newSession(service, members) {
  const response = await postSession(service, members);
  const text = await response.text();
  assert.equal(response.status, 201, text);
  return JSON.parse(text);
}

/* --- Others' programs --- */

function decryptChunk(chunk, key, sequence) {
  return execFileSync('openssl', ['enc', '-d', '-aes-128-cbc', '-K', key.toString('hex'),
    '-iv', sequence.toString(16).padStart(32, '0')], { input: chunk });
}

const decryptMessage = (message, key) =>
  ece.decrypt(message, { version: 'aes128gcm', key: key.toString('base64url') });

/* The file has exactly one stream, and it has packets. */
function assertIsOpus(service, bytes, container) {
  const file = join(service.folder, `probe.${container}`);
  writeFileSync(file, bytes);
  const { status, stdout, stderr } = spawnSync('ffprobe', ['-v', 'error', '-count_packets', '-show_streams',
    '-of', 'json', file], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.equal(stderr, '', 'ffprobe has nothing to complain of');
  const { streams } = JSON.parse(stdout);
  assert.equal(streams.length, 1);
  assert.equal(streams[0].codec_name, 'opus');
  assert.ok(Number(streams[0].nb_read_packets) > 100, `${streams[0].nb_read_packets} packets`);
}

/* --- Keys wrapped for a client --- */

/* By jose and by WebCrypto, as an application and as a browser would. */
async function makeClientKeys() {
  const rsa = { name: 'RSA-OAEP', hash: 'SHA-256', publicExponent: new Uint8Array([1, 0, 1]) };
  const pairs = {
    'RSA 2048 of jose': jose.generateKeyPair('RSA-OAEP-256', { modulusLength: 2048 }),
    'RSA 4096 of jose': jose.generateKeyPair('RSA-OAEP-256', { modulusLength: 4096 }),
    'P-256 of jose': jose.generateKeyPair('ECDH-ES+A256KW', { crv: 'P-256' }),
    'P-384 of jose': jose.generateKeyPair('ECDH-ES+A256KW', { crv: 'P-384' }),
    'RSA 3072 of WebCrypto': subtle.generateKey({ ...rsa, modulusLength: 3072 }, false, ['encrypt', 'decrypt']),
    'P-256 of WebCrypto': subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, false, ['deriveBits']),
    'P-384 of WebCrypto': subtle.generateKey({ name: 'ECDH', namedCurve: 'P-384' }, false, ['deriveBits']),
  };
  return Promise.all(Object.entries(pairs).map(async ([name, pending]) => {
    const pair = await pending;
    const jwk = name.endsWith('WebCrypto')
      ? await subtle.exportKey('jwk', pair.publicKey) /* with its key_ops and ext */
      : await jose.exportJWK(pair.publicKey);
    return { name, jwk, privateKey: pair.privateKey };
  }));
}

async function unwrap(jwe, { name, privateKey }) {
  const { plaintext, protectedHeader } = await jose.compactDecrypt(jwe, privateKey);
  assert.equal(protectedHeader.alg, name.startsWith('RSA') ? 'RSA-OAEP-256' : 'ECDH-ES+A256KW');
  assert.equal(protectedHeader.enc, 'A256GCM');
  const { keys } = JSON.parse(new TextDecoder().decode(plaintext));
  assert.ok(keys.length > 0 && keys.every(({ kty }) => kty === 'oct'));
  return new Map(keys.map(({ kid, k }) => [kid, Buffer.from(k, 'base64url')]));
}

async function joseUnwrapsTheKeysOfChunks(service) {
  for (const client of await makeClientKeys()) {
    const session = await newSession(service, { public_key: { ...client.jwk, kid: 'mine' } });
    const keys = await unwrap(session.key, client);
    const base = new URL('opus-128/', session.hls_url);
    const list = (await fetchBytes(new URL('index.m3u8', base))).toString();
    const [, address, epoch] = /METHOD=AES-128,URI="((\d+)\/key)"/.exec(list);
    const chunk = decryptChunk(await fetchBytes(new URL('0.m4s', base)), keys.get(`opus-128/${epoch}`), 0);
    assert.equal(chunk.toString('latin1', 4, 8), 'moof', client.name);
    assert.equal((await fetch(new URL(address, base))).status, 403, 'and nobody gets them in clear');
  }
}

async function joseUnwrapsTheKeyOfASession(service) {
  for (const client of await makeClientKeys()) {
    const session = await newSession(service, { encryption: 'ece', public_key: client.jwk });
    const keys = await unwrap(session.key, client);
    const init = await fetchBytes(new URL('opus-128/init.mp4', session.fragments_url));
    assert.equal(decryptMessage(init, keys.get(session.id)).toString('latin1', 4, 8), 'ftyp', client.name);
  }
}

async function whatIsNoGoodKeyIsRefused(service) {
  const make = (type, options) => generateKeyPairSync(type, options);
  const jwkOf = (key) => key.export({ format: 'jwk' });
  const p256 = make('ec', { namedCurve: 'P-256' });
  const good = jwkOf(p256.publicKey);
  const rsa = make('rsa', { modulusLength: 2048 });
  const even = Buffer.from(jwkOf(rsa.publicKey).n, 'base64url');
  even[even.length - 1] &= 0xfe;
  const cases = {
    'RSA of 1024 bits': jwkOf(make('rsa', { modulusLength: 1024 }).publicKey),
    'an even modulus': { ...jwkOf(rsa.publicKey), n: even.toString('base64url') },
    'an exponent of 1': { ...jwkOf(rsa.publicKey), e: 'AQ' },
    'no exponent': { ...jwkOf(rsa.publicKey), e: undefined },
    'a private RSA key': jwkOf(rsa.privateKey),
    'a private EC key': jwkOf(p256.privateKey),
    'P-521': jwkOf(make('ec', { namedCurve: 'P-521' }).publicKey),
    secp256k1: jwkOf(make('ec', { namedCurve: 'secp256k1' }).publicKey),
    X25519: jwkOf(make('x25519').publicKey),
    'a point off the curve': { ...good, y: good.x },
    'the point of another curve': { ...good, crv: 'P-384' },
    'a short coordinate': { ...good, x: good.x.slice(4) },
    'no base64url': { ...good, x: '!'.repeat(43) },
    'a secret': { kty: 'oct', k: 'AAECAwQFBgcICQoLDA0ODw' },
    'a key for signatures': { ...good, use: 'sig' },
    'a key of another algorithm': { ...good, alg: 'ECDH-ES' },
    'no kty': { x: good.x, y: good.y },
    'a JWK Set': { keys: [good] },
    'an array': [good],
    'a string': JSON.stringify(good),
    'a number': 5,
    nothing: null,
    'over 8 KiB': { ...good, x5c: ['A'.repeat(9000)] },
  };
  for (const [name, jwk] of Object.entries(cases)) {
    const response = await postSession(service, { public_key: jwk });
    const problem = await response.json();
    assert.equal(response.status, 422, name);
    assert.equal(problem.field, 'public_key', name);
    assert.match(problem.detail, /./, name);
  }
}

/* --- Tokens --- */

async function joseVerifiesOurTokens(service) {
  const jwks = JSON.parse(service.ctl('token', 'jwks'));
  assert.ok(jwks.keys.every((jwk) => !('d' in jwk)), 'only public keys');
  const { payload, protectedHeader } = await jose.jwtVerify(service.token, jose.createLocalJWKSet(jwks),
    { audience: AUDIENCE, algorithms: ['ES256'], requiredClaims: ['exp', 'iat', 'nbf', 'jti'] });
  assert.equal(payload.sub, 'listener');
  assert.equal(payload.scope, 'listen');
  assert.equal(payload.exp - payload.iat, 3600);
  assert.equal(protectedHeader.kid, jwks.keys[0].kid);
  assert.equal(protectedHeader.kid, await jose.calculateJwkThumbprint(jwks.keys[0]), 'RFC 7638');
}

const claims = { scope: 'listen' };

function sign(key, header, change = (jwt) => jwt, options = undefined) {
  const jwt = new jose.SignJWT(claims).setProtectedHeader(header).setSubject('guest')
    .setAudience(AUDIENCE).setIssuedAt().setExpirationTime('1h');
  return change(jwt).sign(key, options);
}

async function weTakeTheTokensOfJose(service) {
  for (const alg of FOREIGN_ALGS) {
    const { privateKey } = service.foreign[alg];
    for (const header of [{ alg, kid: alg }, { alg }, { alg, kid: alg, typ: 'at+jwt' }])
      assert.equal(await find(service, await sign(privateKey, header)), service.track, JSON.stringify(header));
    const many = await sign(privateKey, { alg, kid: alg }, (jwt) => jwt.setAudience(['another', AUDIENCE]));
    assert.equal(await find(service, many), service.track, 'one audience of several');
  }
}

const ago = (seconds) => Math.floor(Date.now() / 1000) - seconds;

/* Algorithm confusion: the public key used as the secret of an HMAC. */
async function makeHmacs({ foreign }, ours) {
  const spki = (await jose.exportSPKI(foreign.RS256.publicKey)).trim();
  const secrets = [spki, `${spki}\n`, JSON.stringify(foreign.RS256.jwk), JSON.stringify(ours), foreign.RS256.jwk.n];
  return Promise.all(secrets.flatMap((secret) => ['RS256', ours.kid, undefined].map((kid) =>
    sign(new TextEncoder().encode(secret), { alg: 'HS256', ...(kid && { kid }) }))));
}

async function weRefuseWhatIsForged(service) {
  const { ES256, RS256, EdDSA } = service.foreign;
  const [ours] = JSON.parse(service.ctl('token', 'jwks')).keys;
  const es = (change, header) => sign(ES256.privateKey, { alg: 'ES256', kid: 'ES256', ...header }, change);
  const stranger = await jose.generateKeyPair('ES256');
  const rsaPem = await jose.exportPKCS8(RS256.privateKey);
  const good = await es();
  const [header, payload, signature] = good.split('.');
  const forged = Buffer.from(JSON.stringify({ ...jose.decodeJwt(good), scope: 'admin' })).toString('base64url');
  const cases = {
    'alg none': new jose.UnsecuredJWT(claims).setSubject('guest').setAudience(AUDIENCE).setExpirationTime('1h').encode(),
    'alg none with a signature': `${Buffer.from('{"alg":"none","kid":"ES256"}').toString('base64url')}.${payload}.${signature}`,
    'an unknown kid': await es(undefined, { kid: 'nobody' }),
    'the kid of another key': await es(undefined, { kid: 'EdDSA' }),
    'our kid': await es(undefined, { kid: ours.kid }),
    'a key that is not known': await sign(stranger.privateKey, { alg: 'ES256', kid: 'ES256' }),
    'a key in the header': await sign(stranger.privateKey,
      { alg: 'ES256', jwk: await jose.exportJWK(stranger.publicKey) }),
    'an unknown crit': await sign(ES256.privateKey, { alg: 'ES256', kid: 'ES256', crit: ['x'], x: 1 },
      undefined, { crit: { x: true } }),
    expired: await es((jwt) => jwt.setExpirationTime(ago(60))),
    'not valid yet': await es((jwt) => jwt.setNotBefore(ago(-60))),
    'another audience': await es((jwt) => jwt.setAudience('another')),
    'no audience': await sign(EdDSA.privateKey, { alg: 'EdDSA', kid: 'EdDSA' }, (jwt) => jwt.setAudience([])),
    'no subject': await es((jwt) => jwt.setSubject('')),
    PS256: await sign(await jose.importPKCS8(rsaPem, 'PS256'), { alg: 'PS256', kid: 'RS256' }),
    RS512: await sign(await jose.importPKCS8(rsaPem, 'RS512'), { alg: 'RS512', kid: 'RS256' }),
    'other claims': `${header}.${forged}.${signature}`,
    'no signature': `${header}.${payload}.`,
    'two tokens in one': `${good}.${signature}`,
    encrypted: await new jose.EncryptJWT(claims).setSubject('guest').setAudience(AUDIENCE).setExpirationTime('1h')
      .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM' }).encrypt(RS256.publicKey),
  };
  (await makeHmacs(service, ours)).forEach((token, i) => { cases[`HS256 by a public key, ${i}`] = token; });
  for (const [name, token] of Object.entries(cases)) {
    const response = await fetch(`${service.url}/v1/tracks`, { headers: bearer(token) });
    assert.equal(response.status, 401, name);
    assert.match(response.headers.get('www-authenticate'), /^Bearer/, name);
  }
  assert.equal(await find(service, good), service.track, 'and the one that is good still is');
}

/* --- Chunks, fragments and streams --- */

async function opensslDecryptsAChunk(service) {
  const session = await newSession(service, {});
  const base = new URL('opus-128/', session.hls_url);
  const list = (await fetchBytes(new URL('index.m3u8', base))).toString();
  const key = await fetchBytes(new URL(/METHOD=AES-128,URI="([^"]+)"/.exec(list)[1], base));
  const init = await fetchBytes(new URL(/MAP:URI="([^"]+)"/.exec(list)[1], base));
  const first = Number(/MEDIA-SEQUENCE:(\d+)/.exec(list)[1]);
  const names = list.split('\n').filter((line) => line.endsWith('.m4s'));
  for (const at of [0, 1, names.length - 2]) {
    const chunk = await fetchBytes(new URL(names[at], base));
    assert.equal(chunk.length % 16, 0, 'whole blocks');
    assertIsOpus(service, Buffer.concat([init, decryptChunk(chunk, key, first + at)]), 'mp4');
  }
}

async function httpEceDecryptsFragments(service) {
  const session = await newSession(service, { encryption: 'ece' });
  const key = await fetchBytes(session.key_url);
  const { renditions } = JSON.parse(await fetchBytes(session.fragments_url));
  const { init_url: init, fragments } = renditions.find(({ rendition }) => rendition === 'opus-128');
  const bytes = [];
  for (const url of [init, fragments[0].url, fragments[1].url])
    bytes.push(decryptMessage(await fetchBytes(new URL(url, session.fragments_url)), key));
  assertIsOpus(service, Buffer.concat(bytes), 'mp4');
  const again = await fetchBytes(new URL(init, session.fragments_url));
  assert.throws(() => decryptMessage(again, Buffer.alloc(16)), 'another key opens nothing');
}

async function httpEceDecryptsTheStream(service) {
  const encrypted = await newSession(service, { encryption: 'ece' });
  const clear = await newSession(service, { encryption: 'none' });
  const key = await fetchBytes(encrypted.key_url);
  const [message, plain] = await Promise.all([encrypted, clear].map((session) =>
    fetchBytes(`${session.progressive_url}?start=13`)));
  const decrypted = decryptMessage(message, key);
  assertIsOpus(service, decrypted, 'ogg');
  assert.ok(decrypted.equals(plain), 'byte for byte what a clear session gets');
}

/* The other direction: our element decrypts a message of http_ece with several records. */
function chunkdecDecryptsHttpEce(service) {
  const key = Buffer.alloc(16, 7).toString('base64url');
  const plain = createHash('sha512').update('x').digest().subarray(0, 61);
  const from = join(service.folder, 'message.ece');
  const to = join(service.folder, 'message');
  for (const rs of [18, 25, 4096]) {
    writeFileSync(from, ece.encrypt(plain, { version: 'aes128gcm', key, rs, keyid: 'k' }));
    execFileSync('gst-launch-1.0', ['-q', 'filesrc', `location=${from}`, '!',
      'syrinxchunkdec', 'format=ece', `key=${key}`, 'keyid=k', '!', 'filesink', `location=${to}`]);
    assert.ok(readFileSync(to).equals(plain), `record size ${rs}`);
  }
}

/* --- All of it --- */

async function makeForeignKeys() {
  const keys = {};
  for (const alg of FOREIGN_ALGS) {
    const pair = await jose.generateKeyPair(alg, { extractable: true });
    keys[alg] = { ...pair, jwk: { ...await jose.exportJWK(pair.publicKey), kid: alg, alg, use: 'sig' } };
  }
  return keys;
}

async function start() {
  const foreign = await makeForeignKeys();
  const service = await startDaemon((folder) => {
    const jwks = join(folder, 'jwks.json');
    writeFileSync(jwks, JSON.stringify({ keys: Object.values(foreign).map(({ jwk }) => jwk) }));
    return `jwks=${jwks}`;
  });
  return { ...service, foreign, track: await find(service, service.token) };
}

const tests = [joseUnwrapsTheKeysOfChunks, joseUnwrapsTheKeyOfASession, whatIsNoGoodKeyIsRefused,
  joseVerifiesOurTokens, weTakeTheTokensOfJose, weRefuseWhatIsForged, opensslDecryptsAChunk,
  httpEceDecryptsFragments, httpEceDecryptsTheStream, chunkdecDecryptsHttpEce];

const service = await start();
try {
  for (const test of tests) {
    await test(service);
    console.log(`ok ${test.name}`);
  }
} finally {
  await service.stop();
}
