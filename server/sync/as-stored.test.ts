/** What somebody who has nothing is told of a document that nobody has built: what lies on the disk, unless that knows more than it should. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { newConversationId } from '#shared/ids.ts';
import { pageDoc } from '#shared/model/doc-names.ts';
import { buildDocument, type StoredDocument } from '../storage/documents.ts';
import { Room } from './room.ts';

const conversation = newConversationId();
const roomOf = (stored: Pick<StoredDocument, 'updates' | 'logLength'>): Room =>
  new Room(pageDoc(conversation, 0), { kind: 'page', conversation, page: 0 }, { ...stored, clients: new Map() });

const SECRET = 'điều đã xoá';

/** Writes of several devices into one page, as the log has them; with so many of them in the snapshot already. */
const pages = fc
  .record({
    writes: fc.array(
      fc.record({
        device: fc.integer({ min: 0, max: 2 }),
        key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
        does: fc.constantFrom('set', 'set', 'set', 'delete'),
      }),
      { maxLength: 12 },
    ),
    compacted: fc.integer({ min: 0, max: 12 }),
  })
  .map(({ writes, compacted }) => {
    const doc = new Y.Doc();
    const log: Uint8Array[] = [];
    doc.on('update', (update: Uint8Array) => log.push(update));
    const live = new Map<string, string>();
    for (const [at, { device, key, does }] of writes.entries()) {
      const other = new Y.Doc();
      Y.applyUpdate(other, Y.encodeStateAsUpdate(doc));
      other.clientID = 100 + device;
      const text = `${SECRET} ${at}.`;
      if (does === 'set') other.getMap('messages').set(key, text);
      else other.getMap('messages').delete(key);
      Y.applyUpdate(doc, Y.encodeStateAsUpdate(other, Y.encodeStateVector(doc)));
      if (does === 'set') live.set(key, text);
      else live.delete(key);
    }
    const inSnapshot = log.splice(0, compacted);
    const snapshot = inSnapshot.length === 0 ? [] : [Y.encodeStateAsUpdate(buildDocument({ updates: inSnapshot }))];
    return { stored: { updates: [...snapshot, ...log], logLength: log.length }, doc, texts: [...live.values()] };
  });

test('[S6] what is told as it lies on the disk is the document, and holds nothing that was deleted or replaced', () => {
  let told = 0;
  fc.assert(
    fc.property(pages, ({ stored, doc, texts }) => {
      const room = roomOf(stored);
      const updates = room.asStored();
      if (updates === null) return;
      told += 1;
      expect(room.isBuilt).toBe(false);
      const reader = buildDocument({ updates: [...updates] });
      expect(reader.getMap('messages').toJSON()).toEqual(doc.getMap('messages').toJSON());
      expect(Y.encodeStateVector(reader)).toEqual(Y.encodeStateVector(doc));
      const bytes = Buffer.concat(updates).toString();
      const found = bytes.match(new RegExp(`${SECRET} \\d+\\.`, 'g')) ?? [];
      expect(found.sort()).toEqual(texts.sort());
    }),
    { numRuns: 500 },
  );
  expect(told).toBeGreaterThan(50);
});

test('a document that was built, or has a long log, is told as one', () => {
  const doc = new Y.Doc();
  const log: Uint8Array[] = [];
  doc.on('update', (update: Uint8Array) => log.push(update));
  for (let n = 0; n < 30; n++) doc.getMap('messages').set(`m${n}`, n);
  expect(roomOf({ updates: log, logLength: log.length }).asStored()).toBeNull();
  const few = log.slice(0, 5);
  const room = roomOf({ updates: few, logLength: 5 });
  expect(room.asStored()).toEqual(few);
  expect(room.doc.getMap('messages').size).toBe(5);
  expect(room.asStored()).toBeNull();
});
