/**
 * A call, as one state machine that the relay and every device run: who rings, who is in, who has left, and when it is over. `step` answers what
 * an event makes of a call, or why it is refused, and changes nothing; time comes in as a number. The relay's word counts; a device takes its own
 * events ahead of it, so that a press shows at once and a call goes on while the relay is away.
 *
 *   a person:  ringing ─accept─▶ in ⇄ away (device lost, for a while; page closed, for a moment) ─▶ left
 *                 └──▶ declined | busy | missed ──accept (while others talk)──▶ in
 *   the call:  ringing ─second person in─▶ answered ─▶ over
 */
import * as v from 'valibot';
import { ConversationKind } from '../access.ts';
import type { Fault } from '../faults.ts';
import { CallId, ConversationId, DeviceId, PeerId, UserId } from '../ids.ts';
import { CALL_MAX_PEOPLE } from '../limits.ts';
import { CallOutcome } from './call-trace.ts';
import { Millis } from './millis.ts';

/** How long it rings. */
export const RING_MILLIS = 40_000;
/** How long somebody in a call may be without a relay before they count as gone. Media goes on meanwhile. */
export const AWAY_MILLIS = 30_000;
/** The same when the browser has closed their page: it may be loading anew, and if not there is nobody any more. */
export const CLOSED_MILLIS = 8_000;
/** How long one person may stay in a group's call after everybody else has left. */
export const ALONE_MILLIS = 60_000;

export interface CallTimes {
  ringMillis: number;
  awayMillis: number;
  closedMillis: number;
  aloneMillis: number;
}
export const CALL_TIMES: CallTimes = {
  ringMillis: RING_MILLIS,
  awayMillis: AWAY_MILLIS,
  closedMillis: CLOSED_MILLIS,
  aloneMillis: ALONE_MILLIS,
};

/** What a person sends, for the others to show: a muted microphone is not a broken one. */
export const CallMedia = v.strictObject({ microphone: v.boolean(), camera: v.boolean(), screen: v.boolean() });
export type CallMedia = v.InferOutput<typeof CallMedia>;

export const CallPlace = v.variant('at', [
  v.object({ at: v.literal('ringing') }),
  /** `peer`: their name at the call broker; told only to those who are in. `device`: told only to themself. */
  v.object({
    at: v.literal('in'),
    device: v.nullable(DeviceId),
    peer: v.nullable(PeerId),
    media: CallMedia,
    since: Millis,
  }),
  v.object({
    at: v.literal('away'),
    device: v.nullable(DeviceId),
    peer: v.nullable(PeerId),
    media: CallMedia,
    since: Millis,
    /** The page was closed, or is being loaded anew. */
    closed: v.optional(v.boolean(), false),
  }),
  v.object({ at: v.literal('declined') }),
  /** Declined while in another call. */
  v.object({ at: v.literal('busy') }),
  v.object({ at: v.literal('missed') }),
  v.object({ at: v.literal('left') }),
]);
export type CallPlace = v.InferOutput<typeof CallPlace>;
type Inside = Extract<CallPlace, { at: 'in' | 'away' }>;

export const CallPerson = v.object({ id: UserId, name: v.string(), place: CallPlace });
export type CallPerson = v.InferOutput<typeof CallPerson>;

export const Call = v.object({
  id: CallId,
  conversation: ConversationId,
  kind: ConversationKind,
  by: UserId,
  video: v.boolean(),
  startedAt: Millis,
  /** When a second person was in. */
  answeredAt: v.nullable(Millis),
  /** Since when one person is in it alone, after others were. */
  aloneSince: v.nullable(Millis),
  people: v.array(CallPerson),
  over: v.nullable(v.object({ at: Millis, outcome: CallOutcome })),
});
export type Call = v.InferOutput<typeof Call>;

