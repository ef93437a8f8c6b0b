import { expect, test } from 'vitest';
import { newUserId } from '#shared/ids.ts';
import { mentionsIn } from './mentions.ts';

const [an, anh, binh] = [newUserId(), newUserId(), newUserId()];
const members = [
  { id: an, name: 'An' },
  { id: anh, name: 'An Hà' },
  { id: binh, name: 'Bình' },
];

test('names a member by exactly their name, the longest that fits', () => {
  expect(mentionsIn('chào @Bình, khỏe không?', members, false)).toEqual([binh]);
  expect(mentionsIn('@an hà ơi', members, false)).toEqual([anh]);
  expect(mentionsIn('@An và @Bình', members, false)).toEqual([an, binh]);
  expect(mentionsIn('@Anh', members, false)).toBe(undefined);
  expect(mentionsIn('an@Bình.vn', members, false)).toBe(undefined);
  expect(mentionsIn('không ai', members, true)).toBe(undefined);
});

test('@all names everybody, when it may', () => {
  expect(mentionsIn('họp @all!', members, true)).toBe('all');
  expect(mentionsIn('họp @all!', members, false)).toBe(undefined);
  expect(mentionsIn('@alloy', members, true)).toBe(undefined);
});
