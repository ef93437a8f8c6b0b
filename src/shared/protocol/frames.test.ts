import fc from 'fast-check';
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import * as authProtocol from 'y-protocols/auth';
import * as syncProtocol from 'y-protocols/sync';
import * as Y from 'yjs';
import { expect, test } from 'vitest';
import { decodeFrame, encodeFrame, type Frame } from './frames.ts';

const bytes = fc.uint8Array({ maxLength: 60 });
const frame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({ is: fc.constant('step1' as const), stateVector: bytes }),
  fc.record({ is: fc.constantFrom('step2' as const, 'update' as const, 'awareness' as const), update: bytes }),
  fc.record({ is: fc.constant('denied' as const), reason: fc.string({ unit: 'grapheme' }) }),
  fc.record({ is: fc.constant('query-awareness' as const) }),
);

test('[S1] a frame survives the wire', () => {
  fc.assert(
    fc.property(frame, (sent) => {
      expect(decodeFrame(encodeFrame(sent))).toEqual({ ok: true, value: sent });
    }),
  );
});

test('[S1] its bytes are those of y-protocols', () => {
  const doc = new Y.Doc();
  doc.getMap('m').set('a', 1);
  const theirs = (type: number, write: (encoder: encoding.Encoder) => void): Uint8Array => {
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, type);
    write(encoder);
    return encoding.toUint8Array(encoder);
  };
  const update = Y.encodeStateAsUpdate(doc);
  const pairs: [Frame, Uint8Array][] = [
    [{ is: 'step1', stateVector: Y.encodeStateVector(doc) }, theirs(0, (e) => syncProtocol.writeSyncStep1(e, doc))],
    [{ is: 'step2', update }, theirs(0, (e) => syncProtocol.writeSyncStep2(e, doc))],
    [{ is: 'update', update }, theirs(0, (e) => syncProtocol.writeUpdate(e, update))],
    [{ is: 'denied', reason: 'không' }, theirs(2, (e) => authProtocol.writePermissionDenied(e, 'không'))],
    [{ is: 'query-awareness' }, theirs(3, () => undefined)],
  ];
  for (const [ours, expected] of pairs) expect(encodeFrame(ours)).toEqual(expected);
});

test('[S1] y-protocols reads what we write', () => {
  const [from, to] = [new Y.Doc(), new Y.Doc()];
  from.getMap('m').set('a', 1);
  const decoder = decoding.createDecoder(encodeFrame({ is: 'step2', update: Y.encodeStateAsUpdate(from) }));
  expect(decoding.readVarUint(decoder)).toBe(0);
  syncProtocol.readSyncMessage(decoder, encoding.createEncoder(), to, null);
  expect(to.getMap('m').toJSON()).toEqual({ a: 1 });
});

test('[S2] no byte string makes the decoder throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (noise) => {
      const decoded = decodeFrame(noise);
      if (decoded.ok) expect(decodeFrame(encodeFrame(decoded.value))).toEqual(decoded);
    }),
    { numRuns: 2_000 },
  );
  for (const cut of [
    [],
    [0],
    [0, 0],
    [0, 3, 0],
    [0, 0, 5, 1],
    [1],
    [2, 1, 0],
    [4],
    [3, 0],
    [0, 2, 255, 255, 255, 255, 15],
  ]) {
    expect(decodeFrame(new Uint8Array(cut)).ok, String(cut)).toBe(false);
  }
});
