/** Who may read a file, and for how long: membership, deletion, history, guessed names, pictures of people and groups, and what is swept. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ConversationId, Sha256 } from '#shared/ids.ts';
import { metaOf } from '#shared/model/conversation.ts';
import { startRelay, type Relay } from '../relay.ts';
import { testDatabase, type TestDatabase } from '../storage/test-database.ts';
import { Actor, testConfig } from '../test-actor.ts';
import { TestDevice } from '../test-device.ts';
import { folderStore } from './folder-store.ts';
import { GRACE_MILLIS, sweep } from './sweep.ts';

let database: TestDatabase;
let relay: Relay;
let dataDir: string;
let [an, binh, chi]: Actor[] = [];
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database?.stop());
beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'ting-access-'));
  relay = await startRelay(testConfig(database.url, { dataDir }));
  [an, binh, chi] = await Promise.all(['An', 'Bình', 'Chi'].map((name) => Actor.signUp(relay.url, name)));
});
afterEach(async () => {
  await relay?.stop();
  await database.sql`delete from blobs`;
  rmSync(dataDir, { recursive: true });
});

const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex') as Sha256;

async function bring(who: Actor, where: string, bytes: Uint8Array = randomBytes(100)): Promise<Sha256> {
  const sha256 = hashOf(bytes);
  const { status } = await who.ask('PUT', `/api/blobs/${sha256}?${where}`, bytes);
  expect(status === 200 || status === 201).toBe(true);
  return sha256;
}
const naming = (...sha256s: string[]) => ({
  attachments: sha256s.map((sha256) => ({ sha256, name: 'tệp', type: 'image/png', size: 100 })),
});
async function read(who: Actor, sha256: string): Promise<{ status: number; headers: Headers; text: string }> {
  const response = await fetch(`${relay.url}/api/blobs/${sha256}`, { headers: { cookie: who.cookie } });
  return { status: response.status, headers: response.headers, text: await response.text() };
}
/** By An, Bình and Chi. */
const seen = (sha256: string) =>
  Promise.all([an, binh, chi].map(async (who) => (who === undefined ? 0 : (await read(who, sha256)).status)));
const passOn = (who: Actor, sha256: string, conversation: ConversationId) =>
  who.ask('POST', `/api/blobs/${sha256}/grants`, { conversation });
const messages = (group: ConversationId) => `/api/conversations/${group}/messages`;

test('[B4] naming a guessed hash in one’s own conversation gives nobody access to it', async () => {
  const secret = await bring(an!, `conversation=${await an!.group('Riêng')}`);
  const own = await binh!.group('Của Bình', chi!);
  expect(await binh!.ask('POST', messages(own), { text: '', ...naming(secret) })).toMatchObject({
    status: 400,
    body: { code: 'invalid-input', fields: { attachments: expect.any(String) } },
  });
  // As a Yjs client may write it, which nobody looks at.
  const { id } = await binh!.post(own, 'một');
  await database.sql`
    update messages set value = value || ${database.sql.json(naming(secret))} where conversation = ${own} and id = ${id}`;
  expect(await seen(secret)).toEqual([200, 403, 403]);
  expect(await passOn(binh!, secret, own)).toMatchObject({ status: 404, body: { code: 'not-found' } });
  // Who has the very bytes may bring them.
  expect(await binh!.ask('PUT', `/api/blobs/${secret}?conversation=${own}`, 'other bytes')).toMatchObject({
    status: 400,
  });
});

test('[B4] what one may read is passed on to where one is, and read there', async () => {
  const [family, work] = [await an!.group('Nhà', binh!), await binh!.group('Việc', chi!)];
  const sha256 = await bring(an!, `conversation=${family}`);
  await an!.post(family, '', naming(sha256));
  expect((await passOn(an!, sha256, work)).status).toBe(403);
  expect((await passOn(binh!, sha256, work)).status).toBe(204);
  expect(await seen(sha256)).toEqual([200, 200, 403]);
  await binh!.post(work, '', naming(sha256));
  expect(await seen(sha256)).toEqual([200, 200, 200]);
  await binh!.ask('DELETE', `/api/conversations/${work}/members/${chi!.id}`);
  expect(await seen(sha256)).toEqual([200, 200, 403]);
});

