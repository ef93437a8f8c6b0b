/** Several updates as one are the same document. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { oneUpdate } from './one-update.ts';

type Step = { client: number; is: 'set'; key: string; value: string } | { client: number; is: 'remove'; key: string };
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    client: fc.nat(3),
    is: fc.constant('set' as const),
    key: fc.constantFrom('a', 'b', 'c'),
    value: fc.string(),
  }),
  fc.record({ client: fc.nat(3), is: fc.constant('remove' as const), key: fc.constantFrom('a', 'b', 'c') }),
);

test('[S6] updates put together read as they do one after another, whoever wrote them and whatever was deleted', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), fc.nat(12), (steps, from) => {
      const docs = [7, 4_000_000_000, 3, 90].map((clientID) => Object.assign(new Y.Doc(), { clientID }));
      const updates: Uint8Array[] = [];
      for (const doc of docs) {
        doc.on('update', (update: Uint8Array, origin: unknown) => {
          if (origin === 'elsewhere') return;
          updates.push(update);
          for (const other of docs) if (other !== doc) Y.applyUpdate(other, update, 'elsewhere');
        });
      }
      for (const { client, key, ...what } of steps) {
        const map = docs[client]?.getMap('values');
        if (what.is === 'set') map?.set(key, what.value);
        else map?.delete(key);
      }
      const known = updates.slice(0, from);
      const rest = updates.slice(from);
      const together = new Y.Doc();
      for (const update of known) Y.applyUpdate(together, update);
      if (rest.length > 0) Y.applyUpdate(together, oneUpdate(rest));
      expect(together.store.pendingStructs).toBeNull();
      expect(together.getMap('values').toJSON()).toEqual(docs[0]?.getMap('values').toJSON());
      expect(Y.encodeStateVector(together)).toEqual(Y.encodeStateVector(docs[0] ?? together));
      // What was put together can be put together again, by Yjs too.
      if (rest.length > 0 && known.length > 0) {
        const again = new Y.Doc();
        Y.applyUpdate(again, Y.mergeUpdates([oneUpdate(known), oneUpdate(rest)]));
        expect(again.getMap('values').toJSON()).toEqual(docs[0]?.getMap('values').toJSON());
      }
    }),
    { numRuns: 300 },
  );
});
