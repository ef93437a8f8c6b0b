/** Stamps written as bytes are what a Y.Doc would have written. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { newMessageId } from '#shared/ids.ts';
import { orderOf, type Stamp } from '#shared/model/page.ts';
import { Stamps } from './stamps.ts';

const batches = fc.array(fc.array(fc.nat(3), { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 12 });

test('[O1] [S6] stamps stand in the list in the order in which they were given, over several lives of a page', () => {
  fc.assert(
    fc.property(fc.array(batches, { minLength: 1, maxLength: 4 }), fc.boolean(), (lives, together) => {
      let seq = 0;
      const all: Stamp[] = [];
      const log: Uint8Array[] = [];
      for (const [life, given] of lives.entries()) {
        const doc = new Y.Doc();
        for (const update of log) Y.applyUpdate(doc, update);
        const stamps = new Stamps(4_000_000_000 - life, doc);
        expect(stamps.begun).toBe(false);
        for (const sizes of given) {
          for (const size of sizes) {
            const batch = Array.from({ length: size + 1 }, (): Stamp => [(seq += 1), newMessageId(), Date.now()]);
            all.push(...batch);
            log.push(stamps.append(batch));
          }
        }
        expect(stamps.begun).toBe(true);
      }
      const doc = new Y.Doc();
      if (together) Y.applyUpdate(doc, Y.mergeUpdates(log));
      else for (const update of log) Y.applyUpdate(doc, update);
      expect(doc.store.pendingStructs).toBeNull();
      expect(orderOf(doc).toArray()).toEqual(all);
      // And Yjs's own way of adding to the list goes on behind them.
      orderOf(doc).insert(all.length, [[seq + 1, newMessageId(), 0]]);
      expect(
        orderOf(doc)
          .toArray()
          .map(([each]) => each),
      ).toEqual(Array.from({ length: seq + 1 }, (_, at) => at + 1));
    }),
    { numRuns: 60 },
  );
});

test('[O1] the bytes of a stamp are those of Yjs', () => {
  const theirs = Object.assign(new Y.Doc(), { clientID: 77 });
  const updates: Uint8Array[] = [];
  theirs.on('update', (update: Uint8Array) => updates.push(update));
  const ours = new Stamps(77, new Y.Doc());
  for (let seq = 1; seq <= 3; seq++) {
    const stamp: Stamp =
      seq === 2 ? [seq, newMessageId(), 1_700_000_000_000, 4] : [seq, newMessageId(), 1_700_000_000_000];
    orderOf(theirs).insert(seq - 1, [stamp]);
    expect(ours.append([stamp])).toEqual(updates[seq - 1]);
  }
});
