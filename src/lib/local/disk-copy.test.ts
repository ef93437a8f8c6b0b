import 'fake-indexeddb/auto';
import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { keepInIndexedDb } from './disk-copy.ts';
import { Documents } from './documents.ts';

let count = 0;
const named = (): string => `disk-copy-${String(++count)}`;

/** Writes these words, each as a row of its own. */
async function written(database: string, ...words: string[]): Promise<void> {
  const doc = new Y.Doc();
  const copy = keepInIndexedDb(database, doc);
  await copy.loaded;
  for (const word of words) doc.getMap('words').set(word, true);
  await copy.written?.();
  doc.destroy();
}

async function read(database: string): Promise<{ words: string[]; isWhole: unknown }> {
  const doc = new Y.Doc();
  const isWhole = await keepInIndexedDb(database, doc).loaded;
  const words = [...doc.getMap('words').keys()];
  doc.destroy();
  return { words, isWhole };
}

/** What happens to the row that holds a word. */
async function onRow(database: string, word: string, act: (row: IDBCursor) => IDBRequest): Promise<void> {
  const db = await new Promise<IDBDatabase>((resolve) => {
    const opening = indexedDB.open(database);
    opening.onsuccess = () => resolve(opening.result);
  });
  await new Promise<void>((resolve) => {
    const writing = db.transaction('updates', 'readwrite');
    const rows = writing.objectStore('updates').openCursor();
    rows.onsuccess = () => {
      const row = rows.result;
      if (row === null) return;
      if (new TextDecoder().decode(row.value as Uint8Array).includes(word)) act(row);
      row.continue();
    };
    writing.oncomplete = () => resolve();
  });
  db.close();
}

test('[L7] what was written is read again, and can be written on', async () => {
  const database = named();
  await written(database, 'một', 'hai');
  await written(database, 'ba');
  expect(await read(database)).toEqual({ words: ['một', 'hai', 'ba'], isWhole: true });
});

test('[L7] a change that answers what is being read is written', async () => {
  const database = named();
  await written(database, 'một');
  const doc = new Y.Doc();
  const words = doc.getMap('words');
  words.observe(() => !words.has('hai') && words.set('hai', true));
  const copy = keepInIndexedDb(database, doc);
  await copy.loaded;
  await copy.written?.();
  doc.destroy();
  expect((await read(database)).words).toEqual(['một', 'hai']);
});

test('what is read from the disk is not encoded again', async () => {
  const database = named();
  await written(database, 'một', 'hai');
  const doc = new Y.Doc();
  const encoded: boolean[] = [];
  const copy = keepInIndexedDb(database, doc);
  doc.on('afterTransactionCleanup', ({ changed }) => changed.size > 0 && encoded.push(doc._observers.has('update')));
  await copy.loaded;
  expect(encoded).toEqual([false]);
  doc.getMap('words').set('ba', true);
  expect(encoded).toEqual([false, true]);
  doc.destroy();
});

test('[L7] a row that cannot be decoded is told, and the others are read', async () => {
  const database = named();
  await written(database, 'một', 'hai');
  await written(database, 'ba');
  await onRow(database, 'ba', (row) => (row as IDBCursorWithValue).update(new Uint8Array([255, 255, 255, 255])));
  expect(await read(database)).toEqual({ words: ['một', 'hai'], isWhole: false });
});

test('[L7] a row that is missing is told', async () => {
  const database = named();
  await written(database, 'một', 'hai', 'ba');
  await onRow(database, 'hai', (row) => row.delete());
  expect(await read(database)).toEqual({ words: ['một'], isWhole: false });
});

test('[L7] another copy takes the place of the first, in memory at once and on the disk whole', async () => {
  const scope = named();
  const database = `${scope}:giấy`;
  await written(database, 'cũ');
  const documents = new Documents(scope);
  const held = documents.hold('giấy');
  await held.loaded;
  const fresh = new Y.Doc();
  fresh.getMap('words').set('mới', true);
  const before = held.doc;
  const open = documents.replace('giấy', fresh, ':2');
  expect(held.doc).toBe(fresh);
  fresh.getMap('words').set('viết tiếp', true);
  before.getMap('words').set('quá muộn', true);
  await open.written();
  documents.stop();
  expect(await read(database)).toEqual({ words: ['mới', 'viết tiếp'], isWhole: true });
});

test('[L7] a tab takes the copy that another has put on the disk', async () => {
  const scope = named();
  const [left, right] = [new Documents(scope), new Documents(scope)];
  const [held, other] = [left.hold('giấy'), right.hold('giấy')];
  await Promise.all([held.loaded, other.loaded]);
  other.doc.getMap('words').set('cũ', true);
  const fresh = new Y.Doc();
  fresh.getMap('words').set('mới', true);
  await left.replace('giấy', fresh, ':2').written();
  const before = await right.readAgain('giấy');
  expect([...(before?.getMap('words').keys() ?? [])]).toEqual(['cũ']);
  expect([...other.doc.getMap('words').keys()]).toEqual(['mới']);
  for (const documents of [left, right]) documents.stop();
});
