/**
 * The list of conversations, put together from what the relay last said, what waits on this device, and what the person wrote for
 * themself (read marks, drafts, pins). Pure: the rune class around it only says when to do it again.
 */
import type { ConversationKind } from '#shared/access.ts';
import type { ConversationId, MessageId, Sha256, UserId } from '#shared/ids.ts';
import { attachedOf } from '#shared/model/media-types.ts';
import type { Draft, Preference } from '#shared/model/personal.ts';
import type { LastMessage, OverviewMember, OverviewRow, Person } from '#shared/protocol/overview.ts';
import type { OutboxRequest, WaitingMessage } from '../local/tables.ts';
import { chosenPicture } from './chosen-picture.ts';
import { othersReach, tickOf } from './ticks.ts';
import type { ConversationRowView } from './views.ts';

export interface RowSources {
  me: Person;
  overview: ReadonlyMap<string, OverviewRow>;
  /** In the order they were asked. */
  outbox: readonly OutboxRequest[];
  waiting: ReadonlyMap<string, WaitingMessage>;
  /** This person's own read mark, as this device knows it. */
  readSeq(id: ConversationId): number;
  draft(id: ConversationId): Draft | undefined;
  preference(id: ConversationId): Preference | undefined;
  /** A title written here that the relay has not repeated yet. */
  title(id: ConversationId): string | undefined;
  /** The last message of a row, as it was changed here. */
  last(row: OverviewRow): LastMessage | null;
  isOnline(person: UserId): boolean;
  typing(id: ConversationId): readonly UserId[];
  now: number;
}

interface Place {
  id: ConversationId;
  kind: ConversationKind;
  title: string | null;
  createdAt: number;
  members: readonly { id: UserId; name: string; avatar?: Sha256 | null | undefined }[];
  row: OverviewRow | null;
  pending: boolean;
}

/** Rows that did not change are the same objects as before, so that the screen does not draw them again. */
export function buildRows(sources: RowSources, before: readonly ConversationRowView[] = []): ConversationRowView[] {
  const newest = newestWaiting(sources.waiting);
  const same = new Map(before.map((row) => [row.id, row]));
  return placesOf(sources)
    .map((place) => buildRow(sources, place, newest.get(place.id)))
    .map((row) => sameOrNew(same.get(row.id), row))
    .sort((a, b) => Number(b.pinned) - Number(a.pinned) || b.sortedAt - a.sortedAt || (a.id < b.id ? -1 : 1));
}

/** The other person of a direct conversation; null in groups and in notes to oneself. */
export function otherMember<M extends { id: UserId }>(
  kind: ConversationKind,
  members: readonly M[],
  me: UserId,
): M | null {
  return kind === 'direct' ? (members.find((member) => member.id !== me) ?? null) : null;
}

/**
 * Unread by what this device knows: what was read here counts at once, before the relay has heard of it. What of the messages beyond the
 * mark is one's own or deleted only the relay knows; its number is the upper bound, and so is the number of messages left.
 */
export function unreadOf(row: Pick<OverviewRow, 'lastSeq' | 'readSeq' | 'unread'>, readSeq: number): number {
  return readSeq <= row.readSeq ? row.unread : Math.min(row.unread, Math.max(0, row.lastSeq - readSeq));
}

type Goodbye = Extract<OutboxRequest, { is: 'leave' | 'delete-group' }>;
const isGoodbye = (request: OutboxRequest): request is Goodbye =>
  request.is === 'leave' || request.is === 'delete-group';

function placesOf({ me, overview, outbox }: RowSources): Place[] {
  const left = new Set(outbox.flatMap((request) => (isGoodbye(request) ? [request.conversation] : [])));
  const known = [...overview.values()].map((row): Place => ({
    id: row.id,
    kind: row.kind,
    title: row.title,
    createdAt: row.createdAt,
    members: row.members,
    row,
    pending: false,
  }));
  const made = outbox.flatMap((request): Place[] => {
    if (request.is !== 'create' || overview.has(request.conversation)) return [];
    const { conversation: id, kind, title, at: createdAt, people } = request;
    return [{ id, kind, title, createdAt, members: [me, ...people], row: null, pending: true }];
  });
  return [...known, ...made].filter((place) => !left.has(place.id));
}

