/** Who is told that somebody came or went: the rules alone, on a clock that is advanced. Over real sockets: here.test.ts. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type ConversationId, newConversationId, newUserId, type UserId } from '#shared/ids.ts';
import { SMALL_GROUP_MAX_MEMBERS } from '#shared/limits.ts';
import type { RelayControl } from '#shared/protocol/control.ts';
import { AWAY_MILLIS, Presence } from './presence.ts';

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(1_000_000);
});
afterEach(() => vi.useRealTimers());

type Told = Extract<RelayControl, { is: 'presence' }>;

/** The tables in memory: who is in what, and when each was last seen. */
function world(...groups: UserId[][]) {
  const conversations = new Map<ConversationId, UserId[]>(groups.map((people) => [newConversationId(), people]));
  const seen = new Map<UserId, number>();
  const heard: (Told & { by: UserId })[] = [];
  const reads: number[] = [];
  const state = { works: true };
  const sharers = (person: UserId, most: number): UserId[] => [
    ...new Set(
      [...conversations.values()]
        .filter((people) => people.length <= most && people.includes(person))
        .flat()
        .filter((other) => other !== person),
    ),
  ];
  const presence = new Presence({
    async sharers(people, most) {
      if (!state.works) throw new Error('no database');
      reads.push(people.length);
      return people.flatMap((person) => sharers(person, most).map((sharer) => ({ person, sharer })));
    },
    seenBy: async (person) =>
      sharers(person, SMALL_GROUP_MAX_MEMBERS).map((id) => ({ id, lastSeen: seen.get(id) ?? null })),
    members: async (ids) => new Map(ids.map((id) => [id, conversations.get(id) ?? []])),
    write: async (written) => written.forEach(({ id, at }) => void seen.set(id, at)),
    listening: () => true,
    tell: (by, message) => message.is === 'presence' && heard.push({ ...message, by }),
    failed: () => undefined,
  });
  const gathered = () => vi.advanceTimersByTimeAsync(500);
  return { conversations, seen, heard, reads, presence, gathered, state };
}
const person = () => newUserId();

test('[N1] [N2] who comes is online to those who share a conversation, and to nobody else', async () => {
  const [an, binh, chi] = [person(), person(), person()];
  const { presence, heard, gathered } = world([an, binh], [chi]);
  presence.came(an);
  await gathered();
  expect(heard).toEqual([
    { by: binh, is: 'presence', whole: false, people: [{ id: an, online: true, lastSeen: null }] },
  ]);
  await presence.stop();
});

test('[N1] a few seconds away are not away', async () => {
  const [an, binh] = [person(), person()];
  const { presence, heard, gathered } = world([an, binh]);
  presence.came(an);
  await gathered();
  presence.went(an);
  await vi.advanceTimersByTimeAsync(AWAY_MILLIS - 100);
  presence.came(an);
  await vi.advanceTimersByTimeAsync(AWAY_MILLIS * 3);
  expect(heard).toHaveLength(1);
  await presence.stop();
});

test('[N1] [N3] who has left their last device is away, since they left it', async () => {
  const [an, binh] = [person(), person()];
  const { presence, heard, gathered, seen } = world([an, binh]);
  presence.came(an);
  presence.came(an);
  await gathered();
  presence.went(an);
  await vi.advanceTimersByTimeAsync(AWAY_MILLIS * 2);
  expect(heard).toHaveLength(1);
  const leftAt = Date.now();
  presence.went(an);
  await vi.advanceTimersByTimeAsync(AWAY_MILLIS + 500);
  expect(heard.at(-1)).toMatchObject({ by: binh, people: [{ id: an, online: false, lastSeen: leftAt }] });
  expect(seen.get(an)).toBe(leftAt);
  expect(await presence.all(binh)).toMatchObject({ people: [{ id: an, online: false, lastSeen: leftAt }] });
  await presence.stop();
});

test('[N2] in a large group nobody sees anybody, but those who also share a small one', async () => {
  const [an, binh, chi] = [person(), person(), person()];
  const crowd = Array.from({ length: SMALL_GROUP_MAX_MEMBERS }, person);
  const { presence, heard, gathered } = world([an, binh, chi, ...crowd], [an, binh]);
  presence.came(an);
  await gathered();
  expect(heard.map(({ by }) => by)).toEqual([binh]);
  expect(await presence.all(chi)).toMatchObject({ whole: true, people: [] });
  await presence.stop();
});

