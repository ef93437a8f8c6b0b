/** What every store promises: the folder, and S3 against a server that speaks it. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import S3rver from '@20minutes/s3rver';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Sha256 } from '#shared/ids.ts';
import { startRelay } from '../relay.ts';
import { testDatabase } from '../storage/test-database.ts';
import { Actor, testConfig } from '../test-actor.ts';
import { RelayProcess } from '../trials/relay-process.ts';
import { folderStore } from './folder-store.ts';
import { s3Store } from './s3-store.ts';
import type { BlobStore, ByteRange } from './store.ts';

const MEGABYTE = 1024 ** 2;
const BUCKET = 'ting';
const TUS = { 'tus-resumable': '1.0.0' };
const base64 = (text: string) => Buffer.from(text).toString('base64');
const metadata = (sha256: Sha256, conversation: string) =>
  `sha256 ${base64(sha256)},conversation ${base64(conversation)}`;

interface Home {
  store: BlobStore;
  stop(): Promise<void>;
}

const homes: Record<string, (folder: string) => Promise<Home>> = {
  'a folder': (folder) => {
    const store = folderStore(join(folder, 'blobs'));
    return Promise.resolve({ store, stop: () => Promise.resolve() });
  },
  S3: async (folder) => {
    const server = new S3rver({
      port: 0,
      address: '127.0.0.1',
      silent: true,
      // It signs the address of a list in a way of its own.
      allowMismatchedSignatures: true,
      directory: join(folder, 's3'),
    });
    const { port } = await server.run();
    const store = s3Store({
      endpoint: `http://127.0.0.1:${port}`,
      bucket: BUCKET,
      region: 'us-east-1',
      accessKeyId: 'S3RVER',
      secretAccessKey: 'S3RVER',
    });
    await store.prepare();
    await store.prepare();
    return {
      store,
      async stop() {
        store.stop();
        await server.close();
      },
    };
  },
};

describe.each(Object.entries(homes))('[B2] %s', (_name, open) => {
  let folder: string;
  let home: Home;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ting-store-'));
    mkdirSync(join(folder, 'in'));
    home = await open(folder);
  });
  afterAll(async () => {
    await home?.stop();
    rmSync(folder, { recursive: true });
  });

  async function keep(size: number) {
    const bytes = randomBytes(size);
    const sha256 = createHash('sha256').update(bytes).digest('hex') as Sha256;
    const path = join(folder, 'in', sha256);
    writeFileSync(path, bytes);
    await home.store.keep(sha256, path, size);
    return { bytes, sha256, path };
  }
  async function read(sha256: Sha256, range?: ByteRange): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of home.store.read(sha256, range)) chunks.push(chunk.slice());
    return Buffer.concat(chunks);
  }
  async function listed(): Promise<string[]> {
    const found: string[] = [];
    for await (const { sha256, size } of home.store.list()) found.push(`${sha256} ${size}`);
    return found.sort();
  }

  test.each([0, 1, 1_000, 20 * MEGABYTE + 1])('keeps %i bytes and gives them again', async (size) => {
    const { bytes, sha256, path } = await keep(size);
    expect((await read(sha256)).equals(bytes)).toBe(true);
    expect(await home.store.size(sha256)).toBe(size);
    // Brought twice, it is there once.
    await home.store.keep(sha256, path, size);
    expect((await read(sha256)).equals(bytes)).toBe(true);
  });

  test('gives a part', async () => {
    const { bytes, sha256 } = await keep(3 * MEGABYTE);
    for (const [first, last] of [
      // (0 to 0 is something that the server in the test reads as the whole.)
      [0, 1],
      [5, 5],
      [1_000_000, 2_999_999],
      [3 * MEGABYTE - 1, 3 * MEGABYTE - 1],
    ] as const)
      expect((await read(sha256, { first, last })).equals(bytes.subarray(first, last + 1))).toBe(true);
  });

  test('does not hold on to what somebody stops reading', async () => {
    const { sha256 } = await keep(5 * MEGABYTE);
    for (let time = 0; time < 60; time++)
      for await (const chunk of home.store.read(sha256)) {
        expect(chunk.byteLength).toBeLessThan(5 * MEGABYTE);
        break;
      }
    expect((await read(sha256)).length).toBe(5 * MEGABYTE);
  });

  test('lists what is there, and removes it', async () => {
    const before = await listed();
    const { sha256 } = await keep(77);
    expect(await listed()).toEqual([...before, `${sha256} 77`].sort());
    await home.store.remove(sha256);
    await home.store.remove(sha256);
    expect(await listed()).toEqual(before);
    expect(await home.store.size(sha256)).toBeNull();
    await expect(read(sha256)).rejects.toThrow();
  });

  test('keeps nothing of a file that cannot be read', async () => {
    const sha256 = 'a'.repeat(64) as Sha256;
    await expect(home.store.keep(sha256, join(folder, 'in', 'missing'), 5)).rejects.toThrow();
    expect(await home.store.size(sha256)).toBeNull();
  });
});

test('[B2] the folder does not mind what else lies in it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ting-store-'));
  const store = folderStore(folder);
  mkdirSync(join(folder, 'ab/cd'), { recursive: true });
  writeFileSync(join(folder, 'ab/cd', `${'a'.repeat(64)}.draft`), 'half');
  for await (const found of store.list()) expect.unreachable(found.sha256);
  expect(readdirSync(join(folder, 'ab/cd'))).toHaveLength(1);
  rmSync(folder, { recursive: true });
});

test('[B2] a relay with S3 keeps nothing in its own folder', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ting-store-'));
  const server = new S3rver({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory: join(folder, 's3'),
    allowMismatchedSignatures: true,
  });
  const { port } = await server.run();
  const database = await testDatabase();
  const s3 = {
    endpoint: `http://127.0.0.1:${port}`,
    bucket: BUCKET,
    region: 'us-east-1',
    accessKeyId: 'S3RVER',
    secretAccessKey: 'S3RVER',
  };
  const relay = await startRelay(testConfig(database.url, { dataDir: join(folder, 'data'), s3 }));
  try {
    const an = await Actor.signUp(relay.url, 'An');
    const group = await an.group('Ảnh');
    const bytes = randomBytes(9 * MEGABYTE);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    expect((await an.ask('PUT', `/api/blobs/${sha256}?conversation=${group}`, bytes)).status).toBe(201);
    const read = async (range: string) => {
      const answer = await fetch(`${relay.url}/api/blobs/${sha256}`, { headers: { cookie: an.cookie, range } });
      return Buffer.from(await answer.arrayBuffer());
    };
    expect((await read('')).equals(bytes)).toBe(true);
    expect((await read('bytes=5000000-5999999')).equals(bytes.subarray(5_000_000, 6_000_000))).toBe(true);
    expect(readdirSync(join(folder, 'data'))).toEqual(['uploads']);
    expect(readdirSync(join(folder, 'data/uploads'))).toEqual([]);
  } finally {
    await relay.stop();
    await database.stop();
    await server.close();
    rmSync(folder, { recursive: true });
  }
});

test('[B51] a relay that its environment gives S3 keeps, gives, removes and sweeps there, also when S3 comes up after it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ting-store-'));
  const serve = (port: number) =>
    new S3rver({
      port,
      address: '127.0.0.1',
      silent: true,
      directory: join(folder, 's3'),
      allowMismatchedSignatures: true,
    });
  // A free port, which nobody listens on yet.
  const before = serve(0);
  const { port } = await before.run();
  await before.close();
  const s3 = { endpoint: `http://127.0.0.1:${port}`, bucket: BUCKET, region: 'eu-north-1' };
  const keys = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };
  const database = await testDatabase();
  const relay = new RelayProcess({
    databaseUrl: database.url,
    environment: {
      S3_ENDPOINT: s3.endpoint,
      S3_BUCKET: s3.bucket,
      S3_REGION: s3.region,
      S3_ACCESS_KEY_ID: keys.accessKeyId,
      S3_SECRET_ACCESS_KEY: keys.secretAccessKey,
    },
  });
  const server = serve(port);
  const store = s3Store({ ...s3, ...keys });
  try {
    await relay.start();
    const an = await Actor.signUp(relay.url, 'An');
    const group = await an.group('Ảnh');
    const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex') as Sha256;
    const bring = (bytes: Uint8Array) =>
      an.ask('PUT', `/api/blobs/${hashOf(bytes)}?conversation=${group}`, bytes).then(({ status }) => status);
    const [film, picture, unnamed] = [randomBytes(9 * MEGABYTE), randomBytes(1_000), randomBytes(1_000)];
    expect(await bring(picture)).toBe(503);
    // In pieces: all of it comes, and is kept when it can be.
    const begun = await an.ask('POST', '/api/uploads', undefined, {
      ...TUS,
      'upload-length': String(film.length),
      'upload-metadata': metadata(hashOf(film), group),
    });
    const place = begun.headers.get('location') ?? '';
    const all = { ...TUS, 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' };
    expect((await an.ask('PATCH', place, film, all)).status).toBe(503);
    await server.run();
    const arrived = await an.ask('HEAD', place, undefined, TUS);
    expect([arrived.status, arrived.headers.get('upload-offset')]).toEqual([200, String(film.length)]);
    for (const bytes of [picture, unnamed]) expect(await bring(bytes)).toBe(201);
    const naming = (bytes: Uint8Array) => ({
      attachments: [{ sha256: hashOf(bytes), name: 'tệp', type: 'video/mp4', size: bytes.length }],
    });
    await an.post(group, '', naming(film));
    const { id } = await an.post(group, '', naming(picture));
    const read = async (bytes: Uint8Array, range = '') => {
      const answer = await fetch(`${relay.url}/api/blobs/${hashOf(bytes)}`, { headers: { cookie: an.cookie, range } });
      return { status: answer.status, bytes: Buffer.from(await answer.arrayBuffer()) };
    };
    expect((await read(film)).bytes.equals(film)).toBe(true);
    const part = await read(film, 'bytes=8000000-8999999');
    expect([part.status, part.bytes.equals(film.subarray(8_000_000, 9_000_000))]).toEqual([206, true]);
    const sizes = () => Promise.all([film, picture, unnamed].map((bytes) => store.size(hashOf(bytes))));
    expect(await sizes()).toEqual([film.length, 1_000, 1_000]);

    await an.ask('DELETE', `/api/conversations/${group}/messages/${id}`);
    // The time of grace goes by.
    await database.sql`update blob_grants set at = 0`;
    await relay.stop();
    await relay.start();
    await expect.poll(sizes).toEqual([film.length, null, null]);
    expect((await read(film)).bytes.equals(film)).toBe(true);
    expect((await read(picture)).status).toBe(403);
    // That an upload has arrived is remembered for a while, its bytes are not.
    const left = readdirSync(join(relay.dataDir, 'uploads'));
    expect(left).toEqual([`${place.split('/').at(-1) ?? ''}.json`]);
    expect(readdirSync(relay.dataDir)).not.toContain('blobs');
    await server.close();
    expect((await read(film)).status).toBe(503);
    expect(relay.crashes).toEqual([]);
  } finally {
    store.stop();
    await relay.remove();
    await server.close().catch(() => undefined);
    await database.stop();
    rmSync(folder, { recursive: true });
  }
});
