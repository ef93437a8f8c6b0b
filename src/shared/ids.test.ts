import fc from 'fast-check';
import { expect, test } from 'vitest';
import { directConversationId } from './direct-id.ts';
import {
  isConversationId,
  isMessageId,
  isUserId,
  newConversationId,
  newMessageId,
  newUserId,
  timeOfMessageId,
} from './ids.ts';

test('[D3] the conversation of two people follows from the pair, whoever starts it', () => {
  const [an, binh, chi] = [newUserId(), newUserId(), newUserId()];
  expect(directConversationId(an, binh)).toBe(directConversationId(binh, an));
  expect(directConversationId(an, an)).not.toBe(directConversationId(an, binh));
  expect(directConversationId(an, chi)).not.toBe(directConversationId(an, binh));
  expect(isConversationId(directConversationId(an, binh))).toBe(true);
});

test('[D4] message ids minted later sort later, and no two are the same', () => {
  fc.assert(
    fc.property(fc.nat(4_000_000_000_000), fc.integer({ min: 1, max: 1_000_000_000 }), (now, later) => {
      expect(newMessageId(now) < newMessageId(now + later)).toBe(true);
      expect(timeOfMessageId(newMessageId(now))).toBe(now);
    }),
  );
  expect(new Set(Array.from({ length: 5_000 }, () => newMessageId(5))).size).toBe(5_000);
});

test('[D4] each kind of id is told by its first letter', () => {
  expect([isUserId(newUserId()), isConversationId(newConversationId()), isMessageId(newMessageId())]).toEqual([
    true,
    true,
    true,
  ]);
  expect([isUserId(newMessageId()), isConversationId(newUserId()), isMessageId(newConversationId())]).toEqual([
    false,
    false,
    false,
  ]);
  for (const id of [
    '',
    'u',
    `u${'A'.repeat(24)}`,
    `u${'a'.repeat(19)}`,
    `u${'a'.repeat(41)}`,
    `u${'a'.repeat(24)}\n`,
    5,
    null,
  ]) {
    expect(isUserId(id)).toBe(false);
  }
});