test('[N2] a thousand people who come at once are looked up at once, and told once to each', async () => {
  const pairs = Array.from({ length: 500 }, () => [person(), person()]);
  const { presence, heard, gathered, reads } = world(...pairs);
  for (const one of pairs.flat()) presence.came(one);
  await gathered();
  expect(reads).toEqual([1_000]);
  expect(heard).toHaveLength(1_000);
  await presence.stop();
});

test('[N4] who comes into a conversation is seen and sees, who leaves is forgotten and forgets', async () => {
  const [an, binh, chi] = [person(), person(), person()];
  const { presence, heard, gathered, conversations } = world([an, binh], [binh, chi]);
  const [group] = [...conversations.keys()];
  for (const one of [an, binh, chi]) presence.came(one);
  await gathered();
  heard.length = 0;
  conversations.set(group!, [an, binh, chi]);
  presence.membersChanged(group!);
  await gathered();
  const told = (by: UserId) => heard.findLast((each) => each.by === by);
  expect(told(an)).toMatchObject({ whole: true });
  expect(
    told(an)
      ?.people.map(({ id }) => id)
      .sort(),
  ).toEqual([binh, chi].sort());
  expect(
    told(chi)
      ?.people.map(({ id }) => id)
      .sort(),
  ).toEqual([an, binh].sort());
  heard.length = 0;
  conversations.set(group!, [an, binh]);
  presence.membersChanged(group!, chi);
  await gathered();
  expect(told(an)?.people.map(({ id }) => id)).toEqual([binh]);
  expect(told(chi)?.people.map(({ id }) => id)).toEqual([binh]);
  heard.length = 0;
  presence.went(chi);
  await vi.advanceTimersByTimeAsync(AWAY_MILLIS + 500);
  expect(heard.map(({ by }) => by)).toEqual([binh]);
  await presence.stop();
});

test('[N4] a group that grows beyond what is small hides its people from each other again', async () => {
  const crowd = Array.from({ length: SMALL_GROUP_MAX_MEMBERS }, person);
  const { presence, heard, gathered, conversations } = world(crowd);
  const [group] = [...conversations.keys()];
  presence.came(crowd[0]!);
  await gathered();
  conversations.set(group!, [...crowd, person()]);
  presence.membersChanged(group!);
  await gathered();
  expect(heard.findLast(({ by }) => by === crowd[1])).toMatchObject({ whole: true, people: [] });
  await presence.stop();
});

test('[N3] a relay that stops writes down everybody, and nobody is told', async () => {
  const [an, binh] = [person(), person()];
  const { presence, heard, gathered, seen } = world([an, binh]);
  presence.came(an);
  presence.came(binh);
  await gathered();
  heard.length = 0;
  presence.went(an);
  const leftAt = Date.now();
  await vi.advanceTimersByTimeAsync(1_000);
  await presence.stop();
  expect(seen).toEqual(
    new Map([
      [an, leftAt],
      [binh, leftAt + 1_000],
    ]),
  );
  expect(heard).toEqual([]);
});

test('[N3] those who stay are written down now and then, for a relay that is not stopped but dies', async () => {
  const an = person();
  const { presence, seen } = world([an]);
  presence.came(an);
  await vi.advanceTimersByTimeAsync(11 * 60_000);
  expect(Date.now() - (seen.get(an) ?? 0)).toBeLessThan(5 * 60_000);
  await presence.stop();
});

test('[N2] what could not be told because the database was away is told when it is back', async () => {
  const [an, binh] = [person(), person()];
  const { presence, heard, gathered, state } = world([an, binh]);
  state.works = false;
  presence.came(an);
  await gathered();
  expect(heard).toEqual([]);
  state.works = true;
  await vi.advanceTimersByTimeAsync(2_500);
  expect(heard).toMatchObject([{ by: binh, people: [{ id: an, online: true }] }]);
  await presence.stop();
});
