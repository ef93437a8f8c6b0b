import fc from 'fast-check';
import * as encoding from 'lib0/encoding';
import { expect, test } from 'vitest';
import { behindNumbers } from './sized.ts';

test('[S1] numbers before bytes are written as lib0 writes them', () => {
  const number = fc.oneof(fc.nat(300), fc.nat(), fc.maxSafeNat());
  fc.assert(
    fc.property(fc.array(number, { maxLength: 4 }), fc.uint8Array({ maxLength: 300 }), (numbers, bytes) => {
      const encoder = encoding.createEncoder();
      for (const each of numbers) encoding.writeVarUint(encoder, each);
      encoding.writeUint8Array(encoder, bytes);
      expect(behindNumbers(numbers, bytes)).toEqual(encoding.toUint8Array(encoder));
    }),
  );
});