function buildRow(sources: RowSources, place: Place, waiting: Waits | undefined): ConversationRowView {
  const { me } = sources;
  const { id, row } = place;
  const other = otherMember(place.kind, place.members, me.id);
  const preference = sources.preference(id);
  const readSeq = sources.readSeq(id);
  const unread = row === null ? 0 : unreadOf(row, readSeq);
  const last = row === null ? null : sources.last(row);
  const nameOf = (person: UserId) =>
    person === me.id ? me.name : (place.members.find((member) => member.id === person)?.name ?? '');
  return {
    id,
    kind: place.kind,
    title: place.kind === 'group' ? (sources.title(id) ?? place.title ?? '') : (other?.name ?? null),
    avatarSeed: other?.id ?? id,
    picture: place.kind === 'group' ? groupPicture(sources, place) : (other?.avatar ?? null),
    last: lastOf(row, last, waiting, me, nameOf),
    draft: sources.draft(id)?.text ?? null,
    unread,
    mentions: row === null ? 0 : Math.min(row.mentions, unread),
    pinned: preference?.pinned ?? false,
    muted: (preference?.muted ?? 0) > sources.now,
    pending: place.pending,
    online: other !== null && sources.isOnline(other.id),
    typing: namesOf(sources.typing(id), place.members),
    sortedAt: Math.max(place.createdAt, last?.at ?? 0, waiting?.message.at ?? 0),
  };
}

function groupPicture({ outbox }: RowSources, { id, row }: Place): Sha256 | null {
  const chosen = chosenPicture(outbox, id);
  return chosen === undefined ? (row?.avatar ?? null) : chosen;
}

function lastOf(
  row: OverviewRow | null,
  last: LastMessage | null,
  waiting: Waits | undefined,
  me: Person,
  nameOf: (person: UserId) => string,
): ConversationRowView['last'] {
  // What waits comes after everything that has its place.
  if (waiting !== undefined) {
    const { at, text, attachments } = waiting.message;
    return {
      by: me.id,
      byName: me.name,
      mine: true,
      at,
      text,
      attachments: attachments?.length ?? 0,
      attached: attachedOf(attachments) ?? null,
      call: null,
      state: 'waiting',
    };
  }
  if (row === null || last === null) return null;
  const { seq, by, at, text, attachments, attached = null, call = null } = last;
  const mine = by === me.id;
  // A large group does not name its members, but who wrote last.
  const byName = nameOf(by) || last.byName;
  return {
    by,
    byName,
    mine,
    at,
    text,
    attachments,
    attached,
    call,
    state: mine && call === null ? tickOf(seq, othersReach(row, me.id)) : null,
  };
}

/** By the members, whatever the typists call themselves; who is not among them does not type. */
export function namesOf(people: readonly UserId[], members: readonly { id: UserId; name: string }[]): string[] {
  return people.flatMap((id) => members.find((member) => member.id === id)?.name ?? []);
}

type Waits = WaitingMessage & { id: MessageId };

function newestWaiting(waiting: ReadonlyMap<string, WaitingMessage>): Map<ConversationId, Waits> {
  const newest = new Map<ConversationId, Waits>();
  for (const [id, one] of waiting) {
    const known = newest.get(one.conversation);
    if (known === undefined || known.message.at <= one.message.at)
      newest.set(one.conversation, { ...one, id: id as MessageId });
  }
  return newest;
}

function sameOrNew(before: ConversationRowView | undefined, now: ConversationRowView): ConversationRowView {
  return before !== undefined && JSON.stringify(before) === JSON.stringify(now) ? before : now;
}

/** Who is in a conversation by all this device knows: the relay's word, and what waits to be asked of it. */
export function membersWithOutbox(
  id: ConversationId,
  members: readonly OverviewMember[],
  outbox: readonly OutboxRequest[],
): OverviewMember[] {
  const now = new Map(members.map((member) => [member.id, member]));
  for (const request of outbox) {
    if (request.is === 'profile' || request.conversation !== id) continue;
    switch (request.is) {
      case 'add-member':
        if (!now.has(request.person.id)) now.set(request.person.id, { ...request.person, role: 'member' });
        break;
      case 'remove-member':
        now.delete(request.user);
        break;
      case 'change-role': {
        const member = now.get(request.user);
        if (member === undefined) break;
        if (request.role === 'owner')
          for (const one of now.values()) if (one.role === 'owner') now.set(one.id, { ...one, role: 'admin' });
        now.set(request.user, { ...member, role: request.role });
        break;
      }
      case 'create':
      case 'leave':
      case 'change-history':
      case 'delete-group':
      case 'picture':
        break;
    }
  }
  return [...now.values()];
}
