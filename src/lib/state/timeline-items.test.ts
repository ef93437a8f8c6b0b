import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { type MessageId, newMessageId, newUserId, type UserId } from '#shared/ids.ts';
import { deletedOf, messagesOf, orderOf, reactionKey, reactionsOf } from '#shared/model/page.ts';
import { readPage } from './page-content.ts';
import { buildTimeline, emptyTimeline, type Timeline, type TimelineSources } from './timeline-items.ts';
import type { TimelineItem } from './views.ts';

const [me, binh] = [newUserId(), newUserId()];
const NOON = new Date(2026, 10, 22, 12).getTime();
const MINUTE = 60_000;

class Page {
  readonly number: number;
  readonly doc = new Y.Doc();

  constructor(number: number) {
    this.number = number;
  }

  write(by: UserId, text: string, { at = NOON, replyTo }: { at?: number; replyTo?: MessageId } = {}): MessageId {
    const id = newMessageId(at);
    messagesOf(this.doc).set(id, { by, at, text, ...(replyTo && { replyTo }) });
    return id;
  }

  stamp(id: MessageId, seq: number, at = NOON, elsewhere?: number): MessageId {
    orderOf(this.doc).push([elsewhere === undefined ? [seq, id, at] : [seq, id, at, elsewhere]]);
    return id;
  }

  said(seq: number, by: UserId, text: string, at = NOON): MessageId {
    return this.stamp(this.write(by, text, { at }), seq, at);
  }
}

function build(
  pages: Page[],
  more: Partial<Omit<TimelineSources, 'aside'>> & { aside?: Page[] } = {},
  before: Timeline = emptyTimeline,
): Timeline {
  return buildTimeline(
    {
      me,
      isWaiting: () => true,
      elsewhere: () => undefined,
      nameOf: (person) => (person === me ? 'An' : 'Bình'),
      mayWrite: true,
      mayDeleteAny: false,
      others: null,
      newLine: null,
      atStart: true,
      ...more,
      shown: pages.map((page) => readPage(page.number, page.doc)),
      aside: (more.aside ?? []).map((page) => readPage(page.number, page.doc)),
    },
    before,
  );
}

const texts = ({ items }: Timeline) => items.flatMap((item) => (item.is === 'message' ? [item.message.text] : []));
const shape = ({ items }: Timeline) =>
  items.map((item: TimelineItem) =>
    item.is === 'message' ? `${item.first ? '[' : '-'}${item.message.text}${item.last ? ']' : '-'}` : item.is,
  );

test('[O6] stamped messages are in the order of their seq, whatever their clocks say', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 4e12 }), { maxLength: 40 }), (clocks) => {
      const page = new Page(0);
      clocks.forEach((at, index) => page.stamp(page.write(index % 2 ? me : binh, String(index), { at }), index + 1));
      expect(texts(build([page]))).toEqual(clocks.map((_, index) => String(index)));
    }),
  );
});

test('[O6] the order does not depend on the order in which stamps arrived', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([1, 2, 3, 4, 5, 6, 7], { minLength: 7 }), (seqs) => {
      const page = new Page(0);
      for (const seq of seqs) page.said(seq, binh, String(seq));
      expect(texts(build([page]))).toEqual(['1', '2', '3', '4', '5', '6', '7']);
    }),
  );
});

test('[O3] waiting messages stay at the end, by the time they were written', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 4e12 }), { maxLength: 20 }), (clocks) => {
      const page = new Page(0);
      for (const at of clocks) page.write(me, String(at), { at });
      page.said(1, binh, 'stamped', 4e12);
      const sorted = [...clocks].sort((a, b) => a - b).map(String);
      expect(texts(build([page]))).toEqual(['stamped', ...sorted]);
    }),
  );
});

test('a message keeps its key, and its neighbours are the same objects, when its stamp comes', () => {
  const page = new Page(0);
  page.said(1, binh, 'một');
  const id = page.write(me, 'hai');
  const before = build([page]);
  page.stamp(id, 2);
  const after = build([page], {}, before);
  const [oneBefore, twoBefore] = before.items.filter((item) => item.is === 'message');
  const [oneAfter, twoAfter] = after.items.filter((item) => item.is === 'message');
  expect(oneAfter).toBe(oneBefore);
  expect(twoAfter?.key).toBe(twoBefore?.key);
  expect(twoBefore?.message.state).toBe('waiting');
  expect(twoAfter?.message.state).toBe('sent');
});

test('what waits is this person’s, and what another device has not sent is not shown', () => {
  const page = new Page(0);
  page.write(binh, 'không của tôi');
  const id = page.write(me, 'của tôi');
  expect(texts(build([page]))).toEqual(['của tôi']);
  expect(texts(build([page], { isWaiting: (one) => one !== id }))).toEqual([]);
});

test('[O5] a late message stands where its stamp is, with the body of another page', () => {
  const [old, now] = [new Page(0), new Page(1)];
  const late = old.write(binh, 'muộn');
  now.said(1_001, me, 'trước');
  now.stamp(late, 1_002, NOON, 0);
  const without = build([now], { atStart: false });
  expect(texts(without)).toEqual(['trước']);
  expect(without.missing).toEqual([0]);
  const withBody = build([now], { atStart: false, aside: [old] });
  expect(texts(withBody)).toEqual(['trước', 'muộn']);
  expect(withBody.entries.get(late)?.page).toBe(0);
  expect(texts(build([old, now]))).toEqual(['trước', 'muộn']);
});

