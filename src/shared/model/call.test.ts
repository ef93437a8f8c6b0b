import fc from 'fast-check';
import { expect, test } from 'vitest';
import { newCallId, newConversationId, newDeviceId, newPeerId, newUserId, type UserId } from '../ids.ts';
import { CALL_MAX_PEOPLE } from '../limits.ts';
import {
  ALONE_MILLIS,
  AWAY_MILLIS,
  CLOSED_MILLIS,
  type Call,
  type CallEvent,
  nextTick,
  peopleInside,
  placeIn,
  RING_MILLIS,
  secondsOf,
  seenBy,
  startCall,
  step,
} from './call.ts';

const media = { microphone: true, camera: false, screen: false };
const [an, binh, chi] = [newUserId(), newUserId(), newUserId()];
const devices = new Map([an, binh, chi].map((person) => [person, newDeviceId()]));
const deviceOf = (person: UserId) => devices.get(person) ?? newDeviceId();

const call = (kind: 'direct' | 'group', people: readonly UserId[] = kind === 'direct' ? [an, binh] : [an, binh, chi]) =>
  startCall(
    {
      id: newCallId(),
      conversation: newConversationId(),
      kind,
      by: an,
      device: deviceOf(an),
      peer: newPeerId(),
      video: false,
      media,
      people: people.map((id) => ({ id, name: id })),
    },
    1_000,
  );

const accepts = (person: UserId, more: { takeOver?: boolean; elsewhere?: boolean } = {}): CallEvent => ({
  is: 'accept',
  person,
  device: more.elsewhere === true ? newDeviceId() : deviceOf(person),
  peer: newPeerId(),
  media,
  takeOver: more.takeOver ?? false,
});
const leaves = (person: UserId, failed = false): CallEvent => ({
  is: 'leave',
  person,
  device: deviceOf(person),
  failed,
});
const loses = (person: UserId, closed = false): CallEvent => ({
  is: 'lost',
  person,
  device: deviceOf(person),
  closed,
});
const declines = (person: UserId, elsewhere = false): CallEvent => ({ is: 'decline', person, elsewhere });

/** What becomes of it, at these times in seconds after its start. */
function after(begun: Call, ...events: [seconds: number, event: CallEvent][]): Call {
  let now = begun;
  for (const [seconds, event] of events) {
    const next = step(now, event, begun.startedAt + seconds * 1000);
    if (!next.ok) throw new Error(`${event.is}: ${next.fault}`);
    now = next.call;
  }
  return now;
}
const faultOf = (begun: Call, event: CallEvent): string | null => {
  const next = step(begun, event, begun.startedAt);
  return next.ok ? null : next.fault;
};

test('[C3] a direct call is answered, and over when one hangs up', () => {
  const answered = after(call('direct'), [3, accepts(binh)]);
  expect(answered.over).toBeNull();
  expect(answered.answeredAt).toBe(4_000);
  const over = after(answered, [63, leaves(an)]);
  expect(over.over).toEqual({ at: 64_000, outcome: 'answered' });
  expect(secondsOf(over, 0)).toBe(60);
});

test.each<[string, [number, CallEvent][]]>([
  ['missed', [[RING_MILLIS / 1000, { is: 'tick' }]]],
  ['declined', [[1, declines(binh)]]],
  ['busy', [[1, declines(binh, true)]]],
  ['cancelled', [[1, leaves(an)]]],
  [
    'failed',
    [
      [1, accepts(binh)],
      [2, leaves(binh, true)],
    ],
  ],
  [
    'missed',
    [
      [1, loses(an)],
      [1 + AWAY_MILLIS / 1000, { is: 'tick' }],
    ],
  ],
])('[C3] a direct call that comes to nothing is over as %s', (outcome, events) => {
  const over = after(call('direct'), ...events);
  expect(over.over?.outcome).toBe(outcome);
  expect(peopleInside(over)).toEqual([]);
});

test('[C3] a group call goes on while two are in, and one may join late', () => {
  const both = after(call('group'), [1, accepts(binh)], [40, { is: 'tick' }]);
  expect(placeIn(both, chi)?.at).toBe('missed');
  const three = after(both, [50, accepts(chi)], [51, leaves(an)]);
  expect(three.over).toBeNull();
  const one = after(three, [52, leaves(binh)]);
  expect(one.over).toBeNull();
  expect(nextTick(one)).toBe(53_000 + ALONE_MILLIS);
  expect(after(one, [60, accepts(an)]).aloneSince).toBeNull();
  expect(after(one, [52 + ALONE_MILLIS / 1000, { is: 'tick' }]).over?.outcome).toBe('answered');
  expect(after(one, [53, leaves(chi)]).over?.outcome).toBe('answered');
});

test('[C3] a group call in which all but one decline is declined, and missed when one just did not hear it', () => {
  expect(after(call('group'), [1, declines(binh)], [2, declines(chi, true)]).over?.outcome).toBe('declined');
  expect(after(call('group'), [1, declines(binh)], [40, { is: 'tick' }]).over?.outcome).toBe('missed');
});

test('[C4] who is away comes back, with another name at the broker when the page was loaded anew', () => {
  const both = after(call('direct'), [1, accepts(binh)]);
  const away = after(both, [2, loses(an)]);
  expect(placeIn(away, an)?.at).toBe('away');
  expect(away.over).toBeNull();
  const back = { is: 'back', person: an, device: deviceOf(an) } as const;
  const same = after(away, [3, { ...back, peer: null }]);
  expect(placeIn(same, an)).toMatchObject({ at: 'in', peer: (placeIn(both, an) as { peer: string }).peer });
  const peer = newPeerId();
  expect(placeIn(after(away, [3, { ...back, peer }]), an)).toMatchObject({ at: 'in', peer });
  expect(after(away, [2 + AWAY_MILLIS / 1000, { is: 'tick' }]).over?.outcome).toBe('answered');
});

