/** A disk that runs full while something comes: a real one, of a relay that is given one of its own and has it taken away. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { testDatabase, type TestDatabase } from '../storage/test-database.ts';
import { Actor } from '../test-actor.ts';
import { RelayProcess } from '../trials/relay-process.ts';

const MEGABYTE = 1024 ** 2;
/** More than what has to stay free for the database. */
const ROOMY = '1g';
const UNSHARED = ['--user', '--map-root-user', '--mount', '--'];
const TUS = { 'tus-resumable': '1.0.0' };
/** Not in every container, and on Linux only. */
const hasDisks = spawnSync('unshare', [...UNSHARED, 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir()]).status === 0;

let database: TestDatabase;
let relay: RelayProcess;
let dataDir: string;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database?.stop());
afterEach(async () => {
  await relay?.remove();
  rmSync(dataDir, { recursive: true, force: true });
});

/** With its data on a disk of its own, and what lies in each of these folders on one more. */
async function startWithDisks(...folders: string[]): Promise<void> {
  dataDir = mkdtempSync(join(tmpdir(), 'ting-full-'));
  const mounts = ['', ...folders.map((folder) => `/${folder}`)].map(
    (folder) => `mkdir -p "$DATA_DIR${folder}" && mount -t tmpfs -o size=${ROOMY} tmpfs "$DATA_DIR${folder}"`,
  );
  const within = ['unshare', ...UNSHARED, 'sh', '-c', `${mounts.join(' && ')} && exec "$0" "$@"`] as const;
  relay = new RelayProcess({ databaseUrl: database.url, dataDir, within: [...within] });
  await relay.start();
}
/** The same path as the relay sees it. */
const there = (...path: string[]): string => join(`/proc/${relay.pid}/root`, relay.dataDir, ...path);
const resize = (size: string, folder = '.') =>
  execFileSync('nsenter', [
    ...['-t', String(relay.pid), '--user', '--preserve-credentials', '--mount'],
    ...['mount', '-o', `remount,size=${size}`, join(relay.dataDir, folder)],
  ]);

const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const placeOf = (sha256: string) => there('blobs', sha256.slice(0, 2), sha256.slice(2, 4), sha256);
const partsOf = () =>
  readdirSync(there('uploads'))
    .filter((name) => name.endsWith('.part'))
    .map((name) => statSync(there('uploads', name)).size);

/** Sends a little of it, and the rest when told; then what the relay says. */
function halfway(who: Actor, line: string, bytes: Uint8Array, more = ''): () => Promise<string> {
  const socket = connect(Number(new URL(relay.url).port), '127.0.0.1');
  const FIRST = 64 * 1024;
  socket.write(
    `${line} HTTP/1.1\r\nHost: x\r\nCookie: ${who.cookie}\r\n${more}Content-Length: ${bytes.length}\r\n\r\n`,
  );
  socket.write(bytes.subarray(0, FIRST));
  return async () => {
    const answered = once(socket, 'data');
    socket.write(bytes.subarray(FIRST));
    const answer = String(await answered);
    socket.destroy();
    return `${answer.slice(9, 12)} ${/"code":"([a-z-]+)"/.exec(answer)?.[1] ?? ''}`.trim();
  };
}
const halfwayPut = (who: Actor, group: string, bytes: Uint8Array) =>
  halfway(who, `PUT /api/blobs/${hashOf(bytes)}?conversation=${group}`, bytes);
const halfwayPatch = (who: Actor, at: string, bytes: Uint8Array) =>
  halfway(
    who,
    `PATCH ${at}`,
    bytes,
    'Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\n',
  );
const base64 = (text: string) => Buffer.from(text).toString('base64');
async function begin(who: Actor, group: string, bytes: Uint8Array): Promise<string> {
  const { headers } = await who.ask('POST', '/api/uploads', undefined, {
    ...TUS,
    'upload-length': String(bytes.length),
    'upload-metadata': `sha256 ${base64(hashOf(bytes))},conversation ${base64(group)}`,
  });
  return headers.get('location') ?? '';
}
const head = (who: Actor, at: string) =>
  fetch(relay.url + at, { method: 'HEAD', headers: { ...TUS, cookie: who.cookie } });
