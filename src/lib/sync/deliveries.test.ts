import 'fake-indexeddb/auto';
import { ObservableV2 } from 'lib0/observable';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type * as Y from 'yjs';
import { type ConversationId, type MessageId, newConversationId, newMessageId, newUserId } from '#shared/ids.ts';
import { pageDoc } from '#shared/model/doc-names.ts';
import { messagesOf, orderOf, type Stamp } from '#shared/model/page.ts';
import type { ClientControl } from '#shared/protocol/control.ts';
import type { OverviewRow } from '#shared/protocol/overview.ts';
import { keepInIndexedDb, type Keeper } from '../local/disk-copy.ts';
import { Documents } from '../local/documents.ts';
import { Kept } from '../local/kept.ts';
import { MemoryStore } from '../local/memory-store.ts';
import { Deliveries } from './deliveries.ts';
import type { RelayLink } from './relay-link.ts';

const [me, binh] = [newUserId(), newUserId()];
const stops: (() => void)[] = [];
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
  vi.useRealTimers();
});

/** A disk that writes when it is told to. */
function slowDisk(): { keeper: Keeper; write: () => void } {
  let waiting: (() => void)[] = [];
  return {
    keeper: () => ({
      loaded: Promise.resolve(),
      written: () => new Promise((resolve) => waiting.push(resolve)),
    }),
    write: () => {
      waiting.forEach((resolve) => resolve());
      waiting = [];
    },
  };
}
const nothing: Keeper = () => ({ loaded: Promise.resolve() });

async function setup({ keeper = nothing, lastSeq = 0, delivered = 0, read = 0 } = {}) {
  const kept = await Kept.read(new MemoryStore(), String(Math.random()));
  const documents = new Documents(String(Math.random()), keeper);
  const told: { conversation: ConversationId; seq: number }[] = [];
  const state = { read, isFull: false };
  const link = Object.assign(new ObservableV2<{ overview: (rows: OverviewRow[]) => void }>(), {
    isOpen: true,
    say: (message: ClientControl) => message.is === 'delivered' && told.push(...message.marks),
  });
  const deliveries = new Deliveries({
    kept,
    documents,
    link: link as unknown as RelayLink,
    me,
    readSeq: () => state.read,
    mayTell: () => !state.isFull,
  });
  deliveries.start();
  const id = newConversationId();
  const row = (more: Partial<OverviewRow> = {}): OverviewRow => ({
    id,
    kind: 'group',
    title: '',
    createdAt: 0,
    members: [{ id: me, name: 'An', role: 'member', reach: { delivered, read: 0 } }],
    memberCount: 2,
    lastSeq,
    readSeq: 0,
    unread: 0,
    mentions: 0,
    last: null,
    ...more,
  });
  kept.put('overview', id, row());
  stops.push(() => {
    deliveries.stop();
    documents.stop();
    kept.stop();
  });
  /** The relay's list, after a connect. */
  const connect = (more: Partial<OverviewRow> = {}) => {
    kept.put('overview', id, row(more));
    link.emit('overview', [[row(more)]]);
  };
  const open = async (page: number) => {
    const held = documents.hold(pageDoc(id, page));
    await held.loaded;
    return held.doc;
  };
  const soon = async () => {
    for (let i = 0; i < 20; i++) await Promise.resolve();
    await vi.advanceTimersByTimeAsync(500);
    return told.map(({ seq }) => seq);
  };
  return { kept, documents, link, told, state, id, row, connect, open, soon };
}

/** Stamped by the relay, as it comes in one update. */
function arrives(doc: Y.Doc, seq: number, by = binh, body?: number): MessageId {
  const message = newMessageId();
  doc.transact(() => {
    if (body === undefined) messagesOf(doc).set(message, { by, at: 1, text: 'chào' });
    const stamp: Stamp = body === undefined ? [seq, message, 1] : [seq, message, 1, body];
    orderOf(doc).insert(orderOf(doc).length, [stamp]);
  });
  return message;
}

test('[R6] what arrived is told, once, the last of what came together', async () => {
  const { open, soon, id, told } = await setup({ lastSeq: 3 });
  const page = await open(0);
  arrives(page, 1);
  arrives(page, 2);
  expect(await soon()).toEqual([2]);
  arrives(page, 3);
  expect(await soon()).toEqual([2, 3]);
  expect(told[0]?.conversation).toBe(id);
});

