/** Uploads that are cut off and go on, spoken by a tus client of somebody else's and by hand. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Upload } from 'tus-js-client';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { startRelay, type Relay } from '../relay.ts';
import { testDatabase, type TestDatabase } from '../storage/test-database.ts';
import { Actor, testConfig } from '../test-actor.ts';

const MEGABYTE = 1024 ** 2;
let database: TestDatabase;
let relay: Relay;
let dataDir: string;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database?.stop());
beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'ting-uploads-'));
  relay = await start();
});
afterEach(async () => {
  await relay?.stop();
  rmSync(dataDir, { recursive: true });
});

const start = () =>
  startRelay(testConfig(database.url, { dataDir, blobMaxBytes: 64 * MEGABYTE, personMaxBytes: 100 * MEGABYTE }));
const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const TUS = { 'tus-resumable': '1.0.0' };
const meta = (said: Record<string, string>) =>
  Object.entries(said)
    .map(([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`)
    .join(',');

async function begin(who: Actor, conversation: string, sha256: string, size: number) {
  const answer = await who.ask('POST', '/api/uploads', undefined, {
    ...TUS,
    'upload-length': String(size),
    'upload-metadata': meta({ sha256, conversation }),
  });
  return { ...answer, at: answer.headers.get('location') ?? '' };
}
const patch = (who: Actor, at: string, offset: number, bytes: Uint8Array) =>
  who.ask('PATCH', at, bytes, {
    ...TUS,
    'upload-offset': String(offset),
    'content-type': 'application/offset+octet-stream',
  });
const offsetOf = async (who: Actor, at: string) => {
  const { status, headers } = await fetch(who.url + at, { method: 'HEAD', headers: { ...TUS, cookie: who.cookie } });
  return status === 200 ? Number(headers.get('upload-offset')) : status;
};
async function read(who: Actor, sha256: string) {
  const response = await fetch(`${relay.url}/api/blobs/${sha256}`, { headers: { cookie: who.cookie } });
  return Buffer.from(await response.arrayBuffer());
}

/** Begins to send what it announces, until the relay has written some of it; answers how to hang up. */
async function halfway(who: Actor, at: string, from: number, bytes: Uint8Array): Promise<() => void> {
  const socket = connect(relay.port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(
    `PATCH ${at} HTTP/1.1\r\nHost: x\r\nCookie: ${who.cookie}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: ${from}\r\n` +
      `Content-Type: application/offset+octet-stream\r\nContent-Length: ${bytes.length - from}\r\n\r\n`,
  );
  socket.write(bytes.subarray(from, from + MEGABYTE));
  const part = join(dataDir, 'uploads', `${at.slice(at.lastIndexOf('/') + 1)}.part`);
  while (statSync(part).size <= from) await new Promise((resolve) => setImmediate(resolve));
  return () => socket.destroy();
}

test('[B5] a tus client uploads in pieces, and what it uploaded is there', async () => {
  const an = await Actor.signUp(relay.url, 'An');
  const conversation = await an.group('Phim');
  const bytes = randomBytes(5 * MEGABYTE + 3);
  const sha256 = hashOf(bytes);
  await new Promise<void>((resolve, reject) => {
    new Upload(bytes, {
      endpoint: `${relay.url}/api/uploads`,
      chunkSize: 2 * MEGABYTE,
      headers: { cookie: an.cookie },
      metadata: { sha256, conversation },
      onSuccess: () => resolve(),
      onError: reject,
    }).start();
  });
  expect((await read(an, sha256)).equals(bytes)).toBe(true);
});

test('[B5] a line that was cut off in the middle costs what was on it, and no more', async () => {
  const an = await Actor.signUp(relay.url, 'An');
  const group = await an.group('Phim');
  const bytes = randomBytes(8 * MEGABYTE);
  const sha256 = hashOf(bytes);
  const { at } = await begin(an, group, sha256, bytes.length);
  const hangUp = await halfway(an, at, 0, bytes);
  hangUp();
  const offset = await offsetOf(an, at);
  expect(offset).toBeGreaterThan(0);
  expect(offset).toBeLessThanOrEqual(MEGABYTE);
  expect((await patch(an, at, 1 + offset, bytes.subarray(1 + offset))).status).toBe(409);
  const rest = await patch(an, at, offset, bytes.subarray(offset));
  expect([rest.status, rest.headers.get('upload-offset')]).toEqual([204, String(bytes.length)]);
  expect((await read(an, sha256)).equals(bytes)).toBe(true);
  expect(await offsetOf(an, at)).toBe(bytes.length);
});

test('[B5] it goes on after the relay was stopped in the middle of it and started anew', async () => {
  const an = await Actor.signUp(relay.url, 'An');
  const group = await an.group('Phim');
  const bytes = randomBytes(6 * MEGABYTE);
  const sha256 = hashOf(bytes);
  const { at } = await begin(an, group, sha256, bytes.length);
  expect((await patch(an, at, 0, bytes.subarray(0, 2_000_000))).status).toBe(204);
  const hangUp = await halfway(an, at, 2_000_000, bytes);
  await relay.stop();
  hangUp();
  relay = await start();
  const anThere = Object.assign(new Actor(relay.url, an.name), { cookie: an.cookie, id: an.id });
  const offset = await offsetOf(anThere, at);
  expect(offset).toBeGreaterThan(2_000_000);
  expect((await patch(anThere, at, offset, bytes.subarray(offset))).status).toBe(204);
  expect((await read(anThere, sha256)).equals(bytes)).toBe(true);
});

test('[B5] who comes back on another line, while the relay still waits on the old one, goes on', async () => {
  const an = await Actor.signUp(relay.url, 'An');
  const group = await an.group('Phim');
  const bytes = randomBytes(4 * MEGABYTE);
  const { at } = await begin(an, group, hashOf(bytes), bytes.length);
  const hangUp = await halfway(an, at, 0, bytes);
  const offset = await offsetOf(an, at);
  expect((await patch(an, at, offset, bytes.subarray(offset))).status).toBe(204);
  hangUp();
  expect((await read(an, hashOf(bytes))).equals(bytes)).toBe(true);
});

test('[B5] an upload belongs to who began it, and is taken back by them', async () => {
  const [an, binh] = [await Actor.signUp(relay.url, 'An'), await Actor.signUp(relay.url, 'Bình')];
  const group = await an.group('Nhóm', binh);
  const bytes = randomBytes(1_000);
  const { at } = await begin(an, group, hashOf(bytes), bytes.length);
  expect(await offsetOf(binh, at)).toBe(404);
  expect((await patch(binh, at, 0, bytes)).status).toBe(404);
  expect((await binh.ask('DELETE', at, undefined, TUS)).status).toBe(404);
  expect((await an.ask('DELETE', at, undefined, TUS)).status).toBe(204);
  expect(await offsetOf(an, at)).toBe(404);
  expect(readdirSync(join(dataDir, 'uploads'))).toEqual([]);
});

test('[B1] [B7] what is too large, too long, of another hash, or for a place one is not in is refused', async () => {
  const [an, binh] = [await Actor.signUp(relay.url, 'An'), await Actor.signUp(relay.url, 'Bình')];
  const group = await an.group('Nhóm');
  const bytes = randomBytes(1_000);
  expect(await begin(an, group, hashOf(bytes), 5 * 1024 ** 3)).toMatchObject({
    status: 413,
    body: { code: 'too-large' },
  });
  expect(await begin(binh, group, hashOf(bytes), 5)).toMatchObject({ status: 403, body: { code: 'not-a-member' } });
  // What is announced counts from then on.
  expect((await begin(an, group, '1'.repeat(64), 60 * MEGABYTE)).status).toBe(201);
  expect(await begin(an, group, '2'.repeat(64), 60 * MEGABYTE)).toMatchObject({ body: { code: 'share-used-up' } });

  const short = await begin(an, group, hashOf(bytes), 500);
  expect((await patch(an, short.at, 0, bytes)).status).toBe(413);
  const other = await begin(an, group, hashOf(randomBytes(5)), bytes.length);
  expect(await patch(an, other.at, 0, bytes)).toMatchObject({ status: 400, body: { code: 'wrong-hash' } });
  expect(await offsetOf(an, other.at)).toBe(404);
  expect((await an.ask('POST', '/api/uploads', undefined, { 'upload-length': '5' })).status).toBe(400);
});
