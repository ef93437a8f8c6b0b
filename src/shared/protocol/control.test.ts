import fc from 'fast-check';
import { expect, test } from 'vitest';
import { newConversationId, newMessageId, newUserId } from '../ids.ts';
import {
  decodeClientControl,
  decodeRelayControl,
  encodeControl,
  type ClientControl,
  type RelayControl,
} from './control.ts';

test('[S1] control messages survive the wire', () => {
  const toRelay: ClientControl[] = [
    { is: 'open', channel: 1, doc: 'c:x' },
    { is: 'close', channel: 0xffff_ffff },
    { is: 'delivered', marks: [{ conversation: newConversationId(), seq: 1 }] },
    { is: 'here', active: false },
  ];
  for (const message of toRelay)
    expect(decodeClientControl(encodeControl(message))).toEqual({ ok: true, value: message });
  const [id, by] = [newConversationId(), newUserId()];
  const row = {
    id,
    kind: 'group' as const,
    title: 'Nhà',
    createdAt: 1,
    members: [{ id: by, name: 'An', role: 'owner' as const, reach: { delivered: 3, read: 1 } }],
    memberCount: 1,
    lastSeq: 3,
    readSeq: 1,
    unread: 2,
    mentions: 0,
    last: { id: newMessageId(), seq: 3, by, byName: 'An', at: 5, text: 'chào', attachments: 0 },
  };
  const { members: _members, memberCount: _memberCount, ...change } = row;
  const toClient: RelayControl[] = [
    { is: 'opened', channel: 1 },
    { is: 'closed', channel: 1, code: 4403, fault: 'not-a-member' },
    { is: 'overview', rows: [row] },
    { is: 'rows', rows: [{ ...row, title: null, last: null }] },
    { is: 'rows', rows: [change] },
    { is: 'overview', rows: [{ ...row, memberCount: 1_000, others: { delivered: 2, read: 0 } }] },
    { is: 'marks', conversation: id, marks: [{ user: by, delivered: 3, read: 2 }] },
    { is: 'marks', conversation: id, marks: [], others: { delivered: 3, read: 2 } },
    { is: 'presence', whole: true, people: [{ id: by, online: false, lastSeen: 5 }] },
    { is: 'typing', conversation: id, people: [{ id: by, typing: true }] },
    { is: 'gone', conversation: id },
    { is: 'pulse' },
  ];
  for (const message of toClient)
    expect(decodeRelayControl(encodeControl(message))).toEqual({ ok: true, value: message });
});

test('[S2] nothing else is taken, and nothing makes the decoder throw', () => {
  const wrong: unknown[] = [
    null,
    [],
    5,
    {},
    { is: 'open' },
    { is: 'open', channel: 0, doc: 'x' },
    { is: 'open', channel: 1.5, doc: 'x' },
  ];
  for (const json of [
    ...wrong,
    { is: 'open', channel: 1, doc: 'x'.repeat(81) },
    { is: 'close', channel: 1, more: 1 },
    { is: 'overview', rows: [] },
    { is: 'delivered', marks: [] },
    { is: 'delivered', marks: [{ conversation: 'c', seq: 1 }] },
    { is: 'delivered', marks: [{ conversation: newConversationId(), seq: 0 }] },
    { is: 'delivered', marks: [{ conversation: newConversationId(), seq: 1, by: 'somebody else' }] },
    { is: 'delivered', marks: Array(201).fill({ conversation: newConversationId(), seq: 1 }) },
    { is: 'here', active: 1 },
    { is: 'here', active: true, user: newUserId() },
  ]) {
    expect(decodeClientControl(new TextEncoder().encode(JSON.stringify(json))).ok, JSON.stringify(json)).toBe(false);
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (noise) => {
      expect(decodeClientControl(noise).ok).toBe(false);
    }),
  );
  fc.assert(
    fc.property(fc.jsonValue(), (json) => void decodeRelayControl(new TextEncoder().encode(JSON.stringify(json)))),
  );
});
