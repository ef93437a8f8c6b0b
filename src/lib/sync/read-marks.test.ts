import { ObservableV2 } from 'lib0/observable';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type ConversationId, newConversationId } from '#shared/ids.ts';
import { MARKS_MAX_COUNT } from '#shared/limits.ts';
import type { ClientControl } from '#shared/protocol/control.ts';
import type { OverviewRow } from '#shared/protocol/overview.ts';
import { Kept } from '../local/kept.ts';
import { MemoryStore } from '../local/memory-store.ts';
import { ReadMarks } from './read-marks.ts';
import type { RelayLink } from './relay-link.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

const row = (id: ConversationId, more: Partial<OverviewRow>): OverviewRow => ({
  id,
  kind: 'group',
  title: '',
  createdAt: 0,
  members: [],
  memberCount: 2,
  lastSeq: 100,
  readSeq: 0,
  unread: 0,
  mentions: 0,
  last: null,
  ...more,
});

async function setup(store = new MemoryStore()) {
  const kept = await Kept.read(store, String(Math.random()));
  const told: { conversation: string; seq: number }[][] = [];
  /** What the device had kept when it told. */
  const keptThen: Map<string, number>[] = [];
  const link = Object.assign(new ObservableV2<{ overview: (rows: OverviewRow[]) => void }>(), {
    isOpen: true,
    say(message: ClientControl) {
      if (message.is !== 'read') return;
      told.push(message.marks);
      keptThen.push(new Map(kept.table('read')));
    },
  });
  const moved = vi.fn();
  const marks = new ReadMarks({ kept, link: link as unknown as RelayLink, moved });
  marks.start();
  const connect = (...rows: OverviewRow[]) => {
    link.isOpen = true;
    kept.replace('overview', new Map(rows.map((each) => [each.id, each])));
    link.emit('overview', [rows]);
  };
  return { kept, store, link, told, keptThen, moved, marks, connect };
}
const soon = () => vi.advanceTimersByTimeAsync(500);

test('[R9] marks that move one after another are told once, and are kept by then', async () => {
  const { marks, told, keptThen, moved } = await setup();
  const [one, two] = [newConversationId(), newConversationId()];
  for (const seq of [3, 7, 5]) marks.mark(one, seq);
  marks.mark(two, 1);
  expect(marks.seq(one)).toBe(7);
  expect(moved).toHaveBeenCalledTimes(3);
  expect(told).toEqual([]);
  await soon();
  expect(told).toEqual([
    [
      { conversation: one, seq: 7 },
      { conversation: two, seq: 1 },
    ],
  ]);
  expect(keptThen[0]?.get(one)).toBe(7);
  marks.mark(one, 7);
  await soon();
  expect(told).toHaveLength(1);
});

test('[R9] [R8] what was read without a network is told after the next start, and again until the relay knows', async () => {
  const { marks, link, store, told } = await setup();
  const id = newConversationId();
  link.isOpen = false;
  marks.mark(id, 9);
  marks.stop();
  expect(told).toEqual([]);
  const next = await setup(store);
  expect(next.marks.seq(id)).toBe(9);
  next.connect(row(id, { readSeq: 4 }));
  next.connect(row(id, { readSeq: 4 }));
  next.connect(row(id, { readSeq: 9 }));
  next.connect(row(id, { readSeq: 12 }));
  const mark = [{ conversation: id, seq: 9 }];
  expect(next.told).toEqual([mark, mark]);
  expect(next.marks.seq(id)).toBe(12);
  next.marks.stop();
});

test('[R9] many marks go in several frames, none beyond the last message', async () => {
  const { marks, link, told, connect } = await setup();
  link.isOpen = false;
  const ids = Array.from({ length: MARKS_MAX_COUNT + 1 }, () => newConversationId());
  for (const id of ids) marks.mark(id, 150);
  marks.flush();
  connect(...ids.map((id) => row(id, {})));
  expect(told.map(({ length }) => length)).toEqual([MARKS_MAX_COUNT, 1]);
  expect(new Set(told.flat().map(({ seq }) => seq))).toEqual(new Set([100]));
});
