/** The living room as a whole, on a real Postgres: actors with devices write, disconnect and come back; the relay stamps, stores and passes on. */
import * as Y from 'yjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FAULTS } from '#shared/faults.ts';
import { newMessageId, type ConversationId, type MessageId } from '#shared/ids.ts';
import { FRAME_MAX_BYTES, PAGE_STAMPS } from '#shared/limits.ts';
import { conversationDoc, pageDoc, personalDoc } from '#shared/model/doc-names.ts';
import { metaOf } from '#shared/model/conversation.ts';
import { deletedOf, messagesOf, orderOf, PAGE_ROOTS, reactionKey, reactionsOf } from '#shared/model/page.ts';
import { decodeFrame, encodeFrame } from '#shared/protocol/frames.ts';
import { buildDocument, loadDocuments } from '../storage/documents.ts';
import { historyPage } from '../storage/messages.ts';
import { testDatabase, type TestDatabase } from '../storage/test-database.ts';
import {
  contentOf,
  Device,
  fakeSocket,
  makeConversation,
  makePerson,
  message,
  startRelay,
  until,
  type Relay,
} from './test-stage.ts';

let db: TestDatabase;
let relay: Relay;
beforeAll(async () => {
  db = await testDatabase();
});
afterAll(() => db.stop());
beforeEach(() => {
  relay = startRelay(db.sql);
});
afterEach(() => relay.stop());

async function setup() {
  const [an, binh] = [await makePerson(db.sql), await makePerson(db.sql)];
  const conversation = await makeConversation(db.sql, [
    { person: an, role: 'owner' },
    { person: binh, role: 'member' },
  ]);
  const devices = { an: new Device(an), binh: new Device(binh) };
  for (const device of [devices.an, devices.binh]) {
    device.connect(relay);
    device.page(conversation);
  }
  return { ...devices, conversation, page: pageDoc(conversation, 0) };
}

const index = (conversation: ConversationId) =>
  historyPage(db.sql, conversation, { limit: 5_000 }).then((rows) => rows.reverse());
const onDisk = async (name: string) => {
  const stored = (await loadDocuments(db.sql, [name]))[0];
  return buildDocument(stored ?? { updates: [] });
};
const leave = async (conversation: ConversationId, person: string): Promise<void> => {
  await db.sql`update members set left_at = 1 where conversation = ${conversation} and user_id = ${person}`;
};

