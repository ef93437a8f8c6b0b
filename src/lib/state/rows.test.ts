import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ConversationId, type Sha256, newConversationId, newMessageId, newUserId } from '#shared/ids.ts';
import type { OverviewRow } from '#shared/protocol/overview.ts';
import type { OutboxRequest, WaitingMessage } from '../local/tables.ts';
import { buildRows, membersWithOutbox, type RowSources, unreadOf } from './rows.ts';

const me = { id: newUserId(), name: 'An', avatar: null };
const binh = { id: newUserId(), name: 'Bình', avatar: null };

const row = (more: Partial<OverviewRow> = {}): OverviewRow => ({
  id: newConversationId(),
  kind: 'group',
  title: 'Nhóm',
  createdAt: 1,
  members: [
    { id: me.id, name: 'An', role: 'owner' },
    { id: binh.id, name: 'Bình', role: 'member' },
  ],
  memberCount: 2,
  lastSeq: 0,
  readSeq: 0,
  unread: 0,
  mentions: 0,
  last: null,
  ...more,
});

const last = (at: number, text: string, by = binh.id) => ({
  id: newMessageId(),
  seq: 1,
  by,
  byName: by === me.id ? 'An' : 'Bình',
  at,
  text,
  attachments: 0,
});

function build(overview: OverviewRow[], more: Partial<RowSources> = {}, before = [] as ReturnType<typeof buildRows>) {
  const rows = new Map<string, OverviewRow>(overview.map((one) => [one.id, one]));
  const none = () => undefined;
  const sources: RowSources = {
    me,
    overview: rows,
    outbox: [],
    waiting: new Map(),
    readSeq: (id) => rows.get(id)?.readSeq ?? 0,
    draft: none,
    preference: none,
    title: none,
    last: (one) => one.last,
    isOnline: () => false,
    typing: () => [],
    now: 1_000,
    ...more,
  };
  return buildRows(sources, before);
}

const waits = (conversation: ConversationId, at: number, text: string): [string, WaitingMessage] => [
  newMessageId(at),
  { conversation, page: 0, message: { by: me.id, at, text } },
];

test('the newest conversation is on top, the pinned ones before all', () => {
  const [old, mid, now] = [row({ last: last(10, 'a') }), row({ last: last(20, 'b') }), row({ last: last(30, 'c') })];
  const preference = (id: ConversationId) => (id === old.id ? { pinned: true } : undefined);
  expect(build([old, mid, now], { preference }).map(({ id }) => id)).toEqual([old.id, now.id, mid.id]);
});

test('[O3] a message that waits is the last of its row and moves it up', () => {
  const [a, b] = [row({ last: last(50, 'theirs') }), row({ last: last(60, 'newer') })];
  const rows = build([a, b], { waiting: new Map([waits(a.id, 70, 'một'), waits(a.id, 71, 'hai')]) });
  expect(rows.map(({ id }) => id)).toEqual([a.id, b.id]);
  expect(rows[0]?.last).toMatchObject({ text: 'hai', mine: true, state: 'waiting' });
});

test('a conversation made here is in the list before the relay knows of it, once', () => {
  const one = row();
  const create: OutboxRequest = {
    is: 'create',
    conversation: one.id,
    kind: 'direct',
    title: null,
    people: [binh],
    at: 5,
  };
  expect(build([], { outbox: [create] })).toMatchObject([
    { title: 'Bình', avatarSeed: binh.id, pending: true, sortedAt: 5, last: null },
  ]);
  expect(build([one], { outbox: [create] })).toHaveLength(1);
  const notes: OutboxRequest = { ...create, conversation: newConversationId(), people: [] };
  expect(build([], { outbox: [notes] })[0]?.title).toBe(null);
});

test('a conversation that is being left is gone from the list', () => {
  const one = row();
  expect(build([one], { outbox: [{ is: 'leave', conversation: one.id }] })).toEqual([]);
});

test('[U1] what was read here counts before the relay has heard of it', () => {
  const one = row({ lastSeq: 9, readSeq: 4, unread: 5, mentions: 2 });
  expect(build([one])[0]).toMatchObject({ unread: 5, mentions: 2 });
  expect(build([one], { readSeq: () => 9 })[0]).toMatchObject({ unread: 0, mentions: 0 });
  expect(build([one], { readSeq: () => 8 })[0]).toMatchObject({ unread: 1, mentions: 1 });
});

test('[U3] unread never grows by reading, and is never negative', () => {
  fc.assert(
    fc.property(fc.nat(500), fc.nat(500), fc.nat(500), fc.nat(500), (lastSeq, readSeq, unread, read) => {
      const said = { lastSeq, readSeq, unread };
      const now = unreadOf(said, read);
      expect(now).toBeGreaterThanOrEqual(0);
      expect(now).toBeLessThanOrEqual(unread);
      expect(unreadOf(said, read + 1)).toBeLessThanOrEqual(now);
    }),
  );
});

test('rows that did not change are the same objects', () => {
  const [a, b] = [row({ last: last(1, 'a') }), row({ last: last(2, 'b') })];
  const before = build([a, b]);
  const after = build([{ ...a, unread: 1, lastSeq: 1 }, b], {}, before);
  expect(after.find(({ id }) => id === b.id)).toBe(before.find(({ id }) => id === b.id));
  expect(after.find(({ id }) => id === a.id)).not.toBe(before.find(({ id }) => id === a.id));
});

test('members are shown as they were asked to be', () => {
  const one = row();
  const chi = { id: newUserId(), name: 'Chi', avatar: null };
  const outbox: OutboxRequest[] = [
    { is: 'add-member', conversation: one.id, person: chi },
    { is: 'change-role', conversation: one.id, user: chi.id, role: 'owner' },
    { is: 'remove-member', conversation: one.id, user: binh.id },
    { is: 'remove-member', conversation: newConversationId(), user: me.id },
  ];
  expect(membersWithOutbox(one.id, one.members, outbox)).toEqual([
    { id: me.id, name: 'An', role: 'admin' },
    { ...chi, role: 'owner' },
  ]);
});

test('[B22] [B21] a row shows the picture of the group, or of the other person; what was chosen here comes first', () => {
  const [known, chosen] = ['a'.repeat(64), 'b'.repeat(64)] as [Sha256, Sha256];
  const group = row({ avatar: known });
  const direct = row({
    kind: 'direct',
    title: null,
    members: [
      { id: me.id, name: 'An', role: 'member', avatar: chosen },
      { id: binh.id, name: 'Bình', role: 'member', avatar: known },
    ],
  });
  // Kept by a version of the app that did not know pictures.
  const old = row({ kind: 'direct', title: null });
  const pictures = (outbox: OutboxRequest[]) => {
    const rows = build([group, direct, old], { outbox });
    return [group, direct, old].map(({ id }) => rows.find((one) => one.id === id)?.picture);
  };
  const asked = (sha256: Sha256 | null): OutboxRequest => ({ is: 'picture', conversation: group.id, sha256 });
  expect(pictures([])).toEqual([known, known, null]);
  expect(pictures([asked(known), asked(chosen)])).toEqual([chosen, known, null]);
  expect(pictures([asked(chosen), asked(null)])).toEqual([null, known, null]);
  expect(pictures([{ is: 'picture', conversation: null, sha256: chosen }])).toEqual([known, known, null]);
});
