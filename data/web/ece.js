/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plays a session whose bytes are encrypted for this browser alone: the key comes as a JWE for a
 * key pair that cannot leave it, each fragment is one message of RFC 8188 (aes128gcm), and what
 * is decrypted goes to Media Source Extensions. */
const AHEAD_S = 30; /* how much is fetched before it is heard */
const BEHIND_S = 30; /* how much is kept when room is short */
const SLACK_S = 0.1; /* by which a fragment may miss its place */
const TAG_BYTES = 16;
const SALT_BYTES = 16;
const HEADER_BYTES = SALT_BYTES + 4 + 1;

const utf8 = new TextEncoder();

/* Why this browser cannot do it, here; null if it can. */
export function whyNot() {
  if (!globalThis.isSecureContext) {
    return 'This page came over plain HTTP, where browsers offer no cryptography. '
      + 'Open it by https, or on localhost.';
  }
  if (!globalThis.crypto?.subtle || !globalThis.MediaSource) return 'This browser cannot do this.';
  return null;
}

/* A pair for key agreement. The private half is usable by this page and readable by nobody. */
export async function makeKeys() {
  const pair = await crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, false,
    ['deriveBits']);
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  return { privateKey: pair.privateKey, jwk: { kty, crv, x, y } };
}

/* --- The key: JWE (RFC 7516), ECDH-ES+A256KW and A256GCM (RFC 7518) --- */

function fromBase64url(text) {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function uint32(number) {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

const withLength = (bytes) => concat(uint32(bytes.length), bytes);

/* RFC 7518, section 4.6.2, for one round of SHA-256. */
async function agree(header, privateKey) {
  const theirs = await crypto.subtle.importKey('jwk', header.epk,
    { name: 'ECDH', namedCurve: 'P-256' }, false, []);
  const secret = await crypto.subtle.deriveBits({ name: 'ECDH', public: theirs }, privateKey, 256);
  const info = concat(withLength(utf8.encode(header.alg)),
    withLength(fromBase64url(header.apu ?? '')), withLength(fromBase64url(header.apv ?? '')),
    uint32(256));
  const derived = await crypto.subtle.digest('SHA-256',
    concat(uint32(1), new Uint8Array(secret), info));
  return crypto.subtle.importKey('raw', derived, 'AES-KW', false, ['unwrapKey']);
}

/* The JWK Set within. */
async function unwrap(jwe, privateKey) {
  const [head, wrapped, iv, text, tag] = jwe.split('.');
  const header = JSON.parse(new TextDecoder().decode(fromBase64url(head)));
  if (header.alg !== 'ECDH-ES+A256KW' || header.enc !== 'A256GCM') {
    throw new Error(`The key came by ${header.alg} and ${header.enc}, which nobody asked for.`);
  }
  const key = await crypto.subtle.unwrapKey('raw', fromBase64url(wrapped),
    await agree(header, privateKey), 'AES-KW', 'AES-GCM', false, ['decrypt']);
  const plain = await crypto.subtle.decrypt(
    { name: 'AES-GCM', iv: fromBase64url(iv), additionalData: utf8.encode(head) },
    key, concat(fromBase64url(text), fromBase64url(tag)));
  return JSON.parse(new TextDecoder().decode(plain));
}

async function openKey(session, privateKey) {
  const { keys } = await unwrap(session.key, privateKey);
  const own = keys.find((key) => key.kty === 'oct' && key.kid === session.id);
  if (!own) throw new Error('The session came without its key.');
  return crypto.subtle.importKey('raw', fromBase64url(own.k), 'HKDF', false,
    ['deriveKey', 'deriveBits']);
}

/* --- A message: RFC 8188 --- */

const damaged = () => new Error('What came is not what was sent.');

async function deriveForSalt(key, salt) {
  const by = (info) => ({ name: 'HKDF', hash: 'SHA-256', salt, info: utf8.encode(info) });
  const [content, nonce] = await Promise.all([
    crypto.subtle.deriveKey(by('Content-Encoding: aes128gcm\0'), key,
      { name: 'AES-GCM', length: 128 }, false, ['decrypt']),
    crypto.subtle.deriveBits(by('Content-Encoding: nonce\0'), key, 96),
  ]);
  return { content, nonce: new Uint8Array(nonce) };
}

/* A fragment has fewer than 2^32 records. */
function nonceOf(base, record) {
  const nonce = base.slice();
  const tail = new DataView(nonce.buffer, 8);
  tail.setUint32(0, tail.getUint32(0) ^ record);
  return nonce;
}

/* Less the padding, whose first byte tells the last record from the others. */
function unpad(plain, isLast) {
  let end = plain.length - 1;
  while (end >= 0 && plain[end] === 0) end -= 1;
  if (end < 0 || plain[end] !== (isLast ? 2 : 1)) throw damaged();
  return plain.subarray(0, end);
}

async function decryptMessage(key, message) {
  if (message.length < HEADER_BYTES) throw damaged();
  const recordSize = new DataView(message.buffer, message.byteOffset).getUint32(SALT_BYTES);
  const body = message.subarray(HEADER_BYTES + message[HEADER_BYTES - 1]);
  const { content, nonce } = await deriveForSalt(key, message.subarray(0, SALT_BYTES));
  if (recordSize <= TAG_BYTES + 1 || !body.length) throw damaged();
  const count = Math.ceil(body.length / recordSize);
  const records = await Promise.all(Array.from({ length: count }, async (_, i) => {
    const record = body.subarray(i * recordSize, (i + 1) * recordSize);
    const plain = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: nonceOf(nonce, i) },
      content, record).catch(() => { throw damaged(); });
    return unpad(new Uint8Array(plain), i === count - 1);
  }));
  return concat(...records);
}