describe('order', () => {
  test('[O1] [S4] a message gets the next seq, in the same commit as its text, and its sender sees the stamp', async () => {
    const { an, binh, conversation, page } = await setup();
    const first = an.post(conversation, 'chào Bình');
    await until('the stamp', () => an.stamps(conversation).length === 1);
    const second = binh.post(conversation, 'chào An');
    await until('both stamps', () => an.stamps(conversation).length === 2 && binh.stamps(conversation).length === 2);
    expect(an.stamps(conversation).map(([seq, id]) => [seq, id])).toEqual([
      [1, first],
      [2, second],
    ]);
    expect(messagesOf(binh.page(conversation)).get(first)?.text).toBe('chào Bình');
    expect((await index(conversation)).map(({ seq, id, author, page: on }) => ({ seq, id, author, on }))).toEqual([
      { seq: 1, id: first, author: an.person, on: 0 },
      { seq: 2, id: second, author: binh.person, on: 0 },
    ]);
    expect(relay.heard.posted.flatMap((event) => event.messages.map((m) => m.id))).toEqual([first, second]);
    const [row] = await db.sql<{ last_seq: number }[]>`select last_seq from conversations where id = ${conversation}`;
    expect(row?.last_seq).toBe(2);
    expect(contentOf(await onDisk(page), PAGE_ROOTS)).toEqual(contentOf(an.page(conversation), PAGE_ROOTS));
  });

  test('[O2] sending the same message twice stamps it once, on the same page and on another', async () => {
    const { an, binh, conversation, page } = await setup();
    const id = an.post(conversation, 'một lần');
    await an.settle(page);
    an.sendOn(page, { is: 'update', update: Y.encodeStateAsUpdate(an.page(conversation)) });
    // Rescued after a refusal: the same message under a fresh client id, by a device that never saw the stamp.
    const rescue = new Y.Doc();
    messagesOf(rescue).set(id, message(an.person, 'một lần'));
    an.sendOn(page, { is: 'update', update: Y.encodeStateAsUpdate(rescue) });
    await an.settle(page);
    await binh.settle(page);
    expect(binh.stamps(conversation)).toHaveLength(1);
    expect(await index(conversation)).toHaveLength(1);
  });

  test('[O2] [A4] an id that was stamped before the relay started is known to it', async () => {
    const { an, conversation, page } = await setup();
    const id = an.post(conversation, 'cũ');
    const later = an.post(conversation, 'sau');
    await an.settle(page);
    an.disconnect();
    await relay.stop();
    relay = startRelay(db.sql);
    const rescue = new Device(an.person);
    rescue.connect(relay);
    rescue.post(conversation, 'cũ', { id });
    await until('all stamps', () => rescue.stamps(conversation).length === 2);
    await rescue.settle(page);
    expect((await index(conversation)).map((row) => row.id)).toEqual([id, later]);
    expect(rescue.stamps(conversation)).toHaveLength(2);
  });

  test('[O4] [O5] a full page gives way to the next; what was written into it late is stamped on the current page', async () => {
    const { an, binh, conversation, page } = await setup();
    binh.disconnect();
    const late = binh.post(conversation, 'viết khi không có mạng');
    an.page(conversation).transact(() => {
      for (let i = 0; i < PAGE_STAMPS - 1; i++) an.post(conversation, `${i}`);
    });
    await until('almost a page', () => an.stamps(conversation).length === PAGE_STAMPS - 1);
    expect(an.doc(conversationDoc(conversation)).getMap('pages').get('current')).toBeUndefined();
    const [a, b] = [newMessageId(), newMessageId()];
    an.page(conversation).transact(() => {
      an.post(conversation, 'đầy', { id: a });
      an.post(conversation, 'sang trang', { id: b });
    });
    await until('the next page', () => an.doc(conversationDoc(conversation)).getMap('pages').get('current') === 1);
    await until('its stamp', () => an.stamps(conversation, 1).length === 1);
    expect(an.stamps(conversation)).toHaveLength(PAGE_STAMPS);
    expect(an.stamps(conversation).at(-1)?.slice(0, 2)).toEqual([PAGE_STAMPS, a]);
    expect(an.stamps(conversation, 1)[0]).toEqual([PAGE_STAMPS + 1, b, expect.any(Number), 0]);

    binh.connect(relay);
    await until('the late stamp', () => an.stamps(conversation, 1).length === 2);
    expect(an.stamps(conversation, 1)[1]).toEqual([PAGE_STAMPS + 2, late, expect.any(Number), 0]);
    await until('the late body', () => messagesOf(an.page(conversation)).has(late));
    const here = an.post(conversation, 'ở trang mới', { page: 1 });
    await until('the new stamp', () => an.stamps(conversation, 1).length === 3);
    expect(an.stamps(conversation, 1)[2]).toEqual([PAGE_STAMPS + 3, here, expect.any(Number)]);
    await an.settle(page);
    const rows = await index(conversation);
    expect(rows.map((row) => row.seq)).toEqual(Array.from({ length: PAGE_STAMPS + 3 }, (_, i) => i + 1));
    expect(rows.slice(-3).map((row) => [row.id, row.page])).toEqual([
      [b, 0],
      [late, 0],
      [here, 1],
    ]);
  });

  test('[O4] a long backlog written without a network is stamped over several pages, in the order it was written', async () => {
    const { an, conversation } = await setup();
    an.disconnect();
    const written: MessageId[] = [];
    for (let i = 0; i < 2_300; i++) {
      const id = newMessageId(i + 1);
      messagesOf(an.page(conversation)).set(id, message(an.person, `${i}`, { at: i + 1 }));
      written.push(id);
    }
    an.page(conversation, 1);
    an.page(conversation, 2);
    an.connect(relay);
    await until('the pages', () => {
      askForPages(an, conversation);
      return an.stamps(conversation, 2).length === 300;
    });
    const order = [0, 1, 2].flatMap((n) => an.stamps(conversation, n));
    expect(order.map(([, id]) => id)).toEqual(written);
    expect(order.map(([seq]) => seq)).toEqual(written.map((_, i) => i + 1));
  });

  test('[O4] a page that has not begun cannot be opened', async () => {
    const { an, conversation } = await setup();
    an.page(conversation, 1);
    await until('the refusal', () => an.control.some((c) => c.is === 'closed' && c.fault === 'not-found'));
  });
});

/** A page that was not there when it was asked for is asked for again. */
function askForPages(device: Device, conversation: ConversationId): void {
  for (const n of [1, 2])
    if (!device.isOpen(pageDoc(conversation, n)) && device.online) device.reopen(pageDoc(conversation, n));
}

