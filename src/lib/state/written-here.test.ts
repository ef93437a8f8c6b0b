import { beforeEach, expect, test } from 'vitest';
import { newConversationId, newMessageId, newUserId } from '#shared/ids.ts';
import { pageDoc } from '#shared/model/doc-names.ts';
import type { LastMessage, OverviewRow } from '#shared/protocol/overview.ts';
import { Kept } from '../local/kept.ts';
import { MemoryStore } from '../local/memory-store.ts';
import { WrittenHere } from './written-here.ts';

const me = newUserId();
const message = (seq: number, text: string): LastMessage => ({
  id: newMessageId(),
  seq,
  by: me,
  byName: 'An',
  at: seq,
  text,
  attachments: 0,
});
const [first, second] = [message(1, 'một'), message(2, 'hai')];
const row: OverviewRow = {
  id: newConversationId(),
  kind: 'group',
  title: 'Nhóm',
  createdAt: 0,
  members: [],
  memberCount: 1,
  lastSeq: 2,
  readSeq: 2,
  unread: 0,
  mentions: 0,
  last: second,
};

let kept: Kept;
let here: WrittenHere;
beforeEach(async () => {
  kept = await Kept.read(new MemoryStore(), String(Math.random()));
  here = new WrittenHere(kept, () => kept.table('kv'));
});

test('an edit or a deletion of the last message shows at once, of another one not', () => {
  here.edited(row, first.id, 'khác');
  here.deleted(row, first.id, null);
  expect(here.last(row)).toBe(second);
  here.edited(row, second.id, 'hai rưỡi');
  expect(here.last(row)).toEqual({ ...second, text: 'hai rưỡi' });
  here.deleted(row, second.id, first);
  expect(here.last(row)).toEqual(first);
  // The one that is the last now.
  here.edited(row, first.id, 'một rưỡi');
  expect(here.last(row)).toEqual({ ...first, text: 'một rưỡi' });
  here.deleted(row, first.id, null);
  expect(here.last(row)).toBeNull();
});

test('whatever else the relay says of it is newer', () => {
  here.edited(row, second.id, 'hai rưỡi');
  expect(here.last({ ...row, last: { ...second, text: 'hai, từ máy khác' } })).toMatchObject({
    text: 'hai, từ máy khác',
  });
  const third = message(3, 'ba');
  expect(here.last({ ...row, last: third })).toBe(third);
});

test('it is kept until the relay has the document and says the row', () => {
  const doc = pageDoc(row.id, 0);
  kept.put('dirty', `${doc} tab`, { doc, tab: 'tab' });
  here.edited(row, second.id, 'hai rưỡi');
  here.rename(row.id, 'Tên mới');
  here.settle([row]);
  expect(here.last(row)).toMatchObject({ text: 'hai rưỡi' });
  // The name is in another document.
  expect(here.title(row.id)).toBeUndefined();
  void kept.remove('dirty', `${doc} tab`);
  here.settle([row]);
  expect(here.last(row)).toBe(second);
  expect(kept.table('kv').size).toBe(0);
});