test('[B9] that of a deleted message is read by nobody but who brought it, from the deletion on', async () => {
  const group = await an!.group('Nhóm', binh!);
  const [picture, poster] = [await bring(an!, `conversation=${group}`), await bring(an!, `conversation=${group}`)];
  const attachments = [{ sha256: picture, poster, name: 'phim', type: 'video/mp4', size: 100 }];
  const { id } = await an!.post(group, '', { attachments });
  expect(await seen(picture)).toEqual([200, 200, 403]);
  expect(await seen(poster)).toEqual([200, 200, 403]);
  await an!.ask('DELETE', `${messages(group)}/${id}`);
  expect(await seen(picture)).toEqual([200, 403, 403]);
  expect(await seen(poster)).toEqual([200, 403, 403]);
});

test('[B3] who sees a group from their joining on does not see what came before', async () => {
  const group = await an!.group('Kín', binh!);
  const sha256 = await bring(an!, `conversation=${group}`);
  await an!.post(group, '', naming(sha256));
  await an!.ask('PATCH', `/api/conversations/${group}`, { history: 'joined' });
  await an!.ask('PUT', `/api/conversations/${group}/members/${chi!.id}`, { role: 'member' });
  expect(await seen(sha256)).toEqual([200, 200, 403]);
  await an!.post(group, 'lại', naming(sha256));
  expect(await seen(sha256)).toEqual([200, 200, 200]);
});

test('[B3] who brought it to a group they have left does not read it any more', async () => {
  const group = await an!.group('Nhóm', binh!);
  const sha256 = await bring(binh!, `conversation=${group}`);
  await binh!.post(group, '', naming(sha256));
  await binh!.ask('DELETE', `/api/conversations/${group}/members/${binh!.id}`);
  expect(await seen(sha256)).toEqual([200, 403, 403]);
  expect((await passOn(binh!, sha256, group)).status).toBe(403);
});

test('[B13] a person’s picture is seen by everybody who is signed in, when it is theirs to show', async () => {
  const picture = await bring(an!, 'profile=1');
  expect(await seen(picture)).toEqual([200, 403, 403]);
  expect(await binh!.ask('PATCH', '/api/me', { avatar: picture })).toMatchObject({ status: 400 });
  expect(await an!.ask('PATCH', '/api/me', { avatar: picture })).toMatchObject({
    status: 200,
    body: { user: { avatar: picture, name: 'An' } },
  });
  expect(await seen(picture)).toEqual([200, 200, 200]);
  expect((await fetch(`${relay.url}/api/blobs/${picture}`)).status).toBe(401);
  expect(await an!.ask('PATCH', '/api/me', { name: 'Anh' })).toMatchObject({ body: { user: { avatar: picture } } });
  expect(await an!.ask('PATCH', '/api/me', { avatar: null })).toMatchObject({ body: { user: { avatar: null } } });
  expect(await seen(picture)).toEqual([200, 403, 403]);
});

test('[B13] a group’s picture is set by its administrators, and seen by its members', async () => {
  const group = await an!.group('Nhóm', binh!);
  const picture = await bring(binh!, `conversation=${group}`);
  expect((await binh!.ask('PATCH', `/api/conversations/${group}`, { avatar: picture })).status).toBe(403);
  expect((await an!.ask('PATCH', `/api/conversations/${group}`, { avatar: 'a'.repeat(64) })).status).toBe(400);
  expect(await an!.ask('PATCH', `/api/conversations/${group}`, { avatar: picture })).toMatchObject({
    body: { conversation: { avatar: picture } },
  });
  expect((await binh!.row(group)).avatar).toBe(picture);
  expect(await seen(picture)).toEqual([200, 200, 403]);
  await an!.ask('PATCH', `/api/conversations/${group}`, { avatar: null });
  expect((await binh!.row(group)).avatar).toBeNull();
  expect(await seen(picture)).toEqual([403, 200, 403]);
});