describe('what follows from a change', () => {
  test('[A3] a deletion leaves a trace and takes the text out of the index', async () => {
    const { an, binh, conversation, page } = await setup();
    const id = binh.post(conversation, 'sẽ xoá');
    await until('the stamp', () => an.stamps(conversation).length === 1);
    an.remove(conversation, id);
    await until('the deletion', () => deletedOf(binh.page(conversation)).has(id));
    expect(messagesOf(binh.page(conversation)).has(id)).toBe(false);
    expect(deletedOf(binh.page(conversation)).get(id)?.by).toBe(an.person);
    await an.settle(page);
    expect(await index(conversation)).toMatchObject([{ id, deleted: true, value: null, author: binh.person }]);
    expect(relay.heard.changed).toEqual([{ conversation }]);
    expect(JSON.stringify(contentOf(await onDisk(page), PAGE_ROOTS))).not.toContain('sẽ xoá');
  });

  test('[A3] removing the text alone leaves a trace as well; a trace alone removes the text', async () => {
    const { an, conversation, page } = await setup();
    const [first, second] = [an.post(conversation, 'a'), an.post(conversation, 'b')];
    await an.settle(page);
    messagesOf(an.page(conversation)).delete(first);
    deletedOf(an.page(conversation)).set(second, { by: an.person, at: 1 });
    await an.settle(page);
    await until(
      'both settled',
      () => deletedOf(an.page(conversation)).size === 2 && messagesOf(an.page(conversation)).size === 0,
    );
    expect((await index(conversation)).map((row) => row.deleted)).toEqual([true, true]);
  });

  test('[A4] a late edit by the author is accepted and stays deleted', async () => {
    const { an, conversation, page } = await setup();
    const id = an.post(conversation, 'a');
    await an.settle(page);
    const phone = new Device(an.person);
    phone.connect(relay);
    phone.page(conversation);
    await until('the phone has it', () => messagesOf(phone.page(conversation)).has(id));
    phone.disconnect();
    phone.edit(conversation, id, 'sửa muộn');
    an.remove(conversation, id);
    await an.settle(page);
    phone.connect(relay);
    await phone.settle(page);
    await an.settle(page);
    expect(phone.isOpen(page)).toBe(true);
    for (const device of [an, phone]) {
      expect(messagesOf(device.page(conversation)).has(id)).toBe(false);
      expect(deletedOf(device.page(conversation)).has(id)).toBe(true);
    }
    expect(await index(conversation)).toMatchObject([{ id, deleted: true, value: null }]);
  });

  test('[A4] a message that was written and deleted before it was sent is never stamped', async () => {
    const { an, conversation, page } = await setup();
    an.disconnect();
    const id = an.post(conversation, 'thôi');
    an.remove(conversation, id);
    const kept = an.post(conversation, 'gửi');
    an.connect(relay);
    await until('the stamp', () => an.stamps(conversation).length === 1);
    await an.settle(page);
    expect((await index(conversation)).map((row) => row.id)).toEqual([kept]);
    expect(an.isOpen(page)).toBe(true);
  });

  test('[A2] an edit is in the index; a mention of everybody counts only from those who may', async () => {
    const { an, binh, conversation, page } = await setup();
    const id = binh.post(conversation, 'a');
    await binh.settle(page);
    binh.edit(conversation, id, 'b');
    messagesOf(binh.page(conversation)).set(newMessageId(), message(binh.person, 'mọi người', { mentions: 'all' }));
    await binh.settle(page);
    messagesOf(an.page(conversation)).set(newMessageId(), message(an.person, 'mọi người', { mentions: 'all' }));
    await an.settle(page);
    const rows = await index(conversation);
    expect(rows.map((row) => row.value?.text)).toEqual(['b', 'mọi người', 'mọi người']);
    expect(rows.map((row) => row.value?.mentions)).toEqual([undefined, undefined, 'all']);
    expect(binh.isOpen(page)).toBe(true);
  });

  test('[A9] a text that Postgres cannot keep as JSON is stored all the same', async () => {
    const { an, conversation, page } = await setup();
    an.post(conversation, 'trước\u0000sau và \\u0000');
    await an.settle(page);
    expect(messagesOf(an.page(conversation)).size).toBe(1);
    expect((await index(conversation))[0]?.value?.text).toBe('trướcsau và \\u0000');
  });

  test('[A11] a new title is told', async () => {
    const { an, binh, conversation } = await setup();
    const root = conversationDoc(conversation);
    an.doc(root).getMap('meta').set('title', 'Nhà');
    await an.settle(root);
    binh.doc(root);
    await until('the title', () => binh.doc(root).getMap('meta').get('title') === 'Nhà');
    expect(relay.heard.titled).toEqual([{ conversation, title: 'Nhà', topic: undefined }]);
  });

  // Yjs alone would keep the value of the larger client id: eight rounds let both sides have it.
  test('[O7] of two names given at the same time, the one that arrives last stays', async () => {
    for (let round = 0; round < 8; round++) {
      const { an, binh, conversation } = await setup();
      const root = conversationDoc(conversation);
      an.disconnect();
      an.doc(root).getMap('meta').set('title', 'tên sau');
      await relay.rooms.mirror(conversation, (doc) => doc.getMap('meta').set('title', 'tên trước'));
      an.connect(relay);
      await an.settle(root);
      for (const device of [an, binh]) {
        await until('the name', () => device.doc(root).getMap('meta').get('title') === 'tên sau');
      }
    }
  });
});

