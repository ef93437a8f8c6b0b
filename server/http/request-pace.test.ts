import { expect, test } from 'vitest';
import { newUserId } from '#shared/ids.ts';
import { createRequestPace } from './request-pace.ts';

test('[H11] people and addresses are slowed each by themselves', () => {
  let now = 0;
  const pace = createRequestPace(() => now);
  const [an, binh] = [newUserId(), newUserId()];
  const most = (ask: () => number): number => {
    let count = 0;
    while (ask() === 0) count += 1;
    return count;
  };
  expect(most(() => pace.request(an, '10.0.0.1'))).toBe(1_000);
  expect(pace.request(binh, '10.0.0.1')).toBe(0);
  expect(pace.request(null, '10.0.0.1')).toBe(0);
  expect(most(() => pace.request(null, '10.0.0.2'))).toBe(2_000);
  expect(pace.request(null, '10.0.0.3')).toBe(0);
  expect(most(() => pace.socket(an))).toBe(1_000);
  now += 1_000;
  expect(most(() => pace.request(an, '10.0.0.1'))).toBe(50);
  expect(most(() => pace.socket(an))).toBe(10);
});