test('[B6] what it is its bytes say, whatever it is called; only pictures, sound and films are shown', async () => {
  const group = await an!.group('Nhóm');
  const png = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  );
  const script = '<script>alert(1)</script>';
  const told = async (bytes: string | Uint8Array) => {
    const sha256 = await bring(an!, `conversation=${group}`, Buffer.from(bytes as string));
    const { headers } = await read(an!, sha256);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toBe("sandbox; default-src 'none'");
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
    expect(headers.get('cache-control')).toBe('private, no-cache');
    return [headers.get('content-type'), headers.get('content-disposition')];
  };
  const download = ['application/octet-stream', 'attachment'];
  expect(await told(png)).toEqual(['image/png', 'inline']);
  expect(await told(Buffer.concat([Buffer.from('GIF89a'), Buffer.alloc(20)]))).toEqual(['image/gif', 'inline']);
  expect(await told(`<svg xmlns="http://www.w3.org/2000/svg">${script}</svg>`)).toEqual(download);
  expect(await told(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg">${script}</svg>`)).toEqual(download);
  expect(await told(`<!doctype html>${script}`)).toEqual(download);
  expect(await told('%PDF-1.7\n')).toEqual(download);
  expect(await told(randomBytes(50))).toEqual(download);
  // A picture and a page at once is a picture to every browser, and a page to none.
  expect(await told(`GIF89a/*${script}*/=1;`)).toEqual(['image/gif', 'inline']);
});

test('[B9] what nothing names any more is swept after a time of grace, and what is named stays', async () => {
  const group = await an!.group('Nhóm', binh!);
  const where = `conversation=${group}`;
  const [named, unnamed, deleted, groupPicture] = [
    await bring(an!, where),
    await bring(an!, where),
    await bring(an!, where),
    await bring(an!, where),
  ];
  const picture = await bring(an!, 'profile=1');
  await an!.ask('PATCH', '/api/me', { avatar: picture });
  await an!.ask('PATCH', `/api/conversations/${group}`, { avatar: groupPicture });
  await an!.post(group, '', naming(named));
  const { id } = await an!.post(group, '', naming(deleted));
  await an!.ask('DELETE', `${messages(group)}/${id}`);
  const store = folderStore(join(dataDir, 'blobs'));
  // As a crash leaves it: bytes that no row knows.
  const stray = hashOf(new Uint8Array([1]));
  await store.keep(stray, join(dataDir, 'blobs', named.slice(0, 2), named.slice(2, 4), named), 100);
  const there = async () => {
    const found: string[] = [];
    for await (const { sha256 } of store.list()) found.push(sha256);
    return found.sort();
  };

  const now = Date.now();
  expect(await sweep({ sql: database.sql, store, now: () => now })).toEqual({ blobs: 0, strays: 0 });
  expect(await there()).toEqual([named, unnamed, deleted, groupPicture, picture, stray].sort());
  const later = now + GRACE_MILLIS + 60_000;
  expect(await sweep({ sql: database.sql, store, now: () => later })).toEqual({ blobs: 2, strays: 1 });
  expect(await there()).toEqual([named, groupPicture, picture].sort());
  expect(await seen(named)).toEqual([200, 200, 403]);
  expect(await seen(deleted)).toEqual([403, 403, 403]);
  const { body } = await an!.ask('GET', '/api/blobs/limits');
  expect(body['usedBytes']).toBe(300);
});

test('[B9] a group that is deleted takes its files with it', async () => {
  const group = await an!.group('Nhóm', binh!);
  const sha256 = await bring(an!, `conversation=${group}`);
  await an!.post(group, '', naming(sha256));
  await an!.ask('DELETE', `/api/conversations/${group}`);
  expect(await seen(sha256)).toEqual([403, 403, 403]);
  const store = folderStore(join(dataDir, 'blobs'));
  expect(await sweep({ sql: database.sql, store, now: Date.now })).toEqual({ blobs: 1, strays: 0 });
  expect(readdirSync(join(dataDir, 'uploads'))).toEqual([]);
});

test('[B6] what is a page or a program too is downloaded, whatever its message calls it, whole or in part', async () => {
  const group = await an!.group('Nhóm');
  const script = '<script>alert(document.domain)</script>';
  for (const bytes of [
    `%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\n<html>${script}</html>`,
    `<html><!--%PDF-1.7-->${script}`,
    `\uFEFF<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"></svg>`,
    `PK\u0003\u0004<html>${script}</html>`,
    `#!/bin/sh\necho ${script}`,
  ]) {
    const sha256 = await bring(an!, `conversation=${group}`, Buffer.from(bytes));
    await an!.post(group, '', { attachments: [{ sha256, name: 'ảnh.png', type: 'image/png', size: bytes.length }] });
    for (const headers of [{}, { range: 'bytes=5-20' }] as Record<string, string>[]) {
      const answer = await fetch(`${relay.url}/api/blobs/${sha256}`, { headers: { cookie: an!.cookie, ...headers } });
      await answer.arrayBuffer();
      expect(answer.ok).toBe(true);
      expect(answer.headers.get('content-type')).toBe('application/octet-stream');
      expect(answer.headers.get('content-disposition')).toBe('attachment');
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
      expect(answer.headers.get('content-security-policy')).toBe("sandbox; default-src 'none'");
      expect(answer.headers.get('cross-origin-resource-policy')).toBe('same-origin');
    }
  }
});

test('[B53] what is there and what is not are answered alike to who may not read it', async () => {
  const bytes = randomBytes(100);
  const [secret, nothing] = [
    await bring(an!, `conversation=${await an!.group('Riêng')}`, bytes),
    hashOf(randomBytes(8)),
  ];
  const own = await binh!.group('Của Bình', chi!);
  const answered = async (method: string, path: string, headers: Record<string, string>, body?: string) => {
    const answer = await fetch(relay.url + path, {
      method,
      headers: { cookie: binh!.cookie, ...headers },
      ...(body === undefined ? {} : { body }),
    });
    const said = (await answer.text()).replace(/"timestamp":\d+|[0-9a-f]{64}/g, '');
    const told = [...answer.headers].filter(([name]) => !['date', 'location', 'upload-expires'].includes(name));
    return { status: answer.status, said, told };
  };
  const uploads = (sha256: string) => ({
    'tus-resumable': '1.0.0',
    'upload-length': '100',
    'upload-metadata': `sha256 ${Buffer.from(sha256).toString('base64')},conversation ${Buffer.from(own).toString('base64')}`,
  });
  for (const ask of [
    (sha256: string) => answered('GET', `/api/blobs/${sha256}`, {}),
    (sha256: string) => answered('HEAD', `/api/blobs/${sha256}`, {}),
    (sha256: string) => answered('GET', `/api/blobs/${sha256}`, { range: 'bytes=0-1' }),
    (sha256: string) => answered('GET', `/api/blobs/${sha256}`, { 'if-none-match': `"${sha256}"` }),
    (sha256: string) => answered('GET', `/api/blobs/${sha256}`, { 'if-none-match': '*' }),
    (sha256: string) => answered('DELETE', `/api/blobs/${sha256}`, {}),
    (sha256: string) => answered('POST', `/api/blobs/${sha256}/grants`, {}, JSON.stringify({ conversation: own })),
    (sha256: string) => answered('PUT', `/api/blobs/${sha256}?conversation=${own}`, {}, 'other bytes'),
    (sha256: string) => answered('POST', messages(own), {}, JSON.stringify({ text: '', ...naming(sha256) })),
    (sha256: string) => answered('PATCH', '/api/me', {}, JSON.stringify({ avatar: sha256 })),
    (sha256: string) => answered('PATCH', `/api/conversations/${own}`, {}, JSON.stringify({ avatar: sha256 })),
    (sha256: string) => answered('POST', '/api/uploads', uploads(sha256)),
  ])
    expect(await ask(secret)).toEqual(await ask(nothing));
  // Nor to who has the very bytes: theirs are new to them.
  const brings = (sent: Uint8Array) => binh!.ask('PUT', `/api/blobs/${hashOf(sent)}?conversation=${own}`, sent);
  expect([(await brings(bytes)).status, (await brings(randomBytes(100))).status]).toEqual([201, 201]);
  expect((await brings(bytes)).status).toBe(200);
});

test('[B52] a group’s picture that is set in its document is its members’, when it was brought there, and let go when replaced', async () => {
  const group = await an!.group('Nhóm', binh!);
  const [first, second] = [await bring(an!, `conversation=${group}`), await bring(an!, `conversation=${group}`)];
  const elsewhere = await bring(chi!, `conversation=${await chi!.group('Của Chi')}`);
  const device = new TestDevice({ url: relay.url, cookie: an!.cookie, person: an!.id }, group);
  await device.connect();
  await expect.poll(() => device.isSettled).toBe(true);
  const set = async (sha256: Sha256) => {
    metaOf(device.root).set('avatar', sha256);
    await expect.poll(async () => (await binh!.row(group)).avatar).toBe(sha256);
  };
  await set(first);
  expect(await seen(first)).toEqual([200, 200, 403]);
  expect(await seen(second)).toEqual([200, 403, 403]);
  await set(second);
  expect(await seen(second)).toEqual([200, 200, 403]);
  expect(await seen(first)).toEqual([200, 403, 403]);
  // Naming it does not open it.
  await set(elsewhere);
  expect(await seen(elsewhere)).toEqual([403, 403, 200]);
  await set(second);
  device.disconnect();
  const store = folderStore(join(dataDir, 'blobs'));
  await sweep({ sql: database.sql, store, now: () => Date.now() + GRACE_MILLIS + 60_000 });
  expect(await Promise.all([first, second].map((sha256) => store.size(sha256)))).toEqual([null, 100]);
  expect(await seen(second)).toEqual([200, 200, 403]);
});