test('[R6] nothing is told before it is on the disk', async () => {
  const disk = slowDisk();
  const { open, soon } = await setup({ keeper: disk.keeper, lastSeq: 1 });
  arrives(await open(0), 1);
  expect(await soon()).toEqual([]);
  disk.write();
  expect(await soon()).toEqual([1]);
});

test('[R6] y-indexeddb has written it by then', async () => {
  vi.useRealTimers();
  const scope = String(Math.random());
  const documents = new Documents(scope, keepInIndexedDb);
  const held = documents.hold('c:x:0');
  await held.loaded;
  const [open] = documents.open;
  arrives(held.doc, 1);
  await open!.written();
  documents.stop();
  const again = new Documents(scope, keepInIndexedDb);
  const later = again.hold('c:x:0');
  await later.loaded;
  expect(orderOf(later.doc).length).toBe(1);
  again.stop();
});

test('[R6] a gap is not passed over: what another device has may be missing here, what nobody has may not', async () => {
  const { open, soon } = await setup({ lastSeq: 1_205, delivered: 1_199 });
  const page = await open(1);
  page.transact(() => {
    for (let seq = 1_198; seq <= 1_202; seq++) arrives(page, seq);
    arrives(page, 1_205);
  });
  expect(await soon()).toEqual([1_202]);
});

test('[R6] a page that is not here is a gap, until it is fetched or lies too far back', async () => {
  const { kept, open, soon, id } = await setup({ lastSeq: 2_001 });
  const page = await open(2);
  arrives(page, 2_001);
  expect(await soon()).toEqual([]);
  kept.put('held', id, 2_000);
  kept.put('fetched', id, 2_001);
  expect(await soon()).toEqual([2_001]);
});

test('[R6] a stamp whose body lies on a page that is not here waits for it', async () => {
  const { kept, open, soon, id } = await setup({ lastSeq: 1_002, delivered: 1_000 });
  const page = await open(1);
  const late = arrives(page, 1_001, binh, 0);
  arrives(page, 1_002);
  expect(await soon()).toEqual([]);
  messagesOf(await open(0)).set(late, { by: binh, at: 1, text: 'trễ' });
  kept.put('fetched', id, 1_002);
  expect(await soon()).toEqual([1_002]);
});

test('[R6] what the relay does not know after a connect is told again, what it knows is not', async () => {
  const { open, soon, connect, link } = await setup({ lastSeq: 2 });
  const page = await open(0);
  arrives(page, 1);
  arrives(page, 2);
  expect(await soon()).toEqual([2]);
  // It was lost on the way.
  connect();
  expect(await soon()).toEqual([2, 2]);
  connect({ members: [{ id: me, name: 'An', role: 'member', reach: { delivered: 2, read: 0 } }] });
  expect(await soon()).toEqual([2, 2]);
  link.isOpen = false;
  arrives(page, 3);
  expect(await soon()).toEqual([2, 2]);
  link.isOpen = true;
  connect({ lastSeq: 3 });
  expect(await soon()).toEqual([2, 2, 3]);
});

test('[R6] a relay that came back from an older copy is not told of what it does not have', async () => {
  const { open, soon, connect } = await setup({ lastSeq: 2 });
  const page = await open(0);
  arrives(page, 1);
  arrives(page, 2);
  await soon();
  connect({ lastSeq: 1 });
  expect(await soon()).toEqual([2, 1]);
});

test('[R6] what is read at once needs no mark of its own, and one’s own messages no mark at all', async () => {
  const { open, soon, state } = await setup({ lastSeq: 4 });
  const page = await open(0);
  arrives(page, 1, me);
  expect(await soon()).toEqual([]);
  arrives(page, 2);
  state.read = 2;
  expect(await soon()).toEqual([]);
  arrives(page, 3, me);
  arrives(page, 4);
  expect(await soon()).toEqual([4]);
});

test('[R6] a disk that is full has nothing', async () => {
  const { open, soon, state } = await setup({ lastSeq: 1 });
  state.isFull = true;
  arrives(await open(0), 1);
  expect(await soon()).toEqual([]);
});
