/** The short way takes nothing that the judge would not take, and means the same by it. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { newConversationId, newMessageId, newUserId } from '#shared/ids.ts';
import { pageDoc } from '#shared/model/doc-names.ts';
import { deletedOf, messagesOf, orderOf } from '#shared/model/page.ts';
import { authorize } from './authorize.ts';
import { recogniseNewMessage } from './new-message.ts';
import { Room } from './room.ts';
import { message } from './test-stage.ts';

const [an, binh] = [newUserId(), newUserId()];
const conversation = newConversationId();

/** A page on which both have written, and a device of An's that goes on. */
function page() {
  const device = new Y.Doc();
  const other = new Y.Doc();
  const updates: Uint8Array[] = [];
  device.on('update', (update: Uint8Array) => updates.push(update));
  const [first, second, gone] = [newMessageId(), newMessageId(), newMessageId()];
  messagesOf(device).set(first, message(an, 'đầu'));
  messagesOf(device).set(gone, message(an, 'bỏ'));
  messagesOf(device).delete(gone);
  deletedOf(device).set(gone, { by: an, at: 1 });
  messagesOf(other).set(second, message(binh, 'hai'));
  const room = new Room(
    pageDoc(conversation, 0),
    { kind: 'page', conversation, page: 0 },
    {
      updates: [Y.encodeStateAsUpdate(device), Y.encodeStateAsUpdate(other)],
      logLength: 2,
      clients: new Map([
        [device.clientID, an],
        [other.clientID, binh],
      ]),
    },
  );
  updates.length = 0;
  return { room, device, other, updates, first, second, gone };
}
type Page = ReturnType<typeof page>;

const judged = ({ room }: Page, update: Uint8Array) =>
  authorize(update, {
    doc: room.doc,
    kind: 'page',
    person: an,
    standing: { role: 'member', kind: 'group' },
    ownerOfClient: (client) => room.ownerOfClient(client),
    claimant: () => undefined,
    authorOf: () => null,
    isTrace: () => false,
  });

/** Whether the short way takes it, as the conversation asks. */
function taken({ room }: Page, update: Uint8Array) {
  const posted = recogniseNewMessage(update);
  return posted !== null && posted.value.by === an && room.canTake(posted, an) ? posted : null;
}

test('[A1] [O1] a new message is recognised, stamped, and in the document when it is asked for', () => {
  const scene = page();
  const ids = Array.from({ length: 600 }, () => newMessageId());
  for (const [at, id] of ids.entries()) {
    messagesOf(scene.device).set(id, message(an, `tin ${String(at)}`));
    const update = scene.updates.at(-1) ?? new Uint8Array();
    const posted = taken(scene, update);
    expect(posted).toMatchObject({ id, client: scene.device.clientID });
    if (posted !== null) scene.room.takeMessage(update, posted, [at + 1, id, 5]);
  }
  const peer = new Y.Doc();
  for (const change of scene.room.takeChanges()) Y.applyUpdate(peer, change);
  expect(peer.store.pendingStructs).not.toBeNull();
  Y.applyUpdate(peer, Y.encodeStateAsUpdate(scene.device));
  expect(peer.store.pendingStructs).toBeNull();
  for (const doc of [peer, scene.room.doc]) {
    expect(
      orderOf(doc)
        .toArray()
        .map(([, id]) => id),
    ).toEqual(ids);
    expect(messagesOf(doc).get(ids[599] ?? ids[0]!)?.text).toBe('tin 599');
  }
  expect(scene.room.takeChanges()).toEqual([]);
  expect(scene.room.newOwnClients()).toHaveLength(1);
});

test('[A2] [A4] [A7] [O2] what is not a new message by its author, next in its row, goes the long way', () => {
  const refused = (change: (scene: Page) => void) => {
    const scene = page();
    change(scene);
    expect(taken(scene, scene.updates.at(-1) ?? new Uint8Array())).toBeNull();
  };
  refused(({ device, first }) => messagesOf(device).set(first, message(an, 'sửa')));
  refused(({ device, second }) => messagesOf(device).set(second, message(an, 'của người khác')));
  refused(({ device, gone }) => messagesOf(device).set(gone, message(an, 'trở lại')));
  refused(({ device }) => messagesOf(device).set(newMessageId(), message(binh, 'giả')));
  refused(({ device }) => messagesOf(device).set('x' as never, message(an, 'tên lạ')));
  refused(({ device }) => messagesOf(device).set(newMessageId(), { ...message(an, 'thừa'), more: 1 } as never));
  refused(({ device }) => deletedOf(device).set(newMessageId(), { by: an, at: 1 }));
  refused(({ device }) =>
    device.transact(() => {
      for (const text of ['một', 'hai']) messagesOf(device).set(newMessageId(), message(an, text));
    }),
  );
  // One that has a gap before it; one that was there already; one by a client that nobody knows, or that is somebody else's.
  refused(({ device, updates }) => {
    messagesOf(device).set(newMessageId(), message(an, 'lạc mất'));
    updates.length = 0;
    messagesOf(device).set(newMessageId(), message(an, 'sau đó'));
  });
  const again = page();
  messagesOf(again.device).set(newMessageId(), message(an, 'hai lần'));
  const update = again.updates.at(-1) ?? new Uint8Array();
  const posted = taken(again, update);
  if (posted !== null) again.room.takeMessage(update, posted, [1, posted.id, 5]);
  expect(taken(again, update)).toBeNull();
  for (const make of [() => new Y.Doc(), (scene: Page) => scene.other]) {
    const scene = page();
    const doc = make(scene);
    doc.on('update', (each: Uint8Array) => scene.updates.push(each));
    messagesOf(doc).set(newMessageId(), message(an, 'từ máy lạ'));
    expect(taken(scene, scene.updates.at(-1) ?? new Uint8Array())).toBeNull();
  }
});

test('[A8] [A9] [S2] of a mangled update the short way takes only what the judge takes, and reads it as Yjs does', () => {
  const scene = page();
  const id = newMessageId();
  messagesOf(scene.device).set(id, message(an, 'con về tới rồi', { replyTo: scene.first, mentions: [binh] }));
  const honest = scene.updates.at(-1) ?? new Uint8Array();
  let takenCount = 0;
  const change = fc.tuple(fc.nat(honest.length - 1), fc.nat(255), fc.constantFrom('set', 'insert', 'remove'));
  fc.assert(
    fc.property(fc.array(change, { minLength: 0, maxLength: 2 }), (changes) => {
      const bytes = [...honest];
      for (const [at, byte, how] of changes)
        bytes.splice(at, how === 'insert' ? 0 : 1, ...(how === 'remove' ? [] : [byte]));
      const update = Uint8Array.from(bytes);
      const posted = taken(scene, update);
      if (posted === null) return;
      takenCount += 1;
      expect(judged(scene, update)).toMatchObject({ is: 'accept', empty: false, repeats: false, clients: [] });
      const copy = new Y.Doc();
      Y.applyUpdate(copy, Y.encodeStateAsUpdate(scene.room.doc));
      Y.applyUpdate(copy, update);
      expect(copy.store.pendingStructs).toBeNull();
      expect(messagesOf(copy).get(posted.id)).toEqual(posted.value);
      expect(messagesOf(copy).size).toBe(messagesOf(scene.room.doc).size + 1);
    }),
    { numRuns: 4_000 },
  );
  expect(takenCount).toBeGreaterThan(100);
});
