/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The page: search, browse, a queue, and a player over the session API. */
import { EcePlayer, makeKeys, whyNot } from './ece.js';

const $ = (id) => document.getElementById(id);
const audio = $('audio');
const PAGE_SIZE = 100;
const TYPING_PAUSE_MS = 150;
const RENEW_BEFORE_MS = 60_000;
const MAX_TIMER_MS = 2 ** 31 - 1;

/* --- Token and API --- */

function takeToken() {
  const match = /(?:^#|&)token=([^&]+)/.exec(location.hash);
  if (!match) return;
  sessionStorage.setItem('token', decodeURIComponent(match[1]));
  history.replaceState(history.state, '', location.pathname + location.search);
}

const token = () => sessionStorage.getItem('token') ?? '';

class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const WORDS = {
  401: 'Your token is not valid, or no longer. Ask for a new one.',
  403: 'Your token does not allow this.',
  404: 'That is no longer in the library.',
  410: 'This session has ended.',
  429: 'Too many requests just now; wait a moment.',
  503: 'The service is full just now; try again in a moment.',
};

async function api(method, path, { body, signal, keepalive } = {}) {
  const headers = { Authorization: `Bearer ${token()}` };
  if (body) headers['Content-Type'] = 'application/json';
  let response;
  try {
    response = await fetch(path, {
      method, headers, signal, keepalive, body: body && JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError(0, 'The service does not answer. Is it running?');
  }
  if (response.ok) return response.status === 204 ? null : response.json();
  if (response.status === 401) askForToken();
  const problem = await response.json().catch(() => ({}));
  throw new ApiError(response.status, WORDS[response.status] ?? problem.detail
    ?? problem.title ?? `The service answered ${response.status}.`);
}

function report(error) {
  if (error.name === 'AbortError') return;
  $('notice').textContent = error.message;
  $('notice').hidden = false;
}

function clearNotice() {
  $('notice').hidden = true;
}

const announce = (text) => { $('live').textContent = text; };

/* --- Small things --- */

function element(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

function clock(seconds) {
  if (!Number.isFinite(seconds)) return '';
  const whole = Math.max(0, Math.floor(seconds));
  const rest = String(whole % 60).padStart(2, '0');
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}

const artworkUrl = (id) =>
  `/v1/tracks/${encodeURIComponent(id)}/artwork?token=${encodeURIComponent(token())}`;

/* A picture that isn't there leaves the reeds behind it to be seen. */
function showArtwork(image, id) {
  image.hidden = true;
  image.onload = () => { image.hidden = false; };
  if (id) image.src = artworkUrl(id);
  else image.removeAttribute('src');
}

const artworkOf = (track) => (track.has_artwork === false ? null : track.id);
const lengthOf = (track) => track.duration;

/* --- Views --- */

const view = { request: null, tracks: [], cursor: null, path: '' };

function begin() {
  view.request?.abort();
  view.request = new AbortController();
  return view.request.signal;
}

function show(name) {
  for (const id of ['signin', 'album-view', 'track-view']) $(id).hidden = id !== name;
}

function askForToken() {
  sessionStorage.removeItem('token');
  show('signin');
  $('token').focus();
}

async function showAlbums() {
  const signal = begin();
  const albums = [];
  let cursor = null;
  do {
    const query = new URLSearchParams({ limit: PAGE_SIZE });
    if (cursor) query.set('cursor', cursor);
    const page = await api('GET', `/v1/albums?${query}`, { signal });
    albums.push(...page.albums);
    cursor = page.next_cursor;
  } while (cursor);
  $('albums').replaceChildren(...albums.map(albumCard));
  if (!albums.length) {
    $('albums').append(element('li', { className: 'empty' },
      'No albums yet. The library may still be read: try a search in a moment.'));
  }
  show('album-view');
  announce(`${albums.length} albums`);
}

function albumCard(album) {
  const image = element('img', { alt: '', loading: 'lazy', hidden: true });
  if (album.artwork_track_id) {
    image.hidden = false; /* a hidden picture is never loaded lazily */
    image.onerror = () => { image.hidden = true; };
    image.src = artworkUrl(album.artwork_track_id);
  }
  const button = element('button', { type: 'button' },
    element('span', { className: 'art' }, image),
    element('span', { className: 'name' }, album.name || 'Single tracks'),
    element('span', { className: 'sub' },
      [album.artist, album.year].filter(Boolean).join(' · ')));
  button.addEventListener('click', () => go({ album: album.name, album_id: album.id,
    artist: album.artist ?? '', art: album.artwork_track_id ?? '' }));
  return element('li', {}, button);
}

/* Albums of one name are told apart by album_id; a link without it lists all of that name. */
async function showTracks({ q, album, album_id, artist, art }) {
  const query = new URLSearchParams({ limit: PAGE_SIZE });
  if (q) query.set('q', q);
  if (album_id) query.set('album_id', album_id);
  else if (album) query.set('album', album);
  view.path = `/v1/tracks?${query}`;
  const page = await api('GET', view.path, { signal: begin() });
  view.tracks = page.tracks;
  view.cursor = page.next_cursor;
  $('tracks-kind').textContent = q ? 'Search' : 'Album';
  $('tracks-title').textContent = q ? `“${q}”` : album ?? 'Single tracks';
  $('tracks-sub').textContent = artist || '';
  showArtwork($('heading-art'), art);
  renderTracks();
  show('track-view');
  announce(view.tracks.length ? `${view.tracks.length} tracks` : 'Nothing found');
}

/* The service lists by artist first; an album wants its own order. */
function sortAlbum() {
  if ($('tracks-kind').textContent !== 'Album') return;
  const disc = (track) => track.disc_number || 1; /* 0: the file does not say */
  const number = (track) => track.track_number || 1e6;
  view.tracks.sort((a, b) => disc(a) - disc(b) || number(a) - number(b));
}

function renderTracks() {
  sortAlbum();
  $('tracks').replaceChildren(...view.tracks.map((track, i) => trackRow(track, i)));
  if (!view.tracks.length) {
    $('tracks').append(element('li', { className: 'empty' },
      'Nothing found. Fewer or shorter words find more.'));
  }
  $('more').hidden = !view.cursor;
  $('play-all').hidden = !view.tracks.length;
  markCurrent();
}

function trackRow(track, index) {
  const text = element('span', { className: 'text' },
    element('span', { className: 'name' }, track.title),
    element('small', {}, track.artist ?? ''));
  const button = element('button', { type: 'button' },
    element('span', { className: 'number' }, String(index + 1)), text,
    element('span', { className: 'text sub album' }, track.album ?? ''),
    element('span', { className: 'length' }, clock(lengthOf(track))));
  button.dataset.id = track.id;
  button.setAttribute('aria-label',
    `Play ${track.title}${track.artist ? ` by ${track.artist}` : ''}`);
  button.addEventListener('click', () => playList(view.tracks, index));
  return element('li', {}, button);
}

async function showMore() {
  const page = await api('GET', `${view.path}&cursor=${encodeURIComponent(view.cursor)}`,
    { signal: begin() });
  view.tracks = view.tracks.concat(page.tracks);
  view.cursor = page.next_cursor;
  renderTracks();
}

function go(place, { replace = false } = {}) {
  const query = new URLSearchParams(Object.entries(place).filter(([, value]) => value)).toString();
  history[replace ? 'replaceState' : 'pushState'](null, '', query ? `?${query}` : location.pathname);
  open();
}

function open() {
  const place = Object.fromEntries(new URLSearchParams(location.search));
  clearNotice();
  if (document.activeElement !== $('q')) $('q').value = place.q ?? '';
  if (!token()) { askForToken(); return; }
  (place.q || place.album || place.album_id ? showTracks(place) : showAlbums()).catch(report);
}

/* --- The queue and the player --- */

const player = {
  queue: [], index: -1, session: null, hls: null, ece: null, renewal: 0,
  turn: 0, /* of play requests: what comes back for an older one is dropped */
  retried: false,
};

const current = () => player.queue[player.index];

function playList(tracks, index) {
  player.queue = tracks.slice();
  playIndex(index);
}

async function playIndex(index, { at = 0, retried = false } = {}) {
  if (index < 0 || index >= player.queue.length) return;
  const turn = ++player.turn;
  player.index = index;
  player.retried = retried;
  closeSession();
  showCurrent();
  clearNotice();
  try {
    const session = await api('POST', '/v1/sessions',
      { body: { track_id: current().id, ...await askForOwnKey() } });
    if (turn !== player.turn) { endSession(session); return; }
    player.session = session;
    scheduleRenewal(session);
    load(session, at);
  } catch (error) {
    if (turn === player.turn) report(error);
  }
}

/* --- Keys for this device only --- */

let ownKeys = null; /* made when they are first needed, and gone with the page */

const wantsOwnKeys = () => !whyNot() && localStorage.getItem('own-keys') === 'yes';

async function askForOwnKey() {
  if (!wantsOwnKeys()) return {};
  ownKeys ??= await makeKeys();
  return { encryption: 'ece', public_key: ownKeys.jwk };
}

async function loadWithOwnKey(session, at) {
  const ece = new EcePlayer(audio, session, ownKeys.privateKey);
  player.ece = ece;
  try {
    await ece.open(at);
    if (ece !== player.ece) return;
    start();
    await ece.run();
  } catch (error) {
    if (ece === player.ece && error.name !== 'AbortError') recover(error.status, error.message);
  }
}

function showOwnKeys() {
  const reason = whyNot();
  $('own-keys').disabled = Boolean(reason);
  $('own-keys').checked = wantsOwnKeys();
  if (reason) $('own-keys-note').textContent = reason;
}

/* What plays goes on by the new setting, from where it is. */
function changeOwnKeys() {
  localStorage.setItem('own-keys', $('own-keys').checked ? 'yes' : 'no');
  if (player.session) playIndex(player.index, { at: audio.currentTime });
}

/* --- Playing --- */

/* Safari plays HLS by itself, and only so may it choose the AAC rendition. */
function hasNativeHls() {
  return audio.canPlayType('application/vnd.apple.mpegurl') !== ''
    && !globalThis.MediaSource?.isTypeSupported('audio/mp4; codecs="opus"');
}

function load(session, at) {
  if (session.encryption === 'ece') {
    loadWithOwnKey(session, at);
    return;
  }
  if (!session.hls_url) { report(new Error('This session has nothing that a browser can play.')); return; }
  if (hasNativeHls()) {
    audio.src = session.hls_url;
    audio.addEventListener('loadedmetadata', () => { audio.currentTime = at; }, { once: true });
    start();
  } else if (globalThis.Hls?.isSupported()) {
    loadWithHls(session, at);
  } else {
    report(new Error('This browser cannot play HLS.'));
  }
}

function loadWithHls(session, at) {
  const hls = new globalThis.Hls({ enableWorker: false, startPosition: at, maxBufferLength: 30 });
  player.hls = hls;
  hls.on('hlsError', (_, data) => { if (data.fatal && hls === player.hls) recover(data.response?.code); });
  hls.on('hlsManifestParsed', start);
  hls.loadSource(session.hls_url);
  hls.attachMedia(audio);
}

function start() {
  audio.play().catch((error) => {
    if (error.name === 'NotAllowedError') announce('Press play to listen');
    else if (error.name !== 'AbortError') report(new Error('This track cannot be played here.'));
  });
}

/* A session that ran out or was lost is made anew, once, where it stood. */
function recover(status, message) {
  if (!player.retried) {
    playIndex(player.index, { at: audio.currentTime, retried: true });
    return;
  }
  closeSession();
  report(new Error(WORDS[status] ?? message ?? 'The stream broke off. Press play to try again.'));
}

function scheduleRenewal(session) {
  const left = session.expires_at * 1000 - Date.now() - RENEW_BEFORE_MS;
  if (!Number.isFinite(left)) return;
  player.renewal = setTimeout(() => renew(session), Math.min(Math.max(left, 5000), MAX_TIMER_MS));
}

async function renew(session) {
  try {
    const renewed = await api('POST', `/v1/sessions/${session.id}/renew`);
    if (player.session === session && renewed?.expires_at) {
      session.expires_at = renewed.expires_at;
      scheduleRenewal(session);
    }
  } catch (error) {
    if (player.session === session) report(error);
  }
}

function closeSession() {
  clearTimeout(player.renewal);
  player.hls?.destroy();
  player.hls = null;
  player.ece?.destroy();
  player.ece = null;
  audio.removeAttribute('src');
  audio.load();
  if (player.session) endSession(player.session);
  player.session = null;
}

function endSession(session) {
  api('DELETE', `/v1/sessions/${session.id}`, { keepalive: true }).catch(() => {
    /* it ends by itself when its time is up */
  });
}

function toggle() {
  if (!current()) {
    if (view.tracks.length && !$('track-view').hidden) playList(view.tracks, 0);
    return;
  }
  if (!player.session) playIndex(player.index);
  else if (audio.paused) start();
  else audio.pause();
}

const next = () => playIndex(player.index + 1);

function previous() {
  if (audio.currentTime > 3 || player.index === 0) seekTo(0);
  else playIndex(player.index - 1);
}

function seekTo(seconds) {
  if (!Number.isFinite(audio.duration)) return;
  audio.currentTime = Math.min(Math.max(seconds, 0), audio.duration);
  showTime();
}

/* --- What the player shows --- */

function showCurrent() {
  const track = current();
  $('title').textContent = track.title;
  $('artist').textContent = track.artist || 'Unknown artist';
  showArtwork($('art'), artworkOf(track));
  document.title = `${track.title} · Syrinx`;
  announce(`Playing ${track.title}${track.artist ? ` by ${track.artist}` : ''}`);
  if ('mediaSession' in navigator) {
    navigator.mediaSession.metadata = new MediaMetadata({
      title: track.title, artist: track.artist ?? '', album: track.album ?? '',
      artwork: artworkOf(track) ? [{ src: artworkUrl(track.id) }] : [],
    });
  }
  markCurrent();
  renderQueue();
}

function markCurrent() {
  for (const button of document.querySelectorAll('#tracks button')) {
    if (button.dataset.id === current()?.id) button.setAttribute('aria-current', 'true');
    else button.removeAttribute('aria-current');
  }
  $('previous').disabled = !current();
  $('next').disabled = player.index + 1 >= player.queue.length;
}

function renderQueue() {
  $('queue-list').replaceChildren(...player.queue.map((track, index) => {
    const button = element('button', { type: 'button' },
      element('span', { className: 'text' },
        element('span', { className: 'name' }, track.title), element('small', {}, track.artist ?? '')),
      element('span', { className: 'length' }, clock(lengthOf(track))));
    if (index === player.index) button.setAttribute('aria-current', 'true');
    button.addEventListener('click', () => playIndex(index));
    return element('li', {}, button);
  }));
}

function showTime() {
  const total = Number.isFinite(audio.duration) ? audio.duration : 0;
  const seek = $('seek');
  seek.disabled = total === 0;
  seek.max = total;
  if (!seek.matches(':active')) seek.value = audio.currentTime;
  seek.setAttribute('aria-valuetext', `${clock(audio.currentTime)} of ${clock(total)}`);
  $('elapsed').textContent = clock(audio.currentTime);
  $('total').textContent = clock(total);
}

function showPlaying() {
  document.body.classList.toggle('playing', !audio.paused);
  $('play').setAttribute('aria-label', audio.paused ? 'Play' : 'Pause');
}

function showVolume() {
  $('volume').value = audio.volume;
  $('mute').setAttribute('aria-pressed', String(audio.muted));
}

function toggleQueue() {
  $('queue').hidden = !$('queue').hidden;
  $('show-queue').setAttribute('aria-expanded', String(!$('queue').hidden));
}

/* --- Hands --- */

const KEYS = {
  ' ': toggle, n: next, p: previous, q: toggleQueue,
  m: () => { audio.muted = !audio.muted; },
  '/': () => $('q').focus(),
  ArrowLeft: () => seekTo(audio.currentTime - 10),
  ArrowRight: () => seekTo(audio.currentTime + 10),
};

function onKey(event) {
  const { target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || target.matches('input')) return;
  if (event.key === ' ' && target.matches('button, a')) return;
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

let typing = 0;
function onType() {
  clearTimeout(typing);
  typing = setTimeout(() => go({ q: $('q').value.trim() },
    { replace: new URLSearchParams(location.search).has('q') }), TYPING_PAUSE_MS);
}

function connect() {
  $('home').addEventListener('click', () => go({}));
  $('q').addEventListener('input', onType);
  $('search').addEventListener('submit', (event) => { event.preventDefault(); onType(); });
  $('signin').addEventListener('submit', (event) => {
    event.preventDefault();
    sessionStorage.setItem('token', $('token').value.trim());
    $('token').value = '';
    open();
  });
  $('play-all').addEventListener('click', () => playList(view.tracks, 0));
  $('more').addEventListener('click', () => showMore().catch(report));
  $('play').addEventListener('click', toggle);
  $('next').addEventListener('click', next);
  $('previous').addEventListener('click', previous);
  $('show-queue').addEventListener('click', toggleQueue);
  $('seek').addEventListener('input', () => seekTo(Number($('seek').value)));
  $('own-keys').addEventListener('change', changeOwnKeys);
  $('mute').addEventListener('click', KEYS.m);
  $('volume').addEventListener('input', () => { audio.volume = Number($('volume').value); });
  document.addEventListener('keydown', onKey);
  addEventListener('popstate', open);
  addEventListener('hashchange', () => { takeToken(); open(); });
  addEventListener('pagehide', () => { if (player.session) endSession(player.session); });
  for (const type of ['play', 'pause', 'emptied']) audio.addEventListener(type, showPlaying);
  for (const type of ['timeupdate', 'durationchange']) audio.addEventListener(type, showTime);
  audio.addEventListener('volumechange', showVolume);
  audio.addEventListener('playing', () => { player.retried = false; });
  audio.addEventListener('ended', next);
  connectMediaKeys();
}

function connectMediaKeys() {
  const { mediaSession } = navigator;
  if (!mediaSession) return;
  const actions = {
    play: toggle, pause: toggle, nexttrack: next, previoustrack: previous,
    seekto: (details) => seekTo(details.seekTime),
  };
  for (const [name, handler] of Object.entries(actions)) mediaSession.setActionHandler(name, handler);
}

takeToken();
connect();
showOwnKeys();
markCurrent();
open();