export type CallEvent =
  /** From a device: `peer` is the name it gets at the broker. `takeOver`: the person is in on another device, and wants it here. */
  | { is: 'accept'; person: UserId; device: DeviceId; peer: PeerId; media: CallMedia; takeOver: boolean }
  /** `elsewhere`: the person is in another call. */
  | { is: 'decline'; person: UserId; elsewhere: boolean }
  /** Hangs up, or takes back a call that nobody has answered. `failed`: because no media came through. */
  | { is: 'leave'; person: UserId; device: DeviceId; failed: boolean }
  /** Its connection to the relay is gone; `closed`: because the browser has closed the page. */
  | { is: 'lost'; person: UserId; device: DeviceId; closed: boolean }
  /** It is there again. With a `peer` its page was loaded anew, and the others have to reach it under this name. */
  | { is: 'back'; person: UserId; device: DeviceId; peer: PeerId | null }
  | { is: 'media'; person: UserId; device: DeviceId; media: CallMedia }
  /** Is no longer in the conversation. */
  | { is: 'removed'; person: UserId }
  /** Has come into the conversation meanwhile: it does not ring any more, and they may join. */
  | { is: 'added'; person: UserId; name: string }
  /** Time has passed. */
  | { is: 'tick' };

export type CallStep = { ok: true; call: Call } | { ok: false; fault: Fault };

export interface NewCall {
  id: CallId;
  conversation: ConversationId;
  kind: ConversationKind;
  by: UserId;
  device: DeviceId;
  peer: PeerId;
  video: boolean;
  media: CallMedia;
  /** Everybody in the conversation, with whoever calls. */
  people: readonly { id: UserId; name: string }[];
}

export function startCall(wanted: NewCall, now: number): Call {
  const { id, conversation, kind, by, device, peer, video, media } = wanted;
  return {
    id,
    conversation,
    kind,
    by,
    video,
    startedAt: now,
    answeredAt: null,
    aloneSince: null,
    people: wanted.people.map((person) => ({
      ...person,
      place: person.id === by ? { at: 'in', device, peer, media, since: now } : { at: 'ringing' },
    })),
    over: null,
  };
}

export const placeIn = (call: Call, person: UserId): CallPlace | null =>
  call.people.find(({ id }) => id === person)?.place ?? null;

export const isInside = (place: CallPlace | null): place is Inside => place?.at === 'in' || place?.at === 'away';

/** Those who are in, also while their device is away. */
export const peopleInside = (call: Call): CallPerson[] => call.people.filter(({ place }) => isInside(place));

export function step(call: Call, event: CallEvent, now: number, times: CallTimes = CALL_TIMES): CallStep {
  if (call.over !== null) return event.is === 'tick' ? { ok: true, call } : { ok: false, fault: 'not-found' };
  const changed = change(call, event, now, times);
  return changed.ok ? { ok: true, call: settled(changed.call, event, now, times) } : changed;
}

/** When `tick` will do something; null when only somebody else can. */
export function nextTick(call: Call, times: CallTimes = CALL_TIMES): number | null {
  if (call.over !== null) return null;
  const at = call.people.flatMap(({ place }) => {
    if (place.at === 'ringing') return [call.startedAt + times.ringMillis];
    return place.at === 'away' ? [goneAt(place, times)] : [];
  });
  if (call.aloneSince !== null && !isRinging(call)) at.push(call.aloneSince + times.aloneMillis);
  return at.length === 0 ? null : Math.min(...at);
}

/** From the answer to the end, or to now. */
export function secondsOf(call: Call, now: number): number {
  if (call.answeredAt === null) return 0;
  return Math.max(0, Math.round(((call.over?.at ?? now) - call.answeredAt) / 1000));
}

/** What a member of the conversation is told: how to reach the others only who is in, and of devices only one's own. */
export function seenBy(call: Call, viewer: UserId): Call {
  const inside = isInside(placeIn(call, viewer));
  const people = call.people.map((person) => {
    const { id, place } = person;
    if (!isInside(place)) return person;
    const peer = inside ? place.peer : null;
    return { ...person, place: { ...place, peer, device: id === viewer ? place.device : null } };
  });
  return { ...call, people };
}