test('[A4] a deletion wins over an edit, and leaves a trace', () => {
  const page = new Page(0);
  const [gone, edited, mine] = [page.said(1, binh, 'bỏ'), page.said(2, binh, 'sai'), page.said(3, me, 'nhầm')];
  deletedOf(page.doc).set(mine, { by: me, at: NOON });
  deletedOf(page.doc).set(gone, { by: binh, at: NOON });
  deletedOf(page.doc).set(edited, { by: binh, at: NOON });
  messagesOf(page.doc).delete(gone);
  const views = [...build([page]).entries.values()].map(({ view }) => view);
  const trace = { deleted: true, text: '', canEdit: false, state: null };
  expect(views.map(({ deleted, text, canEdit, state }) => ({ deleted, text, canEdit, state }))).toEqual([
    trace,
    trace,
    trace,
  ]);
});

test('a message deleted before it was sent leaves nothing', () => {
  const page = new Page(0);
  const id = page.write(me, 'nhầm');
  messagesOf(page.doc).delete(id);
  deletedOf(page.doc).set(id, { by: me, at: NOON });
  expect(build([page]).items.map(({ is }) => is)).toEqual(['start']);
});

test('groups are of one author within five minutes, on one day', () => {
  const page = new Page(0);
  page.said(1, binh, 'a', NOON);
  page.said(2, binh, 'b', NOON + MINUTE);
  page.said(3, binh, 'c', NOON + 10 * MINUTE);
  page.said(4, me, 'd', NOON + 10 * MINUTE);
  page.said(5, me, 'e', NOON + 24 * 60 * MINUTE);
  expect(shape(build([page]))).toEqual(['start', 'day', '[a-', '-b]', '[c]', '[d]', 'day', '[e]']);
});

test('the "new" line stands before the first unread message by somebody else, and splits a group', () => {
  const page = new Page(0);
  page.said(1, binh, 'đã đọc');
  page.said(2, me, 'của tôi');
  page.said(3, binh, 'mới');
  expect(shape(build([page], { newLine: { after: 1, count: 1 } }))).toEqual([
    'start',
    'day',
    '[đã đọc]',
    '[của tôi]',
    'new',
    '[mới]',
  ]);
  const away = build([page], { newLine: { after: 3, count: 1 } });
  expect(away.items.some((item) => item.is === 'new')).toBe(false);
  const further = new Page(1);
  further.said(1_001, binh, 'x');
  expect(
    build([further], { atStart: false, newLine: { after: 900, count: 101 } }).items.some((item) => item.is === 'new'),
  ).toBe(false);
});

test('[D5] reactions are summed by emoji, the one used first in front', () => {
  const page = new Page(0);
  const id = page.said(1, binh, 'vui');
  const react = (user: UserId, emoji: string, at: number) =>
    reactionsOf(page.doc).set(reactionKey({ message: id, user, emoji }), at);
  react(me, '🎉', 3);
  react(binh, '👍', 1);
  react(me, '👍', 2);
  expect(build([page]).entries.get(id)?.view.reactions).toEqual([
    { emoji: '👍', count: 2, mine: true, names: ['Bình', 'An'] },
    { emoji: '🎉', count: 1, mine: true, names: ['An'] },
  ]);
});

test('a reply shows what it answers, that it is gone, or what was found of it elsewhere', () => {
  const page = new Page(0);
  const asked = page.said(1, binh, 'mấy giờ?');
  const answer = page.stamp(page.write(me, 'tám', { replyTo: asked }), 2);
  const old = newMessageId();
  const late = page.stamp(page.write(me, 'ừ', { replyTo: old }), 3);
  const built = build([page]);
  expect(built.entries.get(answer)?.view.replyTo).toEqual({
    id: asked,
    is: 'here',
    byName: 'Bình',
    text: 'mấy giờ?',
  });
  expect(built.entries.get(late)?.view.replyTo).toEqual({ id: old, is: 'looked-for' });
  const found = build([page], { elsewhere: () => ({ by: binh, text: 'năm ngoái' }) }, built);
  expect(found.entries.get(late)?.view.replyTo).toEqual({ id: old, is: 'here', byName: 'Bình', text: 'năm ngoái' });
  const nowhere = build([page], { elsewhere: () => 'nowhere' }, built);
  expect(nowhere.entries.get(late)?.view.replyTo).toEqual({ id: old, is: 'not-here' });
  messagesOf(page.doc).delete(asked);
  deletedOf(page.doc).set(asked, { by: binh, at: NOON });
  expect(build([page]).entries.get(answer)?.view.replyTo).toEqual({ id: asked, is: 'deleted' });
});

test('no two items have the same key, even when a clock was set back', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: NOON - 4e8, max: NOON + 4e8 }), { maxLength: 60 }), (times) => {
      const page = new Page(0);
      times.forEach((at, index) => page.said(index + 1, index % 3 ? me : binh, String(index), at));
      const keys = build([page], { newLine: { after: 2, count: 1 } }).items.map(({ key }) => key);
      expect(new Set(keys).size).toBe(keys.length);
    }),
  );
});

test('[R5] an own message is sent, delivered and read as the others get on, and only what changed is drawn again', () => {
  const page = new Page(0);
  page.said(1, me, 'một');
  page.said(2, binh, 'của Bình');
  page.said(3, me, 'ba');
  page.write(me, 'chưa đi');
  const states = ({ items }: Timeline) => items.flatMap((item) => (item.is === 'message' ? [item.message.state] : []));
  const alone = build([page]);
  expect(states(alone)).toEqual(['sent', null, 'sent', 'waiting']);
  const some = build([page], { others: { delivered: 2, read: 1 } }, alone);
  expect(states(some)).toEqual(['read', null, 'sent', 'waiting']);
  const all = build([page], { others: { delivered: 3, read: 1 } }, some);
  expect(states(all)).toEqual(['read', null, 'delivered', 'waiting']);
  const same = all.items.map((item, at) => item.is === 'message' && item === some.items[at]);
  expect(same.slice(-4)).toEqual([true, true, false, true]);
});