test('[C16] whose page was closed has left sooner, unless it is back by then', () => {
  const both = after(call('direct'), [1, accepts(binh)]);
  const closed = after(both, [2, loses(an, true)]);
  expect(nextTick(closed)).toBe(3_000 + CLOSED_MILLIS);
  const back: CallEvent = { is: 'back', person: an, device: deviceOf(an), peer: newPeerId() };
  const again = after(closed, [4, back], [2 + CLOSED_MILLIS / 1000, { is: 'tick' }]);
  expect(placeIn(again, an)?.at).toBe('in');
  // What comes later is another matter.
  expect(nextTick(after(again, [20, loses(an)]))).toBe(21_000 + AWAY_MILLIS);
  expect(after(closed, [2 + CLOSED_MILLIS / 1000, { is: 'tick' }]).over?.outcome).toBe('answered');
});

test('[C6] nobody joins who is not in the conversation, and no ninth person', () => {
  expect(faultOf(call('direct'), accepts(chi))).toBe('not-a-member');
  const people = [an, ...Array.from({ length: CALL_MAX_PEOPLE }, newUserId)];
  let full = call('group', people);
  const newcomer = after(call('direct'), [1, { is: 'added', person: chi, name: 'Chi' }]);
  expect(placeIn(newcomer, chi)).toEqual({ at: 'missed' });
  for (const person of people.slice(1, CALL_MAX_PEOPLE)) full = after(full, [1, accepts(person)]);
  expect(peopleInside(full)).toHaveLength(CALL_MAX_PEOPLE);
  expect(faultOf(full, accepts(people.at(-1) as UserId))).toBe('too-many');
  expect(faultOf(after(full, [2, { is: 'removed', person: people[1] as UserId }]), declines(people[1] as UserId))).toBe(
    'not-a-member',
  );
});

test('[C7] somebody who is in on one device takes it over on another only when they say so, or when the first is away', () => {
  const both = after(call('direct'), [1, accepts(binh)]);
  expect(faultOf(both, accepts(binh, { elsewhere: true }))).toBe('conflict');
  const taken = after(both, [2, accepts(binh, { elsewhere: true, takeOver: true })]);
  expect(faultOf(taken, leaves(binh))).toBe('conflict');
  expect(peopleInside(taken)).toHaveLength(2);
  expect(faultOf(after(both, [2, loses(binh)]), accepts(binh, { elsewhere: true }))).toBeNull();
});

test('[C13] names at the broker are seen by those who are in, devices by their own person', () => {
  const both = after(call('group'), [1, accepts(binh)]);
  expect(JSON.stringify(seenBy(both, chi))).not.toMatch(/"(p|d)[0-9a-z]{20,}"/);
  const seen = seenBy(both, binh);
  expect(placeIn(seen, an)).toMatchObject({ peer: (placeIn(both, an) as { peer: string }).peer, device: null });
  expect(placeIn(seen, binh)).toEqual(placeIn(both, binh));
});

const person = fc.constantFrom(an, binh, chi, newUserId());
const device = fc.constantFrom(deviceOf(an), deviceOf(binh), deviceOf(chi), newDeviceId());
const anyEvent: fc.Arbitrary<CallEvent> = fc.oneof(
  fc.record({
    is: fc.constant('accept' as const),
    person,
    device,
    peer: fc.constant(newPeerId()),
    media: fc.constant(media),
    takeOver: fc.boolean(),
  }),
  fc.record({ is: fc.constant('decline' as const), person, elsewhere: fc.boolean() }),
  fc.record({ is: fc.constant('leave' as const), person, device, failed: fc.boolean() }),
  fc.record({ is: fc.constant('lost' as const), person, device, closed: fc.boolean() }),
  fc.record({
    is: fc.constant('back' as const),
    person,
    device,
    peer: fc.option(fc.constant(newPeerId())),
  }),
  fc.record({ is: fc.constant('media' as const), person, device, media: fc.constant(media) }),
  fc.record({ is: fc.constant('removed' as const), person }),
  fc.record({ is: fc.constant('added' as const), person, name: fc.constant('Mới') }),
  fc.record({ is: fc.constant('tick' as const) }),
);

test('[C12] whatever happens, a call that is over stays so, and time alone ends what nobody ends', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('direct' as const, 'group' as const),
      fc.array(fc.tuple(fc.integer({ min: 0, max: 30_000 }), anyEvent), { maxLength: 40 }),
      (kind, events) => {
        let now = 1_000;
        let state = call(kind);
        for (const [passes, event] of events) {
          now += passes;
          const next = step(state, event, now);
          if (!next.ok) continue;
          if (state.over !== null) expect(next.call).toEqual(state);
          state = next.call;
          expect(new Set(state.people.map(({ id }) => id)).size).toBe(state.people.length);
          if (state.over === null) expect(peopleInside(state).length).toBeGreaterThan(0);
          else expect(peopleInside(state)).toEqual([]);
        }
        // Everybody's device is lost: what is left is ended by time, in finitely many ticks that each come later than the one before.
        for (const { id, place } of state.people) {
          if (place.at !== 'in' || place.device === null) continue;
          const next = step(state, { is: 'lost', person: id, device: place.device, closed: false }, now);
          if (next.ok) state = next.call;
        }
        for (let ticks = 0; state.over === null; ticks++) {
          expect(ticks).toBeLessThan(10);
          const at = nextTick(state);
          expect(at).not.toBeNull();
          now = Math.max(now, at ?? 0);
          const next = step(state, { is: 'tick' }, now);
          if (next.ok) state = next.call;
        }
      },
    ),
    { numRuns: 500 },
  );
});