describe('refusals', () => {
  test('[A14] [S9] a refused update changes nothing, stores nothing and closes its channel alone', async () => {
    const { an, binh, conversation, page } = await setup();
    const root = conversationDoc(conversation);
    binh.doc(root);
    const id = an.post(conversation, 'của An');
    await until('the message', () => messagesOf(binh.page(conversation)).has(id));
    const before = contentOf(await onDisk(page), PAGE_ROOTS);
    messagesOf(binh.page(conversation)).set(id, message(binh.person, 'của Bình'));
    await until('the refusal', () => binh.control.some((c) => c.is === 'closed'));
    expect(binh.control.find((c) => c.is === 'closed')).toMatchObject({ code: 4403, fault: 'forged-update' });
    expect(binh.isOpen(page)).toBe(false);
    expect(binh.isOpen(root)).toBe(true);
    await binh.settle(root);
    await an.settle(page);
    expect(messagesOf(an.page(conversation)).get(id)?.text).toBe('của An');
    expect(contentOf(await onDisk(page), PAGE_ROOTS)).toEqual(before);
  });

  test("[A15] [A12] nobody opens what they are not in, nor what is another person's", async () => {
    const { an, conversation } = await setup();
    const stranger = new Device(await makePerson(db.sql));
    stranger.connect(relay);
    const names = [pageDoc(conversation, 0), conversationDoc(conversation), personalDoc(an.person), 'c:nonsense'];
    for (const name of names) stranger.doc(name);
    await until('refusals', () => stranger.control.filter((c) => c.is === 'closed').length === 4);
    expect(
      stranger.control
        .filter((c) => c.is === 'closed')
        .map((c) => c.fault)
        .sort(),
    ).toEqual(['not-a-member', 'not-a-member', 'not-allowed', 'not-found']);
    expect(stranger.control.some((c) => c.is === 'opened')).toBe(false);
    expect(await relay.connections.mayOpen(stranger.person, { kind: 'conversation', conversation })).toBe(
      'not-a-member',
    );
    expect(await relay.connections.mayOpen(an.person, { kind: 'conversation', conversation })).toBeNull();
  });

  test('[A10] what lacks its beginning is asked for, and accepted when it comes', async () => {
    const { an, binh, conversation, page } = await setup();
    await an.settle(page);
    const elsewhere = new Device(an.person);
    elsewhere.page(conversation);
    elsewhere.post(conversation, 'phần đầu');
    const middle = Y.encodeStateVector(elsewhere.page(conversation));
    elsewhere.post(conversation, 'phần sau');
    elsewhere.connect(relay);
    elsewhere.manual = true;
    elsewhere.outbox = [];
    elsewhere.sendOn(page, { is: 'update', update: Y.encodeStateAsUpdate(elsewhere.page(conversation), middle) });
    elsewhere.deliverOut();
    elsewhere.manual = false;
    await until(
      'the question and the answer',
      () => (elsewhere.deliverIn(), elsewhere.stamps(conversation).length === 2),
    );
    await until('binh has both', () => messagesOf(binh.page(conversation)).size === 2);
  });

  test('[A10] who keeps sending what builds on nothing is refused in the end', async () => {
    const { an, conversation, page } = await setup();
    await an.settle(page);
    const doc = new Y.Doc();
    messagesOf(doc).set(newMessageId(), message(an.person, 'a'));
    const middle = Y.encodeStateVector(doc);
    messagesOf(doc).set(newMessageId(), message(an.person, 'b'));
    const update = Y.encodeStateAsUpdate(doc, middle);
    const socket = fakeSocket();
    const connection = relay.connections.open(
      socket,
      { person: an.person, session: 's' },
      { is: 'document', name: { kind: 'page', conversation, page: 0 } },
    );
    for (let i = 0; i < 10; i++) connection.receive(encodeFrame({ is: 'step2', update }));
    await until('the end', () => socket.closedWith === 4403);
    expect(socket.sent.length).toBeLessThan(8);
  });

  test('[A10] who goes on writing while the relay asks for what was written before is not refused', async () => {
    const { an, binh, conversation, page } = await setup();
    await an.settle(page);
    an.disconnect();
    an.post(conversation, 'không có mạng');
    an.manual = true;
    an.connect(relay);
    for (let i = 0; i < 20; i++) an.post(conversation, `${i}`);
    await until(
      'all are stamped',
      () => (an.deliverOut(), an.deliverIn(), binh.stamps(conversation).length === 21 && an.isOpen(page)),
    );
    expect(an.control.filter((c) => c.is === 'closed')).toEqual([]);
  });

  test('[S2] random bytes close the socket they came on, and the relay goes on', async () => {
    const { an, binh, conversation, page } = await setup();
    await an.settle(page);
    for (let round = 0; round < 60; round++) {
      const bytes = crypto.getRandomValues(new Uint8Array(1 + (round % 30)));
      const mux = fakeSocket();
      const single = fakeSocket();
      const who = { person: binh.person, session: 'noise' };
      relay.connections.open(mux, who, { is: 'mux' }).receive(bytes);
      const other = relay.connections.open(single, who, {
        is: 'document',
        name: { kind: 'page', conversation, page: 0 },
      });
      other.receive(bytes);
      other.receive(encodeFrame({ is: 'step1', stateVector: bytes }));
      other.receive(encodeFrame({ is: 'update', update: bytes }));
      other.receive(encodeFrame({ is: 'awareness', update: bytes }));
      other.closed(1006);
    }
    const garbage = fakeSocket();
    relay.connections
      .open(garbage, { person: binh.person, session: 'x' }, { is: 'mux' })
      .receive(new Uint8Array([0, 123, 255]));
    expect(garbage.closedWith).toBe(4400);
    relay.connections.closePerson(binh.person);
    an.post(conversation, 'vẫn chạy');
    await until('the stamp', () => an.stamps(conversation).length === 1);
  });
});

