/** Uploads by somebody who means no good: each is refused in a word, nobody else notices, and nothing is left over. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Sha256 } from '#shared/ids.ts';
import { UPLOADS_MAX_COUNT } from '#shared/limits.ts';
import type { Incoming } from '../exchange.ts';
import { startRelay, type Relay } from '../relay.ts';
import { testDatabase, type TestDatabase } from '../storage/test-database.ts';
import { Actor, testConfig } from '../test-actor.ts';
import { heldBytes } from '../test-memory.ts';
import { Blobs } from './blobs.ts';
import { folderStore } from './folder-store.ts';
import { Space } from './space.ts';
import { Uploads } from './uploads.ts';

const MEGABYTE = 1024 ** 2;
const TUS = { 'tus-resumable': '1.0.0' };
const BYTES = { ...TUS, 'content-type': 'application/offset+octet-stream' };

let database: TestDatabase;
let relay: Relay;
let dataDir: string;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database?.stop());
beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'ting-hostile-'));
  relay = await start();
});
afterEach(async () => {
  await relay?.stop();
  rmSync(dataDir, { recursive: true });
});

const start = () => startRelay(testConfig(database.url, { dataDir, blobMaxBytes: 64 * MEGABYTE }));
const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex') as Sha256;
const base64 = (text: string) => Buffer.from(text).toString('base64');
const meta = (sha256: string, conversation: string) => `sha256 ${base64(sha256)},conversation ${base64(conversation)}`;
const left = () => readdirSync(join(dataDir, 'uploads'));

async function begin(who: Actor, conversation: string, sha256: string, size: number | string, said?: string) {
  const answer = await who.ask('POST', '/api/uploads', undefined, {
    ...TUS,
    'upload-length': String(size),
    'upload-metadata': said ?? meta(sha256, conversation),
  });
  return { ...answer, at: answer.headers.get('location') ?? '' };
}
const patch = (who: Actor, at: string, offset: number | string, bytes: Uint8Array) =>
  who.ask('PATCH', at, bytes, { ...BYTES, 'upload-offset': String(offset) });
const head = (who: Actor, at: string) =>
  fetch(who.url + at, { method: 'HEAD', headers: { ...TUS, cookie: who.cookie } });
async function read(who: Actor, sha256: string): Promise<Buffer> {
  const response = await fetch(`${relay.url}/api/blobs/${sha256}`, { headers: { cookie: who.cookie } });
  return Buffer.from(await response.arrayBuffer());
}

/** Sends some of it, until the relay has written some of that; answers how to send the rest, and what the relay says then. */
async function halfway(who: Actor, at: string, bytes: Uint8Array): Promise<() => Promise<string>> {
  const socket = connect(relay.port, '127.0.0.1');
  const answered = new Promise<string>((resolve) => {
    socket.once('data', (answer: Buffer) => resolve(String(answer).slice(9, 12)));
    socket.once('error', () => resolve('cut off'));
  });
  socket.write(
    `PATCH ${at} HTTP/1.1\r\nHost: x\r\nCookie: ${who.cookie}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n` +
      `Content-Type: application/offset+octet-stream\r\nContent-Length: ${bytes.length}\r\n\r\n`,
  );
  socket.write(bytes.subarray(0, 100_000));
  const part = join(dataDir, 'uploads', `${at.slice(at.lastIndexOf('/') + 1)}.part`);
  while (statSync(part).size === 0) await new Promise((resolve) => setImmediate(resolve));
  return async () => {
    socket.write(bytes.subarray(100_000));
    const answer = await answered;
    socket.destroy();
    return answer;
  };
}

test('[B54] who begins more than the limit at the same moment gets the limit, and of what has arrived as many are remembered', async () => {
  const [an, binh] = [await Actor.signUp(relay.url, 'An'), await Actor.signUp(relay.url, 'Bình')];
  const group = await an.group('Nhiều', binh);
  const begun = await Promise.all(
    Array.from({ length: UPLOADS_MAX_COUNT + 50 }, () => begin(an, group, hashOf(randomBytes(8)), 1_000)),
  );
  const taken = begun.filter(({ status }) => status === 201);
  expect(taken).toHaveLength(UPLOADS_MAX_COUNT);
  for (const { status, body } of begun)
    if (status !== 201) expect([status, body]).toEqual([422, expect.objectContaining({ code: 'too-many' })]);
  expect((await begin(binh, group, hashOf(randomBytes(8)), 1_000)).status).toBe(201);
  const removed = await Promise.all(taken.map(({ at }) => an.ask('DELETE', at, undefined, TUS)));
  expect(removed.every(({ status }) => status === 204)).toBe(true);
  expect(left().filter((name) => name.endsWith('.json'))).toHaveLength(1);

  const nothing = hashOf(new Uint8Array());
  for (let round = 0; round < 2; round++) {
    const arrived = await Promise.all(Array.from({ length: 70 }, () => begin(an, group, nothing, 0)));
    expect(arrived.every(({ status }) => status === 201)).toBe(true);
  }
  expect(left().filter((name) => name.endsWith('.json'))).toHaveLength(1 + UPLOADS_MAX_COUNT);
});

