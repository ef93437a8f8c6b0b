import { expect, test } from 'vitest';
import { type Counted, qualityOf } from './quality.ts';

const none: Counted = { received: 0, lost: 0, roundTrip: null };

test.each([
  ['good', { received: 100, lost: 0, roundTrip: 0.02 }],
  ['good', { received: 100, lost: 2, roundTrip: null }],
  ['poor', { received: 100, lost: 5, roundTrip: 0.02 }],
  ['poor', { received: 100, lost: 0, roundTrip: 0.4 }],
  ['bad', { received: 100, lost: 20, roundTrip: 0.02 }],
  ['bad', { received: 100, lost: 0, roundTrip: 1 }],
  ['good', none],
] as const)('a connection is %s with %j', (quality, now) => {
  expect(qualityOf(none, now)).toBe(quality);
});

test('what was lost long ago does not count, and a count that begins anew is no loss', () => {
  expect(qualityOf({ received: 100, lost: 50, roundTrip: null }, { received: 200, lost: 50, roundTrip: null })).toBe(
    'good',
  );
  expect(qualityOf({ received: 100, lost: 50, roundTrip: null }, none)).toBe('good');
});