describe('the disk', () => {
  test('[S3] nothing is passed on, and no sync step answered with it, before it is committed', async () => {
    const { an, binh, conversation, page } = await setup();
    await an.settle(page);
    await binh.settle(page);
    const blocker = await db.sql.reserve();
    await blocker`begin`;
    await blocker`lock table updates in share mode`;
    const heard = binh.control.length;
    const id = an.post(conversation, 'chưa ghi');
    await new Promise((resolve) => setTimeout(resolve, 60));
    const late = new Device(binh.person);
    late.connect(relay);
    late.page(conversation);
    const again = new Device(an.person);
    again.connect(relay);
    again.page(conversation);
    await new Promise((resolve) => setTimeout(resolve, 100));
    for (const device of [binh, late, again]) expect(messagesOf(device.page(conversation)).has(id)).toBe(false);
    expect(an.stamps(conversation)).toHaveLength(0);
    expect(late.answers.get(page)).toBeUndefined();
    expect(relay.heard.posted).toHaveLength(0);
    expect(binh.control).toHaveLength(heard);
    await blocker`commit`;
    blocker.release();
    await until('everybody has it', () =>
      [binh, late, again].every((device) => messagesOf(device.page(conversation)).has(id)),
    );
    expect(late.answers.get(page)).toBe(1);
  });

  test('[S5] when a commit fails the room is rebuilt, and nothing is lost once the devices are back', async () => {
    const { an, binh, conversation, page } = await setup();
    const first = an.post(conversation, 'trước');
    await an.settle(page);
    await db.sql`alter table updates rename to updates_away`;
    const second = an.post(conversation, 'hỏng');
    try {
      await until('the room is thrown away', () => an.control.some((c) => c.is === 'closed' && c.code === 4503));
      expect(an.stamps(conversation)).toHaveLength(1);
    } finally {
      await db.sql`alter table updates_away rename to updates`;
    }
    for (const device of [an, binh]) {
      device.disconnect();
      device.connect(relay);
    }
    const third = binh.post(conversation, 'sau');
    await until(
      'all are stamped',
      () => an.stamps(conversation).length === 3 && binh.stamps(conversation).length === 3,
    );
    await binh.settle(page);
    const rows = await index(conversation);
    expect(rows.map((row) => row.seq)).toEqual([1, 2, 3]);
    expect(new Set(rows.map((row) => row.id))).toEqual(new Set([first, second, third]));
    expect(contentOf(an.page(conversation), PAGE_ROOTS)).toEqual(contentOf(binh.page(conversation), PAGE_ROOTS));
    expect(contentOf(await onDisk(page), PAGE_ROOTS)).toEqual(contentOf(an.page(conversation), PAGE_ROOTS));
  });

  test('[S5] when somebody else has numbered meanwhile, the numbers are read again', async () => {
    const { an, conversation, page } = await setup();
    an.post(conversation, 'một');
    await an.settle(page);
    // As another relay would have, with all that belongs to it.
    const other = startRelay(db.sql);
    expect(await other.rooms.post(an.person, conversation, { text: 'hai' })).toMatchObject({ ok: true, seq: 2 });
    await other.stop();
    const third = an.post(conversation, 'ba');
    await until('all three', () => an.stamps(conversation).length === 3);
    expect(an.stamps(conversation)[2]?.slice(0, 2)).toEqual([3, third]);
    expect((await index(conversation)).map((row) => row.value?.text)).toEqual(['một', 'hai', 'ba']);
  });

  test('[S6] [S7] [S8] a room leaves memory with its last peer, its log is compacted, and it is the same when it is read again', async () => {
    const { an, binh, conversation, page } = await setup();
    for (let i = 0; i < 30; i++) {
      const id = an.post(conversation, `${i}`);
      if (i % 3 === 0) an.edit(conversation, id, `${i} sửa`);
      if (i % 5 === 0) an.remove(conversation, id);
      reactionsOf(an.page(conversation)).set(reactionKey({ message: id, user: an.person, emoji: '👍' }), i);
    }
    await until('all are stamped', () => binh.stamps(conversation).length === 30);
    await an.settle(page);
    const before = contentOf(an.page(conversation), PAGE_ROOTS);
    expect(relay.rooms.count).toBeGreaterThan(0);
    an.disconnect();
    binh.disconnect();
    await until('memory is empty', () => relay.rooms.count === 0);
    await relay.stop();
    const [log] = await db.sql<{ count: number }[]>`select count(*) as count from updates where document = ${page}`;
    expect(log?.count).toBe(0);
    expect(contentOf(await onDisk(page), PAGE_ROOTS)).toEqual(before);
    relay = startRelay(db.sql);
    const fresh = new Device(binh.person);
    fresh.connect(relay);
    fresh.page(conversation);
    await until('it is read', () => fresh.answers.get(page) === 1);
    expect(contentOf(fresh.page(conversation), PAGE_ROOTS)).toEqual(before);
    // And the relay goes on under another client id.
    fresh.post(conversation, 'tiếp');
    await until('the stamp', () => fresh.stamps(conversation).length === 31);
  });

  test('[S3] a sync step is answered after everything before it is on disk', async () => {
    const { an, conversation, page } = await setup();
    const id = an.post(conversation, 'ghi rồi');
    await until('open', () => an.control.some((c) => c.is === 'opened'));
    const key = reactionKey({ message: id, user: an.person, emoji: '👍' });
    reactionsOf(an.page(conversation)).set(key, 7);
    await an.settle(page);
    expect(reactionsOf(await onDisk(page)).get(key)).toBe(7);
  });
});

