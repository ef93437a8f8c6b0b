/** Pictures of people and groups: who hears of a new one, and that the documents say the same as the tables. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ConversationId, Sha256 } from '#shared/ids.ts';
import { membersOf, metaOf } from '#shared/model/conversation.ts';
import { conversationDoc } from '#shared/model/doc-names.ts';
import { startRelay, type Relay } from '../relay.ts';
import { checkDocuments } from '../storage/check.ts';
import { buildDocument, loadDocuments } from '../storage/documents.ts';
import { allDue } from '../storage/mirrors-due.ts';
import { testDatabase, type TestDatabase } from '../storage/test-database.ts';
import { Actor, type Tab, testConfig } from '../test-actor.ts';

let database: TestDatabase;
let relay: Relay;
let dataDir: string;
beforeAll(async () => {
  database = await testDatabase();
  dataDir = mkdtempSync(join(tmpdir(), 'ting-pictures-'));
  relay = await startRelay(testConfig(database.url, { dataDir }));
});
afterAll(async () => {
  await relay?.stop();
  await database?.stop();
  rmSync(dataDir, { recursive: true });
});

async function bring(who: Actor, where: string): Promise<Sha256> {
  const bytes = randomBytes(100);
  const sha256 = createHash('sha256').update(bytes).digest('hex') as Sha256;
  expect((await who.ask('PUT', `/api/blobs/${sha256}?${where}`, bytes)).status).toBe(201);
  return sha256;
}
const shows = (tab: Tab, conversation: ConversationId, who: Actor, picture: string | null) =>
  tab.until(() => tab.row(conversation)?.members.find(({ id }) => id === who.id)?.avatar === picture);
const isMirrored = () => expect.poll(() => allDue(database.sql)).toEqual([]);
async function root(conversation: ConversationId) {
  const [stored] = await loadDocuments(database.sql, [conversationDoc(conversation)]);
  return buildDocument(stored ?? { updates: [] });
}

test('[B21] who shares a conversation with somebody hears of their new picture, and nobody else does', async () => {
  const [an, binh, chi] = await Promise.all(['An', 'Bình', 'Chi'].map((name) => Actor.signUp(relay.url, name)));
  const group = await an!.group('Nhóm', binh!);
  const own = await chi!.group('Của Chi');
  const [phone, theirs, stranger] = await Promise.all([an!.tab(), binh!.tab(), chi!.tab()]);
  const picture = await bring(an!, 'profile=1');
  await an!.ask('PATCH', '/api/me', { avatar: picture });
  await Promise.all([phone, theirs].map((tab) => shows(tab, group, an!, picture)));
  await isMirrored();
  expect(membersOf(await root(group)).get(an!.id)).toMatchObject({ name: 'An', avatar: picture });

  await an!.ask('PATCH', '/api/me', { avatar: null });
  await Promise.all([phone, theirs].map((tab) => shows(tab, group, an!, null)));
  await isMirrored();
  expect(membersOf(await root(group)).get(an!.id)).not.toHaveProperty('avatar');
  expect(stranger.heard.some((told) => told.is === 'rows' && told.rows.some(({ id }) => id !== own))).toBe(false);
  expect((await checkDocuments(database.sql)).findings).toEqual([]);
  for (const tab of [phone, theirs, stranger]) tab.leave();
});

test('[B21] a group’s new picture is in the rows and the documents of its members', async () => {
  const [an, binh] = await Promise.all(['An', 'Bình'].map((name) => Actor.signUp(relay.url, name)));
  const group = await an!.group('Nhóm', binh!);
  const tab = await binh!.tab();
  const picture = await bring(an!, `conversation=${group}`);
  await an!.ask('PATCH', `/api/conversations/${group}`, { avatar: picture });
  await tab.until(() => tab.row(group)?.avatar === picture);
  expect(metaOf(await root(group)).get('avatar')).toBe(picture);
  await an!.ask('PATCH', `/api/conversations/${group}`, { avatar: null });
  await tab.until(() => tab.row(group)?.avatar === null);
  tab.leave();
});
