import { expect, test } from 'vitest';
import { hueOf, initialsOf } from './avatar.ts';

test.each([
  ['Nguyễn Văn Bình', 'NB'],
  ['Bình Trần', 'BT'],
  ['Gia đình mình', 'GĐ'],
  ['Cô Mai tầng 5', 'CM'],
  ['Mẹ', 'MẸ'],
  ['ân', 'ÂN'],
  ['★', '★'],
  ['', '?'],
])('%s → %s', (name, letters) => expect(initialsOf(name)).toBe(letters));

test('colours are steady and spread', () => {
  expect(hueOf('u1')).toBe(hueOf('u1'));
  expect(new Set(Array.from({ length: 200 }, (_, i) => hueOf(`u${i}`))).size).toBe(12);
});
