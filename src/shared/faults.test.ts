import { expect, test } from 'vitest';
import { FAULTS, isFault, isFinalClose } from './faults.ts';

test('[A14] what a client should not try again closes with a final code, what it should with another', () => {
  for (const [fault, { status, close }] of Object.entries(FAULTS)) {
    expect(isFault(fault)).toBe(true);
    expect(status >= 400 && status < 600, fault).toBe(true);
    expect(isFinalClose(close), fault).toBe(status < 500 && status !== 429);
  }
  expect(isFault('toString')).toBe(false);
});