describe('connections', () => {
  test("[S12] a removed member's channels close at once, and what is on its way is not accepted", async () => {
    const { an, binh, conversation, page } = await setup();
    const mine = personalDoc(binh.person);
    binh.doc(mine);
    await binh.settle(page);
    await binh.settle(mine);
    binh.manual = true;
    binh.post(conversation, 'còn trên đường');
    await leave(conversation, binh.person);
    relay.connections.removeFrom(binh.person, conversation);
    await relay.rooms.membershipChanged(conversation);
    binh.deliverOut();
    binh.deliverIn();
    binh.manual = false;
    expect(binh.control.find((c) => c.is === 'closed')).toMatchObject({ code: 4403, fault: 'not-a-member' });
    expect(binh.isOpen(mine)).toBe(true);
    an.post(conversation, 'không có Bình');
    await until('the stamp', () => an.stamps(conversation).length === 1);
    expect(messagesOf(an.page(conversation)).size).toBe(1);
    expect(messagesOf(binh.page(conversation)).size).toBe(1);
  });

  test('[S12] a membership that changed under an open channel counts from its next frame', async () => {
    const { an, binh, conversation } = await setup();
    const root = conversationDoc(conversation);
    binh.doc(root).getMap('meta');
    await binh.settle(root);
    await db.sql`update members set role = 'admin' where conversation = ${conversation} and user_id = ${binh.person}`;
    await relay.rooms.membershipChanged(conversation);
    binh.doc(root).getMap('meta').set('title', 'quản trị');
    await binh.settle(root);
    await db.sql`update members set role = 'member' where conversation = ${conversation} and user_id = ${binh.person}`;
    await relay.rooms.membershipChanged(conversation);
    binh.doc(root).getMap('meta').set('title', 'hết quyền');
    await until('the refusal', () => binh.control.some((c) => c.is === 'closed' && c.fault === 'not-allowed'));
    an.doc(root);
    await until('the title', () => an.doc(root).getMap('meta').get('title') === 'quản trị');
  });

  test('[S12] removal while the channel is being opened', async () => {
    const { binh, conversation } = await setup();
    const again = new Device(binh.person);
    again.connect(relay);
    again.page(conversation);
    relay.connections.removeFrom(binh.person, conversation);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(again.control.some((c) => c.is === 'opened')).toBe(false);
    expect(again.control.filter((c) => c.is === 'closed')).toHaveLength(1);
  });

  test("[S12] an ended session's sockets close; the person's others stay", async () => {
    const { an, conversation } = await setup();
    const phone = new Device(an.person, 'phone');
    phone.connect(relay);
    phone.page(conversation);
    expect(relay.connections.online(an.person)).toBe(true);
    relay.connections.closeSession('phone');
    expect(phone.online).toBe(false);
    expect(an.online).toBe(true);
    relay.connections.closePerson(an.person, an.session);
    expect(an.online).toBe(true);
    relay.connections.closePerson(an.person);
    expect(an.online).toBe(false);
    expect(relay.connections.online(an.person)).toBe(false);
  });

  test("[S9] a socket of one document speaks the plain protocol and closes with the fault's code", async () => {
    const { an, conversation } = await setup();
    const id = an.post(conversation, 'a');
    await until('the stamp', () => an.stamps(conversation).length === 1);
    const socket = fakeSocket();
    const who = { person: an.person, session: 's' };
    const connection = relay.connections.open(socket, who, {
      is: 'document',
      name: { kind: 'page', conversation, page: 0 },
    });
    connection.receive(encodeFrame({ is: 'step1', stateVector: Y.encodeStateVector(new Y.Doc()) }));
    await until('two frames', () => socket.sent.length >= 2);
    const frames = socket.sent
      .map((bytes) => decodeFrame(bytes))
      .flatMap((decoded) => (decoded.ok ? [decoded.value] : []));
    expect(frames.map((frame) => frame.is)).toEqual(['step1', 'step2']);
    const doc = new Y.Doc();
    if (frames[1]?.is === 'step2') Y.applyUpdate(doc, frames[1].update);
    expect(messagesOf(doc).has(id)).toBe(true);
    expect(orderOf(doc).length).toBe(1);
    connection.receive(new Uint8Array([9]));
    expect(socket.closedWith).toBe(4400);
    const stranger = fakeSocket();
    relay.connections.open(
      stranger,
      { person: await makePerson(db.sql), session: 's' },
      { is: 'document', name: { kind: 'page', conversation, page: 0 } },
    );
    await until('closed', () => stranger.closedWith === 4403);
  });

  test('[S9] channel numbers are used once, and a closed channel is silent', async () => {
    const { an, conversation } = await setup();
    const page = pageDoc(conversation, 0);
    await an.settle(page);
    const socket = fakeSocket();
    const connection = relay.connections.open(socket, { person: an.person, session: 's' }, { is: 'mux' });
    const control = (json: unknown): void =>
      connection.receive(new Uint8Array([0, ...new TextEncoder().encode(JSON.stringify(json))]));
    control({ is: 'open', channel: 3, doc: page });
    await until('opened', () => socket.sent.length >= 2);
    control({ is: 'close', channel: 3 });
    const count = socket.sent.length;
    an.post(conversation, 'a');
    await an.settle(page);
    connection.receive(new Uint8Array([3, 0, 0, 1, 0]));
    expect(socket.sent).toHaveLength(count);
    control({ is: 'open', channel: 3, doc: page });
    expect(socket.closedWith).toBe(4400);
  });

  test('[S5] a socket that cannot keep up is told to come back', async () => {
    const { an, binh, conversation } = await setup();
    const socket = fakeSocket();
    const connection = relay.connections.open(socket, { person: binh.person, session: 's' }, { is: 'mux' });
    connection.receive(
      new Uint8Array([
        0,
        ...new TextEncoder().encode(JSON.stringify({ is: 'open', channel: 1, doc: pageDoc(conversation, 0) })),
      ]),
    );
    await until('opened', () => socket.sent.length >= 2);
    socket.buffered = 5 * 1024 * 1024;
    an.post(conversation, 'a');
    await until('cut', () => socket.closedWith === 4503);
    await until('the stamp', () => an.stamps(conversation).length === 1);
  });

  test('[S17] a long answer goes out as fast as it is taken, and what is asked meanwhile is answered behind it', async () => {
    const { an, binh, conversation } = await setup();
    for (let i = 0; i < 100; i++) an.post(conversation, 'x'.repeat(15_000));
    await until('the stamps', () => an.stamps(conversation).length === 100);

    const socket = fakeSocket();
    const name = { kind: 'page', conversation, page: 0 } as const;
    const connection = relay.connections.open(socket, { person: binh.person, session: 's' }, { is: 'document', name });
    await until('opened', () => socket.sent.length > 0);
    const copy = new Y.Doc();
    const answers = (): number => {
      let found = 0;
      for (const bytes of socket.sent) {
        const frame = decodeFrame(bytes);
        if (!frame.ok) throw new Error(frame.why);
        if (frame.value.is === 'step2' || frame.value.is === 'update') Y.applyUpdate(copy, frame.value.update);
        if (frame.value.is === 'step2') found += 1;
      }
      return found;
    };
    const ask = encodeFrame({ is: 'step1', stateVector: Y.encodeStateVector(new Y.Doc()) });
    socket.buffered = 1024 * 1024;
    connection.receive(ask);
    connection.receive(ask);
    an.post(conversation, 'meanwhile');
    await until('the stamp', () => an.stamps(conversation).length === 101);
    // Nothing of the answer yet: what is on its way has to leave first.
    expect(answers()).toBe(0);
    const sizes: number[] = [];
    for (let round = 0; round < 100 && answers() < 2; round++) {
      // Room for one more.
      const before = socket.sent.length;
      socket.buffered = 400 * 1024;
      const send = socket.send.bind(socket);
      socket.send = (bytes) => {
        send(bytes);
        socket.buffered = 1024 * 1024;
      };
      connection.drained();
      socket.send = send;
      await new Promise((resolve) => setImmediate(resolve));
      sizes.push(...socket.sent.slice(before).map((bytes) => bytes.length));
    }
    expect(answers()).toBe(2);
    expect(messagesOf(copy).size).toBe(101);
    expect(sizes.length).toBeGreaterThan(10);
    expect(Math.max(...sizes)).toBeLessThan(300 * 1024);
    expect(socket.closedWith).toBeNull();
    expect(relay.heard.refused).toEqual([]);
    connection.closed(1006);
  });

  test('[S17] who asks again and again without reading is hung up on', async () => {
    const { an, binh, conversation } = await setup();
    for (let i = 0; i < 30; i++) an.post(conversation, 'x'.repeat(15_000));
    await until('the stamps', () => an.stamps(conversation).length === 30);
    const socket = fakeSocket();
    const name = { kind: 'page', conversation, page: 0 } as const;
    const connection = relay.connections.open(socket, { person: binh.person, session: 's' }, { is: 'document', name });
    await until('opened', () => socket.sent.length > 0);
    socket.buffered = 1024 * 1024;
    const ask = encodeFrame({ is: 'step1', stateVector: Y.encodeStateVector(new Y.Doc()) });
    for (let i = 0; i < 20 && socket.closedWith === null; i++) connection.receive(ask);
    expect(socket.closedWith).toBe(FAULTS['too-fast'].close);
    expect(relay.heard.refused).toEqual(['too-fast']);
  });

  test('[S9] a peer that floods a channel before it is open is cut', async () => {
    const { an, conversation } = await setup();
    const socket = fakeSocket();
    const connection = relay.connections.open(
      socket,
      { person: an.person, session: 's' },
      { is: 'document', name: { kind: 'page', conversation, page: 0 } },
    );
    for (let i = 0; i < 4; i++) connection.receive(new Uint8Array(FRAME_MAX_BYTES));
    expect(socket.closedWith).toBe(4529);
  });

  test('[A17] an awareness state names its own sender, comes back to it, and is forgotten when the sender leaves', async () => {
    const { an, binh, conversation, page } = await setup();
    await an.settle(page);
    await binh.settle(page);
    const seen: unknown[] = [];
    binh.heardAwareness = (entries) => seen.push(...entries);
    const mine: unknown[] = [];
    an.heardAwareness = (entries) => mine.push(entries);
    an.sendAwareness(page, { user: { id: an.person }, typing: true });
    await until('both hear of it', () => seen.length === 1 && mine.length === 1);
    // In the name of another, of nobody, too large, or about another's client: passed over, but answered.
    an.sendAwareness(page, { user: { id: binh.person } }, 1, 77);
    an.sendAwareness(page, { typing: true }, 1, 78);
    an.sendAwareness(page, { user: { id: an.person }, big: 'x'.repeat(3_000) }, 1, 79);
    binh.sendAwareness(page, null, 9, an.page(conversation).clientID);
    binh.sendAwareness(page, { user: { id: binh.person } }, 9, an.page(conversation).clientID);
    await Promise.all([an.settle(page), binh.settle(page)]);
    await until('each is answered', () => mine.length === 4);
    expect(seen).toHaveLength(1);
    const late = new Device(binh.person);
    const told: unknown[] = [];
    late.heardAwareness = (entries) => told.push(...entries);
    late.connect(relay);
    late.page(conversation);
    await until('the newcomer is told', () => told.length === 1);
    an.disconnect();
    await until('it is gone', () => seen.length === 2);
    expect(seen[1]).toMatchObject({ state: null });
  });
});

