/** When rows are read and told: with time in hand, and tables in memory. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { newConversationId, newUserId, type ConversationId, type UserId } from '#shared/ids.ts';
import type { RelayControl } from '#shared/protocol/control.ts';
import { Announcer } from './announcer.ts';
import type { Place } from './rows.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

function world(groups: Map<ConversationId, UserId[]>) {
  const reads: (readonly Place[])[] = [];
  const heard: { by: UserId; message: RelayControl }[] = [];
  const state = { works: true };
  const announcer = new Announcer({
    members: async (ids) => new Map(ids.map((id) => [id, groups.get(id) ?? []])),
    listening: () => true,
    async rows(places) {
      reads.push(places);
      await new Promise((resolve) => setTimeout(resolve, 10));
      if (!state.works) throw new Error('no database');
      return places.map(({ conversation, person }) => ({
        person,
        row: {
          id: conversation,
          kind: 'group',
          title: null,
          createdAt: 0,
          lastSeq: 0,
          readSeq: 0,
          unread: 0,
          mentions: 0,
          last: null,
        },
      }));
    },
    tell: (by, message) => heard.push({ by, message }),
    failed: () => undefined,
  });
  const rowsOf = (by: UserId) =>
    heard.flatMap(({ by: one, message }) =>
      one === by && message.is === 'rows' ? message.rows.map(({ id }) => id) : [],
    );
  return { announcer, reads, heard, state, rowsOf };
}

test('[U4] what changes at about the same time, in whatever conversations, is one reading and one message to each person', async () => {
  const an = newUserId();
  const groups = new Map(Array.from({ length: 300 }, () => [newConversationId(), [an, newUserId()]]));
  const { announcer, reads, heard, rowsOf } = world(groups);
  for (const id of groups.keys()) announcer.changed(id);
  for (const id of groups.keys()) announcer.changed(id);
  await vi.advanceTimersByTimeAsync(200);
  expect(reads).toHaveLength(1);
  expect(heard).toHaveLength(301);
  expect(new Set(rowsOf(an))).toEqual(new Set(groups.keys()));
  await announcer.stop();
});

test('[U4] a large conversation waits longer, and holds up no other', async () => {
  const [an, large, small] = [newUserId(), newConversationId(), newConversationId()];
  const crowd = Array.from({ length: 200 }, newUserId);
  const { announcer, rowsOf } = world(
    new Map([
      [large, crowd],
      [small, [an]],
    ]),
  );
  announcer.changed(large);
  await vi.advanceTimersByTimeAsync(100);
  announcer.changed(large);
  announcer.changed(small);
  await vi.advanceTimersByTimeAsync(100);
  expect(rowsOf(an)).toEqual([small]);
  expect(rowsOf(crowd[0]!)).toEqual([large]);
  await vi.advanceTimersByTimeAsync(400);
  expect(rowsOf(crowd[0]!)).toEqual([large, large]);
  await announcer.stop();
});

test('[U4] what could not be read is read again, and who has gone hears of that last', async () => {
  const [an, group] = [newUserId(), newConversationId()];
  const { announcer, heard, state, rowsOf } = world(new Map([[group, [an]]]));
  state.works = false;
  announcer.changed(group);
  await vi.advanceTimersByTimeAsync(100);
  expect(heard).toEqual([]);
  state.works = true;
  await vi.advanceTimersByTimeAsync(2_100);
  expect(rowsOf(an)).toEqual([group]);

  announcer.changed(group);
  await vi.advanceTimersByTimeAsync(55);
  announcer.gone(group, an);
  await vi.advanceTimersByTimeAsync(100);
  expect(heard.map(({ message }) => message.is)).toEqual(['rows', 'rows', 'gone']);
  await announcer.stop();
});
