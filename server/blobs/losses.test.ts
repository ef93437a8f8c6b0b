/** What goes wrong on the way: a relay that is killed, people who do not come back, readers who stop reading. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ConversationId, UserId } from '#shared/ids.ts';
import { startRelay } from '../relay.ts';
import { testDatabase, type TestDatabase } from '../storage/test-database.ts';
import { Actor, testConfig } from '../test-actor.ts';
import { heldBytes } from '../test-memory.ts';
import { RelayProcess } from '../trials/relay-process.ts';
import { Blobs } from './blobs.ts';
import { folderStore } from './folder-store.ts';
import { Space } from './space.ts';
import { Uploads } from './uploads.ts';

const MEGABYTE = 1024 ** 2;
const DAY_MILLIS = 24 * 60 * 60_000;
let database: TestDatabase;
let dataDir: string;
beforeAll(async () => {
  database = await testDatabase();
  dataDir = mkdtempSync(join(tmpdir(), 'ting-losses-'));
});
afterAll(async () => {
  await database?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

test('[B19] after a kill in the middle of it a blob is whole or not there, and nothing half brought stays', async () => {
  const relay = new RelayProcess({ databaseUrl: database.url, dataDir });
  await relay.start();
  try {
    const an = await Actor.signUp(relay.url, 'An');
    const group = await an.group('Phim');
    const films = Array.from({ length: 6 }, () => randomBytes(4 * MEGABYTE));
    const bring = (film: Uint8Array) =>
      an.ask('PUT', `/api/blobs/${hashOf(film)}?conversation=${group}`, film).then(
        ({ status }) => status,
        () => 'cut off',
      );
    // One of them has arrived; where the others are is different each time.
    const brought = films.map(bring);
    await Promise.race(brought);
    await relay.kill();
    const fates = await Promise.all(brought);
    await relay.start();
    for (const [index, film] of films.entries()) {
      const answer = await fetch(`${relay.url}/api/blobs/${hashOf(film)}`, { headers: { cookie: an.cookie } });
      const bytes = Buffer.from(await answer.arrayBuffer());
      if (fates[index] === 201) expect(answer.status).toBe(200);
      if (answer.status === 200) expect(bytes.equals(film)).toBe(true);
      else expect(answer.status).toBe(403);
    }
    expect(readdirSync(join(dataDir, 'uploads'))).toEqual([]);
    expect(await Promise.all(films.map(bring))).toEqual(
      films.map(() => expect.toSatisfy((status) => status === 200 || status === 201)),
    );
  } finally {
    await relay.stop();
  }
}, 120_000);

test('[B19] an upload for which nobody comes back is forgotten after a day, with its bytes and the room it held', async () => {
  const folder = join(dataDir, 'expiring');
  let now = Date.now();
  const parts = { uploads: folder, now: () => now, moved: () => undefined };
  const limits = { blobMaxBytes: 100, personMaxBytes: 100, kept: () => Promise.resolve(0) };
  const space = new Space({ folders: [folder], ...limits });
  const blobs = new Blobs({ sql: database.sql, store: folderStore(join(dataDir, 'blobs')), space, ...parts });
  const uploads = await Uploads.open({ folder, blobs, space, ...parts });
  const person = crypto.randomUUID() as UserId;
  const begin = () => uploads.begin(person, person, hashOf(new Uint8Array(100)) as never, 100);
  const begun = await begin();
  if (!begun.ok) return expect.unreachable(begun.fault);
  now += DAY_MILLIS - 1_000;
  await uploads.expire();
  expect((await uploads.find(person, begun.upload.id)).ok).toBe(true);
  expect(await begin()).toMatchObject({ ok: false, fault: 'share-used-up' });
  now += 2_000;
  await uploads.expire();
  expect(await uploads.find(person, begun.upload.id)).toEqual({ ok: false, fault: 'not-found' });
  expect(readdirSync(folder)).toEqual([]);
  expect((await begin()).ok).toBe(true);
});

test('[B18] who stops reading a large file costs a piece of it, and gets the rest when they go on', async () => {
  const relay = await startRelay(testConfig(database.url, { dataDir: join(dataDir, 'slow') }));
  try {
    const an = await Actor.signUp(relay.url, 'An');
    const group: ConversationId = await an.group('Phim');
    const keepFilm = async (): Promise<string> => {
      const film = randomBytes(40 * MEGABYTE);
      expect((await an.ask('PUT', `/api/blobs/${hashOf(film)}?conversation=${group}`, film)).status).toBe(201);
      return hashOf(film);
    };
    const film = await keepFilm();
    const readers = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const asked = request(`${relay.url}/api/blobs/${film}`, { headers: { cookie: an.cookie } }).end();
        const [response] = (await once(asked, 'response')) as [IncomingMessage];
        return response;
      }),
    );
    // One of them is read to its end: by then the relay has given the others what it gives to somebody who does not read.
    const read = async (response: IncomingMessage) => {
      const hash = createHash('sha256');
      for await (const piece of response) hash.update(piece as Buffer);
      return hash.digest('hex');
    };
    const [first, ...others] = readers;
    if (first === undefined) return expect.unreachable();
    expect(await read(first)).toBe(film);
    const held = heldBytes();
    expect(held).toBeLessThan(20 * MEGABYTE);
    expect(await Promise.all(others.map(read))).toEqual(others.map(() => film));
  } finally {
    await relay.stop();
  }
}, 120_000);
