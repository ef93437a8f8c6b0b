/** Files through the relay, as programs outside bring and read them: who may, what they get, and what happens to what is wrong. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startRelay, type Relay } from '../relay.ts';
import { testDatabase, type TestDatabase } from '../storage/test-database.ts';
import { Actor, testConfig } from '../test-actor.ts';

const MEGABYTE = 1024 ** 2;
let database: TestDatabase;
let relay: Relay;
let dataDir: string;
beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'ting-blobs-'));
  database = await testDatabase();
  relay = await startRelay(
    testConfig(database.url, { dataDir, blobMaxBytes: 8 * MEGABYTE, personMaxBytes: 20 * MEGABYTE }),
  );
});
afterAll(async () => {
  await relay?.stop();
  await database?.stop();
  rmSync(dataDir, { recursive: true });
});

const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const bring = (who: Actor, where: string, bytes: Uint8Array, sha256 = hashOf(bytes)) =>
  who.ask('PUT', `/api/blobs/${sha256}?${where}`, bytes);

async function read(who: Actor, sha256: string, headers: Record<string, string> = {}, method = 'GET') {
  const response = await fetch(`${relay.url}/api/blobs/${sha256}`, {
    method,
    headers: { cookie: who.cookie, ...headers },
  });
  return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) };
}

const attached = (sha256: string, size: number, more: object = {}) => ({
  attachments: [{ sha256, name: 'tệp', type: 'application/octet-stream', size, ...more }],
});

test('[B1] what is brought is there, by its hash, byte for byte; what does not hash to its name is refused and gone', async () => {
  const an = await Actor.signUp(relay.url, 'An');
  const group = await an.group('Ảnh');
  const bytes = randomBytes(3 * MEGABYTE + 5);
  const sha256 = hashOf(bytes);
  expect(await bring(an, `conversation=${group}`, bytes)).toMatchObject({
    status: 201,
    body: { sha256, size: bytes.length, type: 'application/octet-stream' },
  });
  expect((await bring(an, `conversation=${group}`, bytes)).status).toBe(200);
  const got = await read(an, sha256);
  expect(got.status).toBe(200);
  expect(got.bytes.equals(bytes)).toBe(true);
  expect(got.headers.get('content-length')).toBe(String(bytes.length));

  const wrong = hashOf(randomBytes(8));
  expect(await bring(an, `conversation=${group}`, bytes, wrong)).toMatchObject({
    status: 400,
    body: { code: 'wrong-hash' },
  });
  expect((await read(an, wrong)).status).toBe(403);
  expect(readdirSync(join(dataDir, 'uploads'))).toEqual([]);
});

test('[B8] a part is given where a part is asked for', async () => {
  const an = await Actor.signUp(relay.url, 'An');
  const group = await an.group('Phim');
  const bytes = randomBytes(2 * MEGABYTE);
  const sha256 = hashOf(bytes);
  await bring(an, `conversation=${group}`, bytes);
  const part = async (range: string) => {
    const got = await read(an, sha256, { range });
    return [got.status, got.headers.get('content-range'), got.status === 206 ? hashOf(got.bytes) : got.bytes.length];
  };
  const of = (from: number, to: number) => [
    206,
    `bytes ${from}-${to - 1}/${bytes.length}`,
    hashOf(bytes.subarray(from, to)),
  ];
  expect(await part('bytes=0-0')).toEqual(of(0, 1));
  expect(await part('bytes=1000000-1999999')).toEqual(of(1_000_000, 2_000_000));
  expect(await part('bytes=2097000-')).toEqual(of(2_097_000, bytes.length));
  expect(await part('bytes=-10')).toEqual(of(bytes.length - 10, bytes.length));
  expect(await part('bytes=5-99999999')).toEqual(of(5, bytes.length));
  expect(await read(an, sha256, { range: `bytes=${bytes.length}-` })).toMatchObject({ status: 416 });
  expect((await part('bytes=9-5'))[0]).toBe(200);
  expect((await part('bytes=0-1,5-6'))[0]).toBe(200);
  expect((await part('rubbish'))[0]).toBe(200);
  const etag = (await read(an, sha256, {}, 'HEAD')).headers.get('etag') ?? '';
  expect((await read(an, sha256, { 'if-none-match': etag })).status).toBe(304);
  expect((await read(an, sha256, { range: 'bytes=0-0', 'if-range': etag })).status).toBe(206);
  expect((await read(an, sha256, { range: 'bytes=0-0', 'if-range': '"other"' })).status).toBe(200);
  const head = await read(an, sha256, {}, 'HEAD');
  expect([head.status, head.headers.get('content-length'), head.bytes.length]).toEqual([200, String(bytes.length), 0]);
});

test('[B3] it is read by who brought it and by members who see a message that names it, and by nobody else', async () => {
  const [an, binh, chi] = await Promise.all(['An', 'Bình', 'Chi'].map((name) => Actor.signUp(relay.url, name)));
  if (an === undefined || binh === undefined || chi === undefined) return;
  const group = await an.group('Gia đình', binh);
  const bytes = randomBytes(1_000);
  const sha256 = hashOf(bytes);
  const seenBy = async () => Promise.all([an, binh, chi].map(async (who) => (await read(who, sha256)).status));
  await bring(an, `conversation=${group}`, bytes);
  expect(await seenBy()).toEqual([200, 403, 403]);
  await an.post(group, '', attached(sha256, bytes.length));
  expect(await seenBy()).toEqual([200, 200, 403]);
  expect((await fetch(`${relay.url}/api/blobs/${sha256}`)).status).toBe(401);

  await an.ask('DELETE', `/api/conversations/${group}/members/${binh.id}`);
  expect(await seenBy()).toEqual([200, 403, 403]);
});

test('[B7] what is too large, or beyond the share, is refused before its bytes are taken', async () => {
  const an = await Actor.signUp(relay.url, 'An');
  const group = await an.group('Nhiều');
  const announced = await new Promise<number>((resolve, reject) => {
    const asked = request(`${relay.url}/api/blobs/${'0'.repeat(64)}?conversation=${group}`, {
      method: 'PUT',
      headers: { cookie: an.cookie, 'content-length': 5 * 1024 ** 3 },
    });
    asked.on('response', (answer) => resolve(answer.statusCode ?? 0)).on('error', reject);
    asked.flushHeaders();
  });
  expect(announced).toBe(413);
  for (let i = 0; i < 2; i++)
    expect((await bring(an, `conversation=${group}`, randomBytes(8 * MEGABYTE))).status).toBe(201);
  expect(await bring(an, `conversation=${group}`, randomBytes(5 * MEGABYTE))).toMatchObject({
    status: 413,
    body: { code: 'share-used-up' },
  });
  expect(await an.ask('GET', '/api/blobs/limits')).toMatchObject({
    status: 200,
    body: { blobMaxBytes: 8 * MEGABYTE, personMaxBytes: 20 * MEGABYTE, usedBytes: 16 * MEGABYTE },
  });
  expect((await bring(an, `conversation=${group}`, randomBytes(4 * MEGABYTE))).status).toBe(201);
});

test('[B1] nothing, is a blob too', async () => {
  const an = await Actor.signUp(relay.url, 'An');
  const group = await an.group('Rỗng');
  const nothing = new Uint8Array();
  expect(await bring(an, `conversation=${group}`, nothing)).toMatchObject({ body: { size: 0 } });
  expect(await read(an, hashOf(nothing))).toMatchObject({ status: 200, bytes: Buffer.alloc(0) });
});

test('[B1] what is cut off, or does not say how long it is, is refused, and nothing of it stays', async () => {
  const an = await Actor.signUp(relay.url, 'An');
  const group = await an.group('Dở dang');
  const bytes = randomBytes(2 * MEGABYTE);
  const line = `PUT /api/blobs/${hashOf(bytes)}?conversation=${group} HTTP/1.1\r\nHost: x\r\nCookie: ${an.cookie}\r\n`;
  const staged = () => readdirSync(join(dataDir, 'uploads'));
  const cut = connect(relay.port, '127.0.0.1');
  cut.write(`${line}Content-Length: ${bytes.length}\r\n\r\n`);
  cut.write(bytes.subarray(0, MEGABYTE));
  await expect.poll(staged).toHaveLength(1);
  // As who says more than they bring, and goes.
  cut.end();
  await expect.poll(staged).toEqual([]);
  expect((await read(an, hashOf(bytes))).status).toBe(403);

  const unsaid = await fetch(`${relay.url}/api/blobs/${hashOf(bytes)}?conversation=${group}`, {
    method: 'PUT',
    headers: { cookie: an.cookie },
    body: new Blob([bytes]).stream(),
    duplex: 'half',
  } as RequestInit);
  expect([unsaid.status, await unsaid.json()]).toEqual([400, expect.objectContaining({ code: 'invalid-input' })]);
  expect(staged()).toEqual([]);

  // Who says less than they bring has brought what they said.
  const more = connect(relay.port, '127.0.0.1');
  const answered = once(more, 'data');
  more.write(`${line}Content-Length: 1000\r\n\r\n`);
  more.write(bytes.subarray(0, 1_001));
  expect(String(await answered)).toMatch(/^HTTP\/1.1 400 [^]*wrong-hash/);
  more.destroy();
  expect(staged()).toEqual([]);
  expect((await bring(an, `conversation=${group}`, bytes)).status).toBe(201);
});

test('[B7] who passes on many at the same moment does not get beyond their share either', async () => {
  const [an, binh] = [await Actor.signUp(relay.url, 'An'), await Actor.signUp(relay.url, 'Bình')];
  const [from, to] = [await an.group('Phim', binh), await binh.group('Của Bình')];
  const films = [randomBytes(8 * MEGABYTE), randomBytes(8 * MEGABYTE)];
  for (const film of films) {
    expect((await bring(an, `conversation=${from}`, film)).status).toBe(201);
    await an.post(from, '', attached(hashOf(film), film.length));
  }
  expect((await bring(binh, `conversation=${to}`, randomBytes(8 * MEGABYTE))).status).toBe(201);
  const passed = await Promise.all(
    films.map((film) => binh.ask('POST', `/api/blobs/${hashOf(film)}/grants`, { conversation: to })),
  );
  expect(passed.map(({ status }) => status).sort()).toEqual([204, 413]);
  expect((await binh.ask('GET', '/api/blobs/limits')).body['usedBytes']).toBe(16 * MEGABYTE);
});