test('[B54] lengths and places that lie are refused, and the upload goes on where it was', async () => {
  const an = await Actor.signUp(relay.url, 'An');
  const group = await an.group('Phim');
  const bytes = randomBytes(1_000);
  for (const size of ['-1', '1e3', '0x10', ' ', '9'.repeat(16), '1.5'])
    expect((await begin(an, group, hashOf(bytes), size)).status).toBe(400);
  expect((await begin(an, group, hashOf(bytes), '9'.repeat(15))).status).toBe(413);
  const { at } = await begin(an, group, hashOf(bytes), bytes.length);
  expect((await patch(an, at, 0, bytes.subarray(0, 400))).status).toBe(204);
  for (const offset of ['-1', '4e2', '', '9'.repeat(16)]) expect((await patch(an, at, offset, bytes)).status).toBe(400);
  for (const offset of [0, 399, 401, 1_000, '9'.repeat(15)])
    expect(await patch(an, at, offset, bytes.subarray(400))).toMatchObject({ status: 409, body: { code: 'conflict' } });
  expect((await patch(an, at, 400, bytes)).status).toBe(413);
  // Without saying how much it is.
  const unsaid = await fetch(relay.url + at, {
    method: 'PATCH',
    headers: { ...BYTES, cookie: an.cookie, 'upload-offset': '400' },
    body: new Blob([bytes, bytes]).stream(),
    duplex: 'half',
  } as RequestInit);
  expect(unsaid.status).toBe(413);
  const offset = Number((await head(an, at)).headers.get('upload-offset'));
  expect(offset).toBe(400);
  expect((await patch(an, at, offset, bytes.subarray(offset))).status).toBe(204);
  expect((await read(an, hashOf(bytes))).equals(bytes)).toBe(true);
});

test('[B54] metadata as long as headers may be is read, rubbish in it does no harm, and what is longer is refused', async () => {
  const an = await Actor.signUp(relay.url, 'An');
  const group = await an.group('Phim');
  const sha256 = hashOf(randomBytes(8));
  const rubbish = `x ${'A'.repeat(12_000)}`;
  expect((await begin(an, group, sha256, 5, `${meta(sha256, group)},${rubbish}`)).status).toBe(201);
  for (const said of [
    rubbish,
    ','.repeat(12_000),
    'sha256,conversation',
    `sha256 ${base64('../../etc/passwd')},conversation ${base64(group)}`,
    `__proto__ ${base64(sha256)},conversation ${base64(group)}`,
    `${meta(sha256, group)},profile ${base64('1')}`,
  ])
    expect((await begin(an, group, sha256, 5, said)).status).toBe(400);
  const tooLong = await begin(an, group, sha256, 5, `${meta(sha256, group)},x ${'A'.repeat(60_000)}`).then(
    ({ status }) => status,
    () => 'cut off',
  );
  expect([431, 'cut off']).toContain(tooLong);
  expect(left()).toHaveLength(2);
});

test('[B54] who knows the address of somebody else’s upload neither stops it, nor hears of it, however often they ask', async () => {
  const [an, binh] = [await Actor.signUp(relay.url, 'An'), await Actor.signUp(relay.url, 'Bình')];
  const group = await an.group('Phim', binh);
  const bytes = randomBytes(3 * MEGABYTE);
  const { at } = await begin(an, group, hashOf(bytes), bytes.length);
  const goOn = await halfway(an, at, bytes);
  const flood = async (): Promise<void> => {
    const asked = await Promise.all(
      Array.from({ length: 300 }, async (_, time) => {
        if (time % 3 === 0) return (await head(binh, at)).status;
        if (time % 3 === 1) return (await patch(binh, at, 0, bytes.subarray(0, 10))).status;
        return (await binh.ask('DELETE', at, undefined, TUS)).status;
      }),
    );
    expect(new Set(asked)).toEqual(new Set([404]));
  };
  // What is lent to uploads is kept for the next ones, once.
  await flood();
  const before = heldBytes();
  await flood();
  expect(heldBytes() - before).toBeLessThan(4 * MEGABYTE);
  expect(await goOn()).toBe('204');
  expect((await read(an, hashOf(bytes))).equals(bytes)).toBe(true);
});