/* --- The player --- */

class StatusError extends Error {
  constructor(status) {
    super(`The service answered ${status}.`);
    this.status = status;
  }
}

const once = (target, ...types) => new Promise((resolve) => {
  const done = () => {
    for (const type of types) target.removeEventListener(type, done);
    resolve();
  };
  for (const type of types) target.addEventListener(type, done);
});

export class EcePlayer {
  #audio;
  #session;
  #privateKey;
  #ended = new AbortController();
  #source = new MediaSource();
  #url = '';
  #buffer = null;
  #key = null;
  #list = null;
  #starts = [];
  #duration = 0;

  constructor(audio, session, privateKey) {
    this.#audio = audio;
    this.#session = session;
    this.#privateKey = privateKey;
  }

  /* Attaches to the audio element, at @at seconds; resolves when it can be played. */
  async open(at) {
    this.#key = await openKey(this.#session, this.#privateKey);
    const response = await this.#fetch(this.#session.fragments_url);
    this.#choose((await response.json()).renditions);
    this.#url = URL.createObjectURL(this.#source);
    this.#audio.src = this.#url;
    await once(this.#source, 'sourceopen');
    this.#buffer = this.#source.addSourceBuffer(this.#typeOf(this.#list));
    this.#source.duration = this.#duration;
    await this.#append(await this.#load(this.#list.init_url));
    this.#audio.currentTime = at;
  }

  /* Keeps the element fed until destroy(); rejects when that is over too early. */
  async run() {
    while (!this.#ended.signal.aborted) {
      const wanted = this.#findWanted();
      if (wanted < 0) {
        this.#finish();
        await once(this.#audio, 'timeupdate', 'seeking', 'waiting', 'emptied');
      } else {
        await this.#feed(wanted);
      }
    }
  }

  destroy() {
    this.#ended.abort();
    if (this.#url) URL.revokeObjectURL(this.#url);
  }

  #typeOf(rendition) {
    return `${rendition.mime_type}; codecs="${rendition.codecs}"`;
  }

  #choose(renditions) {
    this.#list = renditions.find((one) => MediaSource.isTypeSupported(this.#typeOf(one)));
    if (!this.#list) throw new Error('This browser can play none of the renditions.');
    for (const fragment of this.#list.fragments) {
      this.#starts.push(this.#duration);
      this.#duration += fragment.duration_s;
    }
  }

  async #fetch(address) {
    const response = await fetch(new URL(address, this.#session.fragments_url),
      { signal: this.#ended.signal });
    if (!response.ok) throw new StatusError(response.status);
    return response;
  }

  async #load(address) {
    const response = await this.#fetch(address);
    return decryptMessage(this.#key, new Uint8Array(await response.arrayBuffer()));
  }

  /* Until when there is something from @time on without a gap. */
  #bufferedFrom(time) {
    const { buffered } = this.#buffer;
    let end = time;
    for (let i = 0; i < buffered.length; i += 1) {
      if (buffered.start(i) <= end + SLACK_S && buffered.end(i) > end) end = buffered.end(i);
    }
    return end;
  }

  /* The number of the fragment to fetch next, -1 if there is enough. */
  #findWanted() {
    const now = this.#audio.currentTime;
    const end = this.#bufferedFrom(now);
    if (end > now + AHEAD_S || end > this.#duration - SLACK_S) return -1;
    return this.#starts.findLastIndex((start) => start <= end + SLACK_S / 2);
  }

  async #feed(number) {
    const bytes = await this.#load(this.#list.fragments[number].url);
    if (this.#findWanted() !== number) return; /* a seek came between */
    await this.#append(bytes);
    if (this.#findWanted() !== number) return;
    if (number < this.#starts.length - 1) throw new Error('A fragment did not fit in its place.');
    this.#duration = this.#bufferedFrom(this.#audio.currentTime); /* it is a little shorter */
  }

  /* After a seek back the source is open again, though its end may still be there. */
  #finish() {
    const end = this.#bufferedFrom(this.#audio.currentTime);
    if (end > this.#duration - SLACK_S && this.#source.readyState === 'open') {
      this.#source.endOfStream();
    }
  }

  async #append(bytes) {
    if (this.#ended.signal.aborted) return;
    try {
      this.#buffer.appendBuffer(bytes);
    } catch (error) {
      if (error.name !== 'QuotaExceededError') throw error;
      await this.#makeRoom();
      this.#buffer.appendBuffer(bytes);
    }
    await once(this.#buffer, 'updateend');
  }

  async #makeRoom() {
    this.#buffer.remove(0, Math.max(this.#audio.currentTime - BEHIND_S, 0.1));
    await once(this.#buffer, 'updateend');
  }
}
