import { afterEach, expect, test, vi } from 'vitest';
import * as Y from 'yjs';
import { newConversationId, newMessageId, newUserId } from '#shared/ids.ts';
import { pageDoc } from '#shared/model/doc-names.ts';
import { messagesOf, orderOf } from '#shared/model/page.ts';
import { Channels } from './channels.ts';
import { FakeRelay } from './fake-relay.ts';
import { DocumentSync } from './provider.ts';

const me = newUserId();
const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

function setup() {
  const relay = new FakeRelay();
  const said = vi.fn();
  const gate = { closed: new Set<string>() };
  const channels = new Channels({
    isOpen: () => relay.isOpen,
    send: (bytes) => relay.receive(bytes),
    maySync: (doc) => !gate.closed.has(doc),
    said,
  });
  relay.deliver = (bytes) => channels.frame(bytes);
  const sync = (name: string, scope = String(Math.random())) => {
    const one = new DocumentSync({ name, doc: new Y.Doc(), scope, WebSocket: channels.WebSocket });
    stops.push(() => one.stop());
    return one;
  };
  const lose = () => {
    relay.isOpen = false;
    relay.channels.clear();
    channels.muxLost();
  };
  const comeBack = () => {
    relay.isOpen = true;
    channels.openWaiting();
  };
  return { relay, channels, said, gate, sync, lose, comeBack };
}

const page = () => pageDoc(newConversationId(), 0);
const write = (doc: Y.Doc, text: string) => {
  const id = newMessageId();
  messagesOf(doc).set(id, { by: me, at: Date.now(), text });
  return id;
};

test('a document is synced over a channel, and what is written comes back with its stamp', async () => {
  const { relay, sync } = setup();
  const name = page();
  write(relay.doc(name), 'đã có');
  const one = sync(name);
  await expect.poll(() => one.isSynced).toBe(true);
  expect([...messagesOf(one.doc).values()].map(({ text }) => text)).toEqual(['đã có']);
  const id = write(one.doc, 'mới');
  await expect.poll(() => orderOf(one.doc).map(([, stamped]) => stamped)).toContain(id);
});

test('each document has a number of its own, which is not used again on that socket', async () => {
  const { relay, sync } = setup();
  const [a, b] = [sync(page()), sync(page())];
  await expect.poll(() => a.isSynced && b.isSynced).toBe(true);
  a.stop();
  const c = sync(page());
  await expect.poll(() => c.isSynced).toBe(true);
  expect(relay.opened.map(({ channel }) => channel)).toEqual([1, 2, 3]);
});

test('all channels come back, from number 1, when the socket does', async () => {
  const { relay, sync, lose, comeBack } = setup();
  const [a, b] = [sync(page()), sync(page())];
  await expect.poll(() => a.isSynced && b.isSynced).toBe(true);
  lose();
  expect(a.isSynced).toBe(false);
  const id = write(a.doc, 'ngoại tuyến');
  await new Promise((resolve) => setTimeout(resolve, 300));
  comeBack();
  await expect.poll(() => orderOf(a.doc).map(([, stamped]) => stamped)).toContain(id);
  await expect.poll(() => b.isSynced).toBe(true);
  expect(relay.opened.slice(2).map(({ channel }) => channel)).toEqual([1, 2]);
});

test('[L4] a document behind the gate waits, and opens when the gate does', async () => {
  const { relay, channels, gate, sync } = setup();
  const name = page();
  gate.closed.add(name);
  const one = sync(name);
  write(one.doc, 'sớm quá');
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(relay.opened).toEqual([]);
  gate.closed.clear();
  channels.openWaiting();
  await expect.poll(() => one.isSynced).toBe(true);
  await expect.poll(() => messagesOf(relay.doc(name)).size).toBe(1);
});

test('[S9] a refused channel says why, and the others go on', async () => {
  const { relay, sync } = setup();
  const secret = page();
  relay.refuses.set(secret, { code: 4403, fault: 'not-a-member' });
  const told = vi.fn();
  const [refused, fine] = [sync(secret), sync(page())];
  refused.on('refused', told);
  await expect.poll(() => fine.isSynced).toBe(true);
  await expect.poll(() => told).toHaveBeenCalledWith(4403, 'not-a-member');
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(relay.opened).toHaveLength(1);
});

test('a change is settled only when the relay has answered a question asked after it', async () => {
  const { relay, sync, lose, comeBack } = setup();
  const one = sync(page());
  const settled = vi.fn();
  one.on('settled', settled);
  await expect.poll(() => one.isSynced).toBe(true);
  expect(one.isUnsettled).toBe(false);
  messagesOf(one.doc).set(newMessageId(), { by: me, at: 1, text: 'một' });
  expect(one.isUnsettled).toBe(true);
  lose();
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  expect(settled).not.toHaveBeenCalled();
  comeBack();
  await expect.poll(() => settled).toHaveBeenCalled();
  expect(one.isUnsettled).toBe(false);
  const last = relay.frames.filter(({ frame }) => frame.is !== 'awareness').at(-1);
  expect(last?.frame.is).toBe('step1');
});

test('an idle channel says nothing: no awareness, no renewals', async () => {
  const { relay, sync } = setup();
  const one = sync(page());
  await expect.poll(() => one.isSynced).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(relay.frames.map(({ frame }) => frame.is).sort()).toEqual(['step1', 'step2']);
});

test('[S2] what is not a frame, or not for a channel that is open, is passed over', () => {
  const { channels, said } = setup();
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  channels.frame(new Uint8Array());
  channels.frame(new Uint8Array([0, 1, 2]));
  channels.frame(new Uint8Array([9, 0, 0]));
  expect(said).not.toHaveBeenCalled();
  warn.mockRestore();
});

test('two tabs of one person agree without the relay', async () => {
  const { relay, sync } = setup();
  relay.isOpen = false;
  const name = page();
  const [left, right] = [sync(name, 'same'), sync(name, 'same')];
  write(left.doc, 'ở đây');
  await expect.poll(() => messagesOf(right.doc).size).toBe(1);
});
