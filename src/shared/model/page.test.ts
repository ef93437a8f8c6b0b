import fc from 'fast-check';
import * as v from 'valibot';
import * as Y from 'yjs';
import { expect, test } from 'vitest';
import { newMessageId, newUserId } from '../ids.ts';
import { PAGE_STAMPS } from '../limits.ts';
import { Message, mentionsPerson } from './message.ts';
import {
  deletedOf,
  messagesOf,
  orderOf,
  PAGE_ROOTS,
  pageOfSeq,
  parseReactionKey,
  reactionKey,
  reactionsOf,
  votesOf,
} from './page.ts';

test("[D5] a reaction's key reads back as it was written", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 32 }), (emoji) => {
      const key = { message: newMessageId(), user: newUserId(), emoji };
      expect(parseReactionKey(reactionKey(key))).toEqual(key);
    }),
  );
  const [message, user] = [newMessageId(), newUserId()];
  for (const key of [
    '',
    message,
    `${message}:${user}`,
    `${message}:${user}:`,
    `${user}:${message}:👍`,
    `${message}:${user}:${'x'.repeat(33)}`,
  ]) {
    expect(parseReactionKey(key), key).toBeNull();
  }
});

test('[O4] page n holds the stamps (n·1000, (n+1)·1000]', () => {
  expect([1, PAGE_STAMPS, PAGE_STAMPS + 1, 2 * PAGE_STAMPS, 2 * PAGE_STAMPS + 1].map(pageOfSeq)).toEqual([
    0, 0, 1, 1, 2,
  ]);
});

test('[D2] a page is flat: four maps of plain values and the list of stamps', () => {
  const doc = new Y.Doc();
  for (const map of [messagesOf(doc), deletedOf(doc), reactionsOf(doc), votesOf(doc)])
    expect(map).toBeInstanceOf(Y.Map);
  expect(orderOf(doc)).toBeInstanceOf(Y.Array);
  expect([...doc.share.keys()].sort()).toEqual([...PAGE_ROOTS].sort());
});

test('[A9] a message has a sender, a time and a text or an attachment', () => {
  const by = newUserId();
  const attachment = { sha256: 'a'.repeat(64), name: 'a.png', type: 'image/png', size: 5, width: 3 };
  expect(v.is(Message, { by, at: 1, text: 'a' })).toBe(true);
  expect(v.is(Message, { by, at: 1, text: '', attachments: [attachment] })).toBe(true);
  for (const wrong of [
    { by, at: 1, text: '  ' },
    { by, at: 1.5, text: 'a' },
    { by: 'x', at: 1, text: 'a' },
    { by, at: 1, text: 'a', more: 1 },
    { by, at: 1 },
  ]) {
    expect(v.is(Message, wrong)).toBe(false);
  }
});

test('[U2] a message mentions those it names, or everybody', () => {
  const [an, binh] = [newUserId(), newUserId()];
  const message = { by: an, at: 1, text: 'a' };
  expect(mentionsPerson(message, binh)).toBe(false);
  expect(mentionsPerson({ ...message, mentions: [binh] }, binh)).toBe(true);
  expect(mentionsPerson({ ...message, mentions: [an] }, binh)).toBe(false);
  expect(mentionsPerson({ ...message, mentions: 'all' }, binh)).toBe(true);
});
