import { expect, test } from 'vitest';
import { type MessageId, newMessageId, newUserId } from '#shared/ids.ts';
import type { Message } from '#shared/model/message.ts';
import type { Stamp } from '#shared/model/page.ts';
import type { PageContent } from './page-content.ts';
import { type PageCopy, QuotedElsewhere, type QuotedParts } from './quoted-elsewhere.ts';

const binh = newUserId();
const MINUTE = 60_000;
/** Smaller than they are, for how long the making takes. */
const PAGE = 20;

/** A history written a minute a message, of which the last page is on screen. */
class History {
  readonly began = new Date(2026, 0, 1).getTime();
  readonly pages: PageContent[];
  /** The pages that were read, in this order. */
  readonly read: number[] = [];
  /** Those on the device; the others are the relay's. */
  kept: Set<number>;
  readonly watched = new Set<number>();
  online = true;
  changes = 0;
  readonly quoted: QuotedElsewhere;

  constructor(pages: number, timeOf = (seq: number) => this.began + seq * MINUTE) {
    this.pages = Array.from({ length: pages }, (_, page) => {
      const messages = new Map<string, Message>();
      const order = Array.from({ length: PAGE }, (__, one): Stamp => {
        const seq = page * PAGE + one + 1;
        const at = timeOf(seq);
        const id = newMessageId(at);
        messages.set(id, { by: binh, at, text: `số ${String(seq)}` });
        return [seq, id, at];
      });
      return { page, order, messages, deleted: new Map(), reactions: new Map() };
    });
    this.kept = new Set(this.pages.keys());
    const last = pages - 1;
    const parts: QuotedParts = {
      first: () => ({ page: last, at: this.pages[last]?.order[0]?.[2] ?? 0 }),
      began: () => this.began,
      read: (page) => Promise.resolve(this.#read(page)),
      fromRelay: (page) => Promise.resolve(this.online ? (this.pages[page] ?? null) : null),
      kept: () => Promise.resolve([...this.kept]),
      watch: (page) => this.watched.add(page),
      changed: () => (this.changes += 1),
    };
    this.quoted = new QuotedElsewhere(parts);
  }

  #read(page: number): PageCopy | null {
    this.read.push(page);
    const content = this.pages[page];
    return content && (this.kept.has(page) || this.online) ? { content, isRelays: !this.kept.has(page) } : null;
  }

  id(seq: number): MessageId {
    return this.pages[Math.floor((seq - 1) / PAGE)]!.order[(seq - 1) % PAGE]![1];
  }

  async look(id: MessageId) {
    this.quoted.bring(id);
    await new Promise((resolve) => setTimeout(resolve));
    return this.quoted.of(id);
  }
}

test('the page is guessed by the time in the id', async () => {
  const history = new History(400);
  expect(await history.look(history.id(731))).toEqual({ by: binh, text: 'số 731' });
  expect(history.read.length).toBeLessThanOrEqual(2);
  // The pages that were read for one are there for the next.
  const before = history.read.length;
  history.quoted.bring(history.id(4_021));
  history.quoted.bring(history.id(4_030));
  expect(await history.look(history.id(4_039))).toMatchObject({ text: 'số 4039' });
  expect(history.read.length - before).toBeLessThanOrEqual(2);
});

test('a history that was written in a rush is halved', async () => {
  // All of it within the last second of a long time.
  const history = new History(200, (seq) => new Date(2026, 6, 1).getTime() + seq);
  expect(await history.look(history.id(1))).toMatchObject({ text: 'số 1' });
  expect(await history.look(history.id(3_456))).toMatchObject({ text: 'số 3456' });
});

test('a clock that is off finds it on the page beside', async () => {
  const history = new History(10);
  const page = history.pages[4]!;
  const id = newMessageId(page.order[0]![2] - 5 * MINUTE);
  page.messages = new Map([...page.messages, [id, { by: binh, at: 0, text: 'đồng hồ chậm' }]]);
  expect(await history.look(id)).toMatchObject({ text: 'đồng hồ chậm' });
});

test('a late message is found on the page that its stamp names', async () => {
  const history = new History(10);
  const [body, stamp] = [history.pages[1]!, history.pages[6]!];
  const id = newMessageId(stamp.order[10]![2]);
  body.messages = new Map([...body.messages, [id, { by: binh, at: 0, text: 'viết trên núi' }]]);
  stamp.order = [...stamp.order, [141, id, stamp.order[19]![2] + 1, 1]];
  expect(await history.look(id)).toMatchObject({ text: 'viết trên núi' });
});

test('without the relay, the pages of this device are looked at; when it is back, it is asked', async () => {
  const history = new History(30);
  history.online = false;
  history.kept = new Set([2, 27]);
  expect(await history.look(history.id(50))).toMatchObject({ text: 'số 50' });
  const lost = history.id(345);
  expect(await history.look(lost)).toBe('nowhere');
  history.online = true;
  history.quoted.again();
  expect(history.quoted.of(lost)).toBeUndefined();
  expect(await history.look(lost)).toMatchObject({ text: 'số 345' });
});

test('what the device has is put right by the relay', async () => {
  const history = new History(5);
  const id = history.id(45);
  const page = history.pages[2]!;
  const edited = { ...page, messages: new Map([[id, { by: binh, at: 0, text: 'đã sửa' }]]) };
  const asked: (string | undefined)[] = [];
  const quoted = new QuotedElsewhere({
    first: () => ({ page: 4, at: history.pages[4]!.order[0]![2] }),
    began: () => history.began,
    read: () => Promise.resolve({ content: page, isRelays: false }),
    fromRelay: () => Promise.resolve(edited),
    kept: () => Promise.resolve([]),
    watch: () => undefined,
    changed: () => {
      const found = quoted.of(id);
      asked.push(typeof found === 'object' ? found.text : found);
    },
  });
  quoted.bring(id);
  await new Promise((resolve) => setTimeout(resolve));
  expect(asked).toEqual(['số 45', 'đã sửa']);
});

test('an id that some other program made up ends the search soon', async () => {
  const history = new History(300);
  expect(await history.look('m!!!!!!!!!aaaaaaaaaaaaaaaa' as MessageId)).toBe('nowhere');
  expect(history.read.length).toBeLessThanOrEqual(14);
});

test('what was found follows the changes of its page, and only those', async () => {
  const history = new History(10);
  const [one, other] = [history.id(31), history.id(35)];
  await history.look(one);
  await history.look(other);
  expect(history.watched).toEqual(new Set([1]));
  const page = history.pages[1]!;
  const { changes } = history;
  history.quoted.pageChanged({ ...page, reactions: new Map() });
  expect(history.changes).toBe(changes);
  const edited = new Map(page.messages).set(one, { by: binh, at: 1, text: 'sửa rồi' });
  history.quoted.pageChanged({ ...page, messages: edited });
  expect(history.quoted.of(one)).toEqual({ by: binh, text: 'sửa rồi' });
  expect(history.quoted.of(other)).toMatchObject({ text: 'số 35' });
  expect(history.changes).toBe(changes + 1);
  history.quoted.pageChanged({ ...page, messages: edited, deleted: new Map([[other, { by: binh, at: 2 }]]) });
  expect(history.quoted.of(other)).toBe('deleted');
});