describe('by the relay', () => {
  test('[O2] [O1] a message over HTTP is stamped like any other, once per id', async () => {
    const { an, binh, conversation } = await setup();
    const id = newMessageId();
    const posts = await Promise.all([
      relay.rooms.post(an.person, conversation, { id, text: 'từ máy' }),
      relay.rooms.post(an.person, conversation, { id, text: 'từ máy' }),
    ]);
    expect(posts).toEqual([
      { ok: true, id, seq: 1 },
      { ok: true, id, seq: 1 },
    ]);
    expect(await relay.rooms.post(binh.person, conversation, { id, text: 'x' })).toEqual({
      ok: false,
      fault: 'conflict',
    });
    expect(await relay.rooms.post(an.person, conversation, { text: '  ' })).toEqual({
      ok: false,
      fault: 'invalid-input',
    });
    expect(await relay.rooms.post(await makePerson(db.sql), conversation, { text: 'x' })).toEqual({
      ok: false,
      fault: 'not-a-member',
    });
    await until('devices have it', () => binh.stamps(conversation).length === 1);
    expect(relay.heard.posted).toHaveLength(1);
    const second = binh.post(conversation, 'từ điện thoại');
    await until('the stamp', () => an.stamps(conversation).length === 2);
    expect(await relay.rooms.post(binh.person, conversation, { id: second, text: 'x' })).toEqual({
      ok: true,
      id: second,
      seq: 2,
    });
  });

  test('[H12] a message that was deleted since is not posted anew by a request that is repeated', async () => {
    const { an, binh, conversation } = await setup();
    const id = newMessageId();
    const post = (): Promise<unknown> => relay.rooms.post(an.person, conversation, { id, text: 'từ máy' });
    expect(await post()).toEqual({ ok: true, id, seq: 1 });
    expect(await relay.rooms.remove(an.person, conversation, id)).toBeNull();
    expect(await post()).toEqual({ ok: true, id, seq: 1 });
    const next = an.post(conversation, 'sau');
    await until('the next is there', () => binh.stamps(conversation).some(([, each]) => each === next));
    expect([...messagesOf(binh.page(conversation)).keys()]).toEqual([next]);
    expect(relay.heard.posted).toHaveLength(2);
  });

  test('[A2] [A3] editing and deleting over HTTP', async () => {
    const { an, binh, conversation, page } = await setup();
    const posted = await relay.rooms.post(an.person, conversation, { text: 'một' });
    const id = posted.ok ? posted.id : newMessageId();
    expect(await relay.rooms.edit(binh.person, conversation, id, { text: 'x' })).toBe('not-allowed');
    expect(await relay.rooms.edit(an.person, conversation, newMessageId(), { text: 'x' })).toBe('not-found');
    expect(await relay.rooms.edit(an.person, conversation, id, { text: '' })).toBe('invalid-input');
    expect(await relay.rooms.edit(an.person, conversation, id, { text: 'hai' })).toBeNull();
    await until('the edit', () => messagesOf(binh.page(conversation)).get(id)?.text === 'hai');
    // A device goes on editing what the relay wrote for its person.
    an.edit(conversation, id, 'ba');
    await an.settle(page);
    expect((await index(conversation))[0]?.value?.text).toBe('ba');
    expect(await relay.rooms.remove(binh.person, conversation, id)).toBe('not-allowed');
    expect(await relay.rooms.remove(an.person, conversation, id)).toBeNull();
    expect(await relay.rooms.remove(an.person, conversation, id)).toBe('not-found');
    await until('the deletion', () => deletedOf(binh.page(conversation)).has(id));
    expect(await index(conversation)).toMatchObject([{ deleted: true, value: null }]);
    const theirs = binh.post(conversation, 'của Bình');
    await binh.settle(page);
    expect(await relay.rooms.remove(an.person, conversation, theirs)).toBeNull();
    await until('the deletion', () => deletedOf(binh.page(conversation)).get(theirs)?.by === an.person);
  });

  test('[S8] writing without anybody watching leaves nothing in memory', async () => {
    const an = await makePerson(db.sql);
    const conversation = await makeConversation(db.sql, [{ person: an, role: 'owner' }]);
    for (let i = 0; i < 5; i++) await relay.rooms.post(an, conversation, { text: `${i}` });
    await relay.rooms.mirror(conversation, (root) => root.getMap('meta').set('kind', 'group'));
    await relay.rooms.setRead(an, conversation, 3);
    await until('memory is empty', () => relay.rooms.count === 0);
    expect((await onDisk(conversationDoc(conversation))).getMap('meta').toJSON()).toEqual({ kind: 'group' });
    expect(await index(conversation)).toHaveLength(5);
  });

  test('[S3] what the relay mirrors is read by the devices', async () => {
    const { an, conversation } = await setup();
    const root = conversationDoc(conversation);
    an.doc(root);
    await relay.rooms.mirror(conversation, (doc) => doc.getMap('meta').set('title', 'Lớp'));
    await relay.rooms.mirror(conversation, () => undefined);
    await until('the title', () => an.doc(root).getMap('meta').get('title') === 'Lớp');
    const deleted = `c${'0'.repeat(24)}` as ConversationId;
    await relay.rooms.mirror(deleted, (doc) => doc.getMap('meta').set('title', 'xoá rồi'));
    expect(metaOf(await onDisk(conversationDoc(deleted))).size).toBe(0);
  });

  test('[A12] [U3] read marks are told, from devices and over HTTP, and do not move back', async () => {
    const { an, conversation } = await setup();
    const mine = personalDoc(an.person);
    an.doc(mine).getMap('read').set(conversation, 4);
    await an.settle(mine);
    expect(relay.heard.read).toEqual([{ person: an.person, conversation, seq: 4 }]);
    await relay.rooms.setRead(an.person, conversation, 9);
    await relay.rooms.setRead(an.person, conversation, 2);
    await until('the device knows', () => an.doc(mine).getMap('read').get(conversation) === 9);
    expect(relay.heard.read.map((mark) => mark.seq)).toEqual([4, 9]);
  });
});
