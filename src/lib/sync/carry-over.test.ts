import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { type MessageId, newCallId, newMessageId, newUserId } from '#shared/ids.ts';
import { metaOf } from '#shared/model/conversation.ts';
import { deletedOf, messagesOf, orderOf, reactionKey, reactionsOf } from '#shared/model/page.ts';
import { type Circumstances, changesToCarry } from './carry-over.ts';

const [me, binh] = [newUserId(), newUserId()];
const circumstances: Circumstances = { me, isDirty: false, waiting: new Map() };

/** The relay's copy, and a device that has it. */
function copies(write: (doc: Y.Doc) => void = () => undefined) {
  const [fresh, before] = [new Y.Doc(), new Y.Doc()];
  write(fresh);
  const pass = (from: Y.Doc, to: Y.Doc) => Y.applyUpdate(to, Y.encodeStateAsUpdate(from));
  pass(fresh, before);
  return { fresh, before, arrive: () => pass(before, fresh), hear: () => pass(fresh, before) };
}

const say = (doc: Y.Doc, text: string, by = me, more: object = {}): MessageId => {
  const id = newMessageId();
  messagesOf(doc).set(id, { by, at: 1, text, ...more });
  return id;
};
const carried = (
  two: ReturnType<typeof copies>,
  more: Partial<Circumstances> = {},
  kind: 'page' | 'conversation' = 'page',
) => changesToCarry(kind, two, { ...circumstances, ...more });

test('[L9] own messages that the other copy lacks are carried, also those that had a stamp; those of others are not', () => {
  const two = copies((doc) => say(doc, 'cũ'));
  const id = say(two.before, 'của tôi');
  say(two.before, 'của Bình', binh);
  orderOf(two.before).push([[2, id, 5]]);
  const changes = carried(two);
  expect(changes).toMatchObject([{ what: 'message', key: id, text: 'của tôi' }]);
  changes.forEach((change) => change.make(two.fresh));
  expect(messagesOf(two.fresh).get(id)?.text).toBe('của tôi');
  expect(carried(two)).toEqual([]);
});

test('[C9] what is left of a call is not carried: only the relay writes it', () => {
  const two = copies();
  say(two.before, '', me, { call: { id: newCallId(), video: false, outcome: 'missed', seconds: 0 } });
  const id = say(two.before, 'của tôi');
  expect(carried(two).map(({ key }) => key)).toEqual([id]);
});

test('[L9] a message that was stamped or deleted there is not written again', () => {
  const two = copies();
  const [stamped, deleted] = [say(two.before, 'một'), say(two.before, 'hai')];
  orderOf(two.fresh).push([[1, stamped, 5, 3]]);
  deletedOf(two.fresh).set(deleted, { by: binh, at: 9 });
  expect(carried(two)).toEqual([]);
});

test('[L9] of two edits the newer one stays', () => {
  let id = newMessageId();
  const two = copies((doc) => (id = say(doc, 'đầu')));
  messagesOf(two.before).set(id, { by: me, at: 1, text: 'ở đây', editedAt: 5 });
  expect(carried(two)).toMatchObject([{ what: 'edit', text: 'ở đây' }]);
  messagesOf(two.fresh).set(id, { by: me, at: 1, text: 'ở kia', editedAt: 7 });
  expect(carried(two)).toEqual([]);
});

test('[L9] an own deletion is made again', () => {
  let id = newMessageId();
  const two = copies((doc) => (id = say(doc, 'xoá đi')));
  messagesOf(two.before).delete(id);
  deletedOf(two.before).set(id, { by: me, at: 3 });
  const changes = carried(two);
  expect(changes).toMatchObject([{ what: 'deletion', key: id }]);
  changes.forEach((change) => change.make(two.fresh));
  expect(messagesOf(two.fresh).has(id)).toBe(false);
  expect(deletedOf(two.fresh).get(id)?.by).toBe(me);
});

test('[L9] reactions: given and taken back here is carried, taken back elsewhere is left', () => {
  const message = newMessageId();
  const key = (emoji: string, user = me) => reactionKey({ message, user, emoji });
  const two = copies((doc) => {
    for (const emoji of ['👍', '🎉']) reactionsOf(doc).set(key(emoji), 1);
  });
  reactionsOf(two.before).set(key('❤️'), 2);
  reactionsOf(two.before).set(key('😋', binh), 2);
  reactionsOf(two.before).delete(key('👍'));
  reactionsOf(two.fresh).delete(key('🎉'));
  const changes = carried(two);
  expect(changes.map(({ what }) => what)).toEqual(['reaction', 'reaction']);
  changes.forEach((change) => change.make(two.fresh));
  expect([...reactionsOf(two.fresh).keys()]).toEqual([key('❤️')]);
});

test('[L9] a name of the group is carried only when it may be this device’s own', () => {
  const two = copies((doc) => metaOf(doc).set('title', 'Cũ'));
  metaOf(two.before).set('title', 'Mới');
  expect(carried(two, {}, 'conversation')).toEqual([]);
  expect(carried(two, { isDirty: true }, 'conversation')).toMatchObject([{ what: 'title', text: 'Mới' }]);
  two.arrive();
  expect(carried(two, { isDirty: true }, 'conversation')).toEqual([]);
});

test('[L7] [L9] a damaged copy has lost a message that waits: it is carried all the same', () => {
  const id = newMessageId();
  const waiting = new Map([[id as string, { by: me, at: 1, text: 'chưa gửi' }]]);
  expect(carried(copies(), { waiting })).toMatchObject([{ what: 'message', key: id, text: 'chưa gửi' }]);
});