test('[B54] many at once on one upload are one after another: it ends whole, or is gone with all its files', async () => {
  const an = await Actor.signUp(relay.url, 'An');
  const group = await an.group('Phim');
  const bytes = randomBytes(2 * MEGABYTE);
  const { at } = await begin(an, group, hashOf(bytes), bytes.length);
  const statuses = await Promise.all(
    Array.from({ length: 40 }, async (_, time) =>
      time % 4 === 3 ? (await head(an, at)).status : (await patch(an, at, 0, bytes)).status,
    ),
  );
  for (const status of statuses) expect([200, 204, 409, 503]).toContain(status);
  const offset = Number((await head(an, at)).headers.get('upload-offset'));
  if (offset < bytes.length) expect((await patch(an, at, offset, bytes.subarray(offset))).status).toBe(204);
  expect((await read(an, hashOf(bytes))).equals(bytes)).toBe(true);
  expect((await an.ask('DELETE', at, undefined, TUS)).status).toBe(204);

  const other = randomBytes(2 * MEGABYTE);
  const again = await begin(an, group, hashOf(other), other.length);
  await Promise.all([
    ...Array.from({ length: 10 }, () => patch(an, again.at, 0, other)),
    an.ask('DELETE', again.at, undefined, TUS),
    ...Array.from({ length: 10 }, () => patch(an, again.at, 0, other)),
  ]);
  expect((await head(an, again.at)).status).toBe(404);
  expect(left()).toEqual([]);
});

test('[B54] also those that waited for the same end', async () => {
  const folder = join(dataDir, 'at-once');
  const parts = { uploads: folder, now: Date.now, moved: () => undefined };
  const limits = { blobMaxBytes: MEGABYTE, personMaxBytes: MEGABYTE, kept: () => Promise.resolve(0) };
  const space = new Space({ folders: [folder], ...limits });
  const blobs = new Blobs({ sql: database.sql, store: folderStore(join(dataDir, 'blobs')), space, ...parts });
  const uploads = await Uploads.open({ folder, blobs, space, ...parts });
  const { id: person } = await Actor.signUp(relay.url, 'An');
  const bytes = randomBytes(3_000);
  const begun = await uploads.begin(person, person, hashOf(bytes), bytes.length);
  if (!begun.ok) return expect.unreachable(begun.fault);
  const { id } = begun.upload;
  const silent: Incoming = {
    length: null,
    chunks: { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }) },
  };
  const some = (): Incoming => ({ length: 1_000, chunks: one(bytes.subarray(0, 1_000)) });
  const outcomes = await Promise.all([
    uploads.append(person, id, 0, silent),
    ...Array.from({ length: 5 }, () => uploads.append(person, id, 0, some())),
  ]);
  expect(outcomes[0]).toMatchObject({ ok: false, fault: 'not-ready' });
  const found = await uploads.find(person, id);
  if (!found.ok) return expect.unreachable(found.fault);
  const { offset } = found.upload;
  expect([0, 1_000]).toContain(offset);
  const rest = bytes.subarray(offset);
  expect(await uploads.append(person, id, offset, { length: rest.length, chunks: one(rest) })).toMatchObject({
    ok: true,
    upload: { offset: bytes.length },
  });
});

test('[B54] one that was left for weeks, also while the relay was not running, goes when it starts', async () => {
  const an = await Actor.signUp(relay.url, 'An');
  const group = await an.group('Phim');
  const bytes = randomBytes(2_000);
  const [old, fresh] = [
    await begin(an, group, hashOf(randomBytes(8)), 1_000_000),
    await begin(an, group, hashOf(bytes), bytes.length),
  ];
  expect((await patch(an, old.at, 0, randomBytes(1_000))).status).toBe(204);
  await relay.stop();
  const idOf = (at: string) => at.slice(at.lastIndexOf('/') + 1);
  const weeksAgo = Date.now() / 1_000 - 21 * 24 * 60 * 60;
  for (const end of ['part', 'json'])
    utimesSync(join(dataDir, 'uploads', `${idOf(old.at)}.${end}`), weeksAgo, weeksAgo);
  for (const name of ['x.part', 'y.json', 'z.json.draft']) writeFileSync(join(dataDir, 'uploads', name), '{"half');
  relay = await start();
  await expect.poll(() => left().sort()).toEqual([`${idOf(fresh.at)}.json`, `${idOf(fresh.at)}.part`]);
  const anThere = Object.assign(new Actor(relay.url, an.name), { cookie: an.cookie, id: an.id });
  expect((await head(anThere, old.at)).status).toBe(404);
  expect((await patch(anThere, fresh.at, 0, bytes)).status).toBe(204);
});

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}
