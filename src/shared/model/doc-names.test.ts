import fc from 'fast-check';
import { expect, test } from 'vitest';
import { newConversationId, newUserId } from '../ids.ts';
import { conversationDoc, pageDoc, parseDocName, personalDoc } from './doc-names.ts';

test('[D1] the three names read back as they were written', () => {
  const [conversation, user] = [newConversationId(), newUserId()];
  expect(parseDocName(conversationDoc(conversation))).toEqual({ kind: 'conversation', conversation });
  expect(parseDocName(personalDoc(user))).toEqual({ kind: 'personal', user });
  fc.assert(
    fc.property(fc.nat(999_999_999), (page) => {
      expect(parseDocName(pageDoc(conversation, page))).toEqual({ kind: 'page', conversation, page });
    }),
  );
});

test('[D1] any other name is refused', () => {
  const [conversation, user] = [newConversationId(), newUserId()];
  const others = [
    '',
    'c',
    'c:',
    `c:${user}`,
    `u:${conversation}`,
    `u:${user}:0`,
    `c:${conversation}:`,
    `c:${conversation}:01`,
    `c:${conversation}:-1`,
  ];
  for (const name of [
    ...others,
    `c:${conversation}:1:2`,
    `c:${conversation}:1e3`,
    ` c:${conversation}`,
    `c:${conversation}:9999999999`,
  ]) {
    expect(parseDocName(name), name).toBeNull();
  }
  fc.assert(
    fc.property(fc.string(), (name) => {
      expect(parseDocName(name)).toBeNull();
    }),
  );
});
