import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { decodeFrame, encodeFrame } from './frames.ts';
import { framesInPieces, updateInPieces } from './pieces.ts';

/** What several devices do to a page, some of it while they cannot hear each other. */
const deeds = fc.array(
  fc.oneof(
    fc.record({ is: fc.constant('set' as const), by: fc.nat(2), key: fc.nat(12), size: fc.nat(300) }),
    fc.record({ is: fc.constant('delete' as const), by: fc.nat(2), key: fc.nat(12) }),
    fc.record({ is: fc.constant('push' as const), by: fc.nat(2), count: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ is: fc.constant('meet' as const), by: fc.nat(2), other: fc.nat(2) }),
  ),
  { minLength: 1, maxLength: 60 },
);
type Deed = typeof deeds extends fc.Arbitrary<(infer D)[]> ? D : never;

function play(all: Deed[]): Y.Doc[] {
  const docs = [1, 2, 3].map((client) => Object.assign(new Y.Doc(), { clientID: client * 1_000 }));
  for (const deed of all) {
    const doc = docs[deed.by]!;
    if (deed.is === 'set') doc.getMap('messages').set(`m${deed.key}`, { text: 'x'.repeat(deed.size) });
    else if (deed.is === 'delete') doc.getMap('messages').delete(`m${deed.key}`);
    else if (deed.is === 'push') doc.getArray('order').push(Array.from({ length: deed.count }, (_, i) => [i, 'm']));
    else Y.applyUpdate(doc, Y.encodeStateAsUpdate(docs[deed.other]!));
  }
  return docs;
}

const same = (a: Y.Doc, b: Y.Doc): void => {
  expect(a.store.pendingStructs).toBeNull();
  expect(a.getMap('messages').toJSON()).toEqual(b.getMap('messages').toJSON());
  expect(a.getArray('order').toJSON()).toEqual(b.getArray('order').toJSON());
  expect(Y.encodeStateVector(a)).toEqual(Y.encodeStateVector(b));
};

test('[S17] pieces say what the whole says, and each makes sense when it comes', () => {
  fc.assert(
    fc.property(deeds, deeds, fc.integer({ min: 20, max: 600 }), (before, after, maxBytes) => {
      const docs = play([...before, ...after]);
      const [known] = play(before);
      for (const doc of docs) {
        const receiver = new Y.Doc();
        for (const piece of updateInPieces(Y.encodeStateAsUpdate(doc), maxBytes)) {
          Y.applyUpdate(receiver, piece);
          expect(receiver.store.pendingStructs).toBeNull();
        }
        same(receiver, doc);
      }
      // The part that somebody lacks, too.
      const receiver = new Y.Doc();
      Y.applyUpdate(receiver, Y.encodeStateAsUpdate(known!));
      const lacks = Y.encodeStateAsUpdate(docs[0]!, Y.encodeStateVector(receiver));
      for (const piece of updateInPieces(lacks, maxBytes)) Y.applyUpdate(receiver, piece);
      same(receiver, docs[0]!);
    }),
  );
});

test('[S17] what waits for something else in a document stays in its pieces', () => {
  const [writer, reader] = [new Y.Doc(), new Y.Doc()];
  const updates: Uint8Array[] = [];
  writer.on('update', (update: Uint8Array) => updates.push(update));
  for (let i = 0; i < 30; i++) writer.getMap('messages').set(`m${i}`, 'x'.repeat(100));
  // One is missing in the middle: what came after it waits, and is passed on all the same.
  updates.forEach((update, at) => at !== 10 && Y.applyUpdate(reader, update));
  const receiver = new Y.Doc();
  for (const piece of updateInPieces(Y.encodeStateAsUpdate(reader), 400)) Y.applyUpdate(receiver, piece);
  Y.applyUpdate(receiver, updates[10]!);
  same(receiver, writer);
});

test('[S17] a frame in pieces ends as it was: with a sync step 2 or an update; what is small or something else stays whole', () => {
  const doc = new Y.Doc();
  for (let i = 0; i < 20; i++) doc.getMap('messages').set(`m${i}`, 'x'.repeat(100));
  const update = Y.encodeStateAsUpdate(doc);
  for (const is of ['step2', 'update'] as const) {
    const frames = framesInPieces(encodeFrame({ is, update }), 500);
    const kinds = frames.map((frame) => {
      const decoded = decodeFrame(frame);
      return decoded.ok ? decoded.value.is : null;
    });
    expect(frames.length).toBeGreaterThan(3);
    expect(kinds).toEqual([...kinds.slice(1).map(() => 'update'), is]);
    expect(Math.max(...frames.map((frame) => frame.length))).toBeLessThan(600);
  }
  const small = encodeFrame({ is: 'step2', update });
  expect(framesInPieces(small)).toEqual([small]);
  const other = encodeFrame({ is: 'awareness', update: new Uint8Array(1_000) });
  expect(framesInPieces(other, 500)).toEqual([other]);
});