async function read(who: Actor, sha256: string): Promise<Buffer> {
  const answer = await fetch(`${relay.url}/api/blobs/${sha256}`, { headers: { cookie: who.cookie } });
  return Buffer.from(await answer.arrayBuffer());
}

test.skipIf(!hasDisks)(
  '[B50] what the disk runs full of is refused, leaves nothing half-written, and goes on when there is room',
  async () => {
    await startWithDisks();
    const an = await Actor.signUp(relay.url, 'An');
    const group = await an.group('Phim');
    const [film, picture] = [randomBytes(4 * MEGABYTE), randomBytes(4 * MEGABYTE)];
    const at = await begin(an, group, film);
    const [patched, put] = [halfwayPatch(an, at, film), halfwayPut(an, group, picture)];
    await expect.poll(() => partsOf().filter((size) => size > 0)).toHaveLength(2);
    resize(`${3 * MEGABYTE}`);
    expect(await Promise.all([patched(), put()])).toEqual(['507 no-room', '507 no-room']);
    expect(partsOf()).toHaveLength(1);
    for (const bytes of [film, picture]) {
      expect(existsSync(placeOf(hashOf(bytes)))).toBe(false);
      expect((await an.ask('GET', `/api/blobs/${hashOf(bytes)}`)).status).toBe(403);
    }
    // Nothing more is begun.
    expect(await an.ask('PUT', `/api/blobs/${hashOf(picture)}?conversation=${group}`, picture)).toMatchObject({
      status: 507,
      body: { code: 'no-room' },
    });

    resize(ROOMY);
    const offset = Number((await head(an, at)).headers.get('upload-offset'));
    expect(offset).toBeGreaterThan(0);
    expect(offset).toBeLessThan(film.length);
    const rest = await an.ask('PATCH', at, film.subarray(offset), {
      ...TUS,
      'upload-offset': String(offset),
      'content-type': 'application/offset+octet-stream',
    });
    expect(rest.status).toBe(204);
    expect((await an.ask('PUT', `/api/blobs/${hashOf(picture)}?conversation=${group}`, picture)).status).toBe(201);
    for (const bytes of [film, picture]) expect((await read(an, hashOf(bytes))).equals(bytes)).toBe(true);
    expect(partsOf()).toEqual([]);
  },
);

test.skipIf(!hasDisks)(
  '[B50] also where the blobs lie on a disk of their own: what has come whole is kept when there is room, and not said to be there before',
  async () => {
    await startWithDisks('blobs');
    const an = await Actor.signUp(relay.url, 'An');
    const group = await an.group('Phim');
    const [film, picture, small] = [randomBytes(4 * MEGABYTE), randomBytes(4 * MEGABYTE), randomBytes(1_000)];
    // As a crash has left it weeks ago.
    mkdirSync(there('blobs/drafts'));
    writeFileSync(there('blobs/drafts/left'), 'half');
    utimesSync(there('blobs/drafts/left'), 1, 1);
    const at = await begin(an, group, film);
    const [patched, put] = [halfwayPatch(an, at, film), halfwayPut(an, group, picture)];
    await expect.poll(() => partsOf().filter((size) => size > 0)).toHaveLength(2);
    resize(`${MEGABYTE}`, 'blobs');
    expect(await Promise.all([patched(), put()])).toEqual(['507 no-room', '507 no-room']);
    expect((await head(an, at)).status).toBe(507);
    expect(readdirSync(there('blobs/drafts'))).toEqual([]);
    for (const bytes of [film, picture]) expect(existsSync(placeOf(hashOf(bytes)))).toBe(false);
    // Before its bytes are taken, now that it is known.
    expect(await an.ask('PUT', `/api/blobs/${hashOf(small)}?conversation=${group}`, small)).toMatchObject({
      status: 507,
    });

    resize(ROOMY, 'blobs');
    const whole = await head(an, at);
    expect([whole.status, whole.headers.get('upload-offset')]).toEqual([200, String(film.length)]);
    expect((await read(an, hashOf(film))).equals(film)).toBe(true);
    expect(readdirSync(there('blobs/drafts'))).toEqual([]);
    expect(partsOf()).toEqual([]);
  },
);
