import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ObservableV2 } from 'lib0/observable';
import { newConversationId, newUserId } from '#shared/ids.ts';
import { Kept } from '../local/kept.ts';
import { MemoryStore } from '../local/memory-store.ts';
import type { RelayLink } from '../sync/relay-link.ts';
import { Presence } from './presence.svelte.ts';

const [me, binh, chi] = [newUserId(), newUserId(), newUserId()];
const home = newConversationId();
let kept: Kept;

beforeEach(async () => {
  vi.useFakeTimers({ now: 1_000_000 });
  kept = await Kept.read(new MemoryStore(), String(Math.random()));
});
afterEach(() => {
  kept.stop();
  vi.useRealTimers();
});

function start() {
  const link = new ObservableV2() as unknown as RelayLink;
  const presence = new Presence({ kept, link, me });
  presence.start();
  const tell = (whole: boolean, ...people: { id: typeof me; online: boolean; lastSeen: number | null }[]) =>
    link.emit('presence', [{ is: 'presence', whole, people }]);
  const typing = (id: typeof me, is: boolean) =>
    link.emit('typing', [{ is: 'typing', conversation: home, people: [{ id, typing: is }] }]);
  return { link, presence, tell, typing };
}
const gone = (id: typeof me, lastSeen: number | null = null) => ({ id, online: false, lastSeen });
const here = (id: typeof me) => ({ id, online: true, lastSeen: null });

test('[N6] who was online is not shown so without the relay; they were last seen when it went', () => {
  const { link, presence, tell } = start();
  tell(true, here(binh), gone(chi, 5_000));
  expect([presence.isOnline(binh), presence.isOnline(chi), presence.lastSeen(chi)]).toEqual([true, false, 5_000]);
  vi.advanceTimersByTime(60_000);
  link.emit('state', ['waiting']);
  expect(presence.isOnline(binh)).toBe(false);
  expect(presence.lastSeen(binh)).toBe(1_060_000);
  // The app is started without a network.
  const later = start().presence;
  expect([later.isOnline(binh), later.lastSeen(binh), later.lastSeen(chi)]).toEqual([false, 1_060_000, 5_000]);
});

test('[N4] [N6] the whole replaces what was known, a change adds to it', () => {
  const { presence, tell } = start();
  tell(true, here(binh), gone(chi, 5_000));
  tell(false, gone(binh, 7_000));
  expect([presence.isOnline(binh), presence.lastSeen(binh), presence.lastSeen(chi)]).toEqual([false, 7_000, 5_000]);
  tell(true, here(chi));
  expect([presence.isOnline(chi), presence.lastSeen(binh)]).toEqual([true, null]);
});

test('[N5] [N6] who types is forgotten when they stop, when it is not said again, and without the relay', () => {
  const { link, presence, typing } = start();
  typing(me, true);
  expect(presence.typing(home)).toEqual([]);
  typing(binh, true);
  typing(chi, true);
  vi.advanceTimersByTime(5_000);
  typing(binh, true);
  expect(presence.typing(home)).toEqual([binh, chi]);
  vi.advanceTimersByTime(5_000);
  expect(presence.typing(home)).toEqual([binh]);
  typing(binh, false);
  expect(presence.typing(home)).toEqual([]);
  typing(chi, true);
  link.emit('state', ['no-network']);
  expect(presence.typing(home)).toEqual([]);
});