function change(call: Call, event: CallEvent, now: number, times: CallTimes): CallStep {
  if (event.is === 'tick') return { ok: true, call: passed(call, now, times) };
  const place = placeIn(call, event.person);
  if (event.is === 'added') {
    const { person: id, name } = event;
    return {
      ok: true,
      call: place ? call : { ...call, people: [...call.people, { id, name, place: { at: 'missed' } }] },
    };
  }
  if (place === null) return refused('not-a-member');
  const put = (next: CallPlace): CallStep => ({ ok: true, call: placed(call, event.person, next) });
  switch (event.is) {
    case 'accept': {
      const { device, peer, media } = event;
      if (place.at === 'in' && place.device !== device && !event.takeOver) return refused('conflict');
      if (!isInside(place) && peopleInside(call).length >= CALL_MAX_PEOPLE) return refused('too-many');
      return put({ at: 'in', device, peer, media, since: isInside(place) ? place.since : now });
    }
    case 'decline':
      if (place.at !== 'ringing') return refused('conflict');
      return put({ at: event.elsewhere ? 'busy' : 'declined' });
    case 'leave':
      return isAt(place, event.device) ? put({ at: 'left' }) : refused('conflict');
    case 'lost':
      return isAt(place, event.device) && place.at === 'in'
        ? put({ ...place, at: 'away', since: now, closed: event.closed })
        : refused('conflict');
    case 'back':
      if (!isAt(place, event.device)) return refused('conflict');
      return put({ at: 'in', device: event.device, peer: event.peer ?? place.peer, media: place.media, since: now });
    case 'media':
      return isAt(place, event.device) ? put({ ...place, media: event.media }) : refused('conflict');
    case 'removed':
      return { ok: true, call: { ...call, people: call.people.filter(({ id }) => id !== event.person) } };
  }
}

const goneAt = ({ since, closed }: Extract<CallPlace, { at: 'away' }>, times: CallTimes): number =>
  since + (closed ? times.closedMillis : times.awayMillis);

/** Whoever was let ring, and whoever stayed away, for too long. */
function passed(call: Call, now: number, times: CallTimes): Call {
  const people = call.people.map((person): CallPerson => {
    const { place } = person;
    if (place.at === 'ringing' && now >= call.startedAt + times.ringMillis)
      return { ...person, place: { at: 'missed' } };
    if (place.at === 'away' && now >= goneAt(place, times)) return { ...person, place: { at: 'left' } };
    return person;
  });
  return { ...call, people };
}

/** What follows from where everybody is now. */
function settled(call: Call, event: CallEvent, now: number, times: CallTimes): Call {
  const inside = peopleInside(call);
  const rings = isRinging(call);
  const answeredAt = call.answeredAt ?? (inside.length > 1 ? now : null);
  const isAlone = answeredAt !== null && inside.length === 1;
  const aloneSince = isAlone ? (call.aloneSince ?? now) : null;
  const next = { ...call, answeredAt, aloneSince };
  const failed = event.is === 'leave' && event.failed;
  const isOver =
    answeredAt === null
      ? !inside.some(({ id }) => id === call.by) || !rings
      : inside.length === 0 ||
        (isAlone && (call.kind === 'direct' || (!rings && now >= (aloneSince ?? now) + times.aloneMillis)));
  if (!isOver) return next;
  const outcome = failed ? 'failed' : answeredAt !== null ? 'answered' : unanswered(next, event);
  const people = call.people.map((person): CallPerson => {
    if (person.place.at === 'ringing') return { ...person, place: { at: 'missed' } };
    return isInside(person.place) ? { ...person, place: { at: 'left' } } : person;
  });
  return { ...next, aloneSince: null, people, over: { at: now, outcome } };
}

function unanswered(call: Call, event: CallEvent): CallOutcome {
  const others = call.people.filter(({ id }) => id !== call.by).map(({ place }) => place.at);
  if (event.is === 'leave') return 'cancelled';
  const all = (at: CallPlace['at']): boolean => others.length > 0 && others.every((each) => each === at);
  if (all('busy')) return 'busy';
  return others.length > 0 && others.every((at) => at === 'declined' || at === 'busy') ? 'declined' : 'missed';
}

const isRinging = (call: Call): boolean => call.people.some(({ place }) => place.at === 'ringing');

const placed = (call: Call, person: UserId, place: CallPlace): Call => ({
  ...call,
  people: call.people.map((each) => (each.id === person ? { ...each, place } : each)),
});

const isAt = (place: CallPlace, device: DeviceId): place is Inside => isInside(place) && place.device === device;

const refused = (fault: Fault): CallStep => ({ ok: false, fault });
