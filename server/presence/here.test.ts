/** Who is here and who types, from outside, over real sockets. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as awarenessProtocol from 'y-protocols/awareness';
import * as Y from 'yjs';
import type { ConversationId, UserId } from '#shared/ids.ts';
import { conversationDoc } from '#shared/model/doc-names.ts';
import type { RelayControl } from '#shared/protocol/control.ts';
import { encodeFrame } from '#shared/protocol/frames.ts';
import { startRelay, type Relay } from '../relay.ts';
import { testDatabase, type TestDatabase } from '../storage/test-database.ts';
import { Actor, type Tab, testConfig } from '../test-actor.ts';

let database: TestDatabase;
let relay: Relay;
beforeAll(async () => {
  database = await testDatabase();
  relay = await startRelay(testConfig(database.url));
});
afterAll(async () => {
  await relay?.stop();
  await database?.stop();
});

const people = (...names: string[]) => Promise.all(names.map((name) => Actor.signUp(relay.url, name)));
const sees = (tab: Tab, who: Actor, online: boolean) =>
  tab.until(() => tab.people.get(who.id)?.online === online || (!online && !tab.people.has(who.id)));

test('[N2] presence comes whole behind the list, and as it changes', async () => {
  const [an, binh, chi] = await people('An', 'Bình', 'Chi');
  await an!.group('Nhóm', binh!);
  const tab = await an!.tab();
  // What changes while the list is being read may be told before it as well: a row, or who is in the group that was just made.
  const list = tab.heard.findIndex(({ is }) => is === 'overview');
  const whole = (): number =>
    tab.heard.findIndex((message, at) => at > list && message.is === 'presence' && message.whole);
  await tab.until(() => whole() > list);
  expect(tab.heard[whole()]).toEqual({
    is: 'presence',
    whole: true,
    people: [{ id: binh!.id, online: false, lastSeen: null }],
  });
  const [device, stranger] = [await binh!.tab(), await chi!.tab()];
  await sees(tab, binh!, true);
  await sees(device, an!, true);
  expect(tab.people.has(chi!.id)).toBe(false);
  expect(stranger.people.size).toBe(0);
  for (const each of [tab, device, stranger]) each.leave();
});

test('[N1] [N3] a device that is not looked at, or gone, is away; when, is known after the relay was started anew', async () => {
  const mine = await startRelay(testConfig(database.url));
  const [an, binh] = await Promise.all(['An', 'Bình'].map((name) => Actor.signUp(mine.url, name)));
  await an!.group('Nhóm', binh!);
  const [tab, device, phone] = [await an!.tab(), await binh!.tab(), await binh!.tab()];
  await sees(tab, binh!, true);
  device.tell({ is: 'here', active: false });
  device.tell({ is: 'here', active: false });
  const before = Date.now();
  phone.leave();
  await sees(tab, binh!, false);
  expect(tab.people.get(binh!.id)?.lastSeen).toBeGreaterThanOrEqual(before);
  device.tell({ is: 'here', active: true });
  await sees(tab, binh!, true);
  const stopped = Date.now();
  await mine.stop();

  const next = await startRelay(testConfig(database.url));
  const again = await Object.assign(new Actor(next.url, 'An'), { id: an!.id, cookie: an!.cookie }).tab();
  await again.until(({ is }) => is === 'presence');
  expect(again.people.get(binh!.id)?.online).toBe(false);
  expect(again.people.get(binh!.id)?.lastSeen).toBeGreaterThanOrEqual(stopped);
  again.leave();
  await next.stop();
});

test('[N4] who is added is seen at once, who is removed no longer', async () => {
  const [an, binh, chi] = await people('An', 'Bình', 'Chi');
  const group = await an!.group('Nhóm', binh!);
  const [mine, hers] = [await an!.tab(), await chi!.tab()];
  await an!.ask('PUT', `/api/conversations/${group}/members/${chi!.id}`, { role: 'member' });
  await sees(mine, chi!, true);
  await sees(hers, an!, true);
  await an!.ask('DELETE', `/api/conversations/${group}/members/${chi!.id}`);
  await hers.until(() => !hers.people.has(an!.id));
  await mine.until(() => !mine.people.has(chi!.id));
  mine.leave();
  hers.leave();
});

test('[N5] who types is told to the connected members, and forgotten when they stop or leave', async () => {
  const [an, binh, chi] = await people('An', 'Bình', 'Chi');
  const group = await an!.group('Nhóm', binh!);
  const [tab, device, stranger] = [await an!.tab(), await binh!.tab(), await chi!.tab()];
  const typist = await opens(device, group);
  typist({ user: { id: binh!.id }, typing: true });
  await tab.until(typing(group, binh!.id, true));
  typist({ user: { id: binh!.id } });
  await tab.until(typing(group, binh!.id, false));

  tab.heard.length = 0;
  typist({ user: { id: binh!.id }, typing: true });
  await tab.until(typing(group, binh!.id, true));
  device.leave();
  await tab.until(typing(group, binh!.id, false));
  expect(stranger.heard.some(({ is }) => is === 'typing')).toBe(false);
  tab.leave();
  stranger.leave();
});

test('[N5] [A17] nobody types in another one’s name, and a state that is about something else is not typing', async () => {
  const [an, binh] = await people('An', 'Bình');
  const group = await an!.group('Nhóm', binh!);
  const [tab, device] = [await an!.tab(), await binh!.tab()];
  const typist = await opens(device, group);
  typist({ user: { id: an!.id }, typing: true });
  typist({ user: { id: binh!.id }, typing: 'yes', cursor: 5 });
  typist({ user: { id: binh!.id }, typing: true });
  await tab.until(({ is }) => is === 'typing');
  expect(tab.heard.filter(({ is }) => is === 'typing')).toEqual([
    { is: 'typing', conversation: group, people: [{ id: binh!.id, typing: true }] },
  ]);
  tab.leave();
  device.leave();
});

const typing = (conversation: ConversationId, id: UserId, is: boolean) => (message: RelayControl) =>
  message.is === 'typing' &&
  message.conversation === conversation &&
  message.people.some((person) => person.id === id && person.typing === is);

/** Opens the conversation's channel; what comes back says what this device shows of itself there. */
async function opens(tab: Tab, conversation: ConversationId): Promise<(state: object) => void> {
  tab.tell({ is: 'open', channel: 1, doc: conversationDoc(conversation) });
  await tab.until((message) => message.is === 'opened');
  const awareness = new awarenessProtocol.Awareness(new Y.Doc());
  awareness.destroy();
  return (state) => {
    awareness.setLocalState(state);
    const update = awarenessProtocol.encodeAwarenessUpdate(awareness, [awareness.clientID]);
    tab.send(1, encodeFrame({ is: 'awareness', update }));
  };
}
