/**
 * A document's copy on this device's disk, kept by y-indexeddb (its only importer) in a database of its own. y-indexeddb writes, and tidies up; what it
 * has written is read here: it reads all rows as one, so that a single one which cannot be decoded would leave the document empty, and nobody would hear.
 */
import { clearDocument, IndexeddbPersistence } from 'y-indexeddb';
import * as Y from 'yjs';
import { openDatabase, transact } from './database.ts';

export interface DiskCopy {
  /** Resolves when what can be read is in the document; false: not all of it could. */
  loaded: Promise<unknown>;
  /** Resolves when the disk has every change up to now; rejects when it cannot be asked. */
  written?: () => Promise<void>;
  /** Writes all of it once more, after a change could not be written. Rejects when that cannot be either. */
  save?: () => Promise<void>;
}

interface KeeperOptions {
  instead?: boolean;
  /** A change is not on the disk. */
  failed?: (why: unknown) => void;
}

/**
 * Keeps a document: fills it from the disk, then writes each change. `instead`: the document takes the place of what the disk has, at once and whole.
 * Tests bring one that keeps nothing.
 */
export type Keeper = (database: string, doc: Y.Doc, options?: KeeperOptions) => DiskCopy;

const ROWS = 'updates';
/** y-indexeddb reads the rows from here on: none. Then it looks for the last one itself. */
const BEHIND_ALL_ROWS = Number.MAX_SAFE_INTEGER;

/** What y-indexeddb has and does not declare. */
interface Inside {
  _db: Promise<IDBDatabase>;
  _dbref: number;
  _destroyed: boolean;
  _storeUpdate: (update: Uint8Array, origin: unknown) => void;
}

export const keepInIndexedDb: Keeper = (database, doc, { instead = false, failed = () => undefined } = {}) => {
  if (!instead) return persist(database, doc, failed);
  let isGone = false;
  doc.on('destroy', () => (isGone = true));
  // y-indexeddb begins with a row of all that the document has: what is changed until then is in it.
  const kept = overwrite(database, Y.encodeStateAsUpdate(doc)).then(() =>
    isGone ? null : persist(database, doc, failed),
  );
  return {
    loaded: Promise.resolve(true),
    written: async () => (await kept)?.written(),
    save: async () => (await kept)?.save(),
  };
};

function persist(database: string, doc: Y.Doc, failed: (why: unknown) => void) {
  const persistence = new IndexeddbPersistence(database, doc) as IndexeddbPersistence & Inside;
  persistence._dbref = BEHIND_ALL_ROWS;
  const opening = persistence._db;
  // Whoever writes: a disk that is full says so when all has been asked, and y-indexeddb does not listen any more.
  const aborted = (event: Event) => {
    const { error } = event.target as IDBTransaction;
    if (error !== null) failed(error);
  };
  opening.then((db) => db.addEventListener('abort', aborted), failed);
  const loaded = opening.then(async (db) => {
    const rows = await read<unknown[]>(db, (store) => store.getAll());
    return persistence._destroyed || fill(doc, rows, persistence);
  });
  return {
    loaded,
    written: async () => void (await read(await opening, (store) => store.count(0))),
    save: async () => await add(await opening, Y.encodeStateAsUpdate(doc)),
  };
}

/** Whether every row could be read, and nothing is missing between them. */
function fill(doc: Y.Doc, rows: readonly unknown[], persistence: Inside): boolean {
  let isWhole = true;
  const apply = (row: unknown): void => {
    try {
      Y.applyUpdate(doc, row as Uint8Array);
    } catch {
      isWhole = false;
    }
  };
  // As y-indexeddb does it: one change, by the disk and nobody here.
  unheard(doc, persistence, () => Y.transact(doc, () => rows.forEach(apply), persistence, false));
  return isWhole && !isIncomplete(doc);
}

/**
 * Yjs encodes every change for those who listen to updates. What comes from the disk is not written to it: nobody needs the encoding of a whole page. Should
 * somebody here answer what is read by a change of their own, all of the document is written.
 */
function unheard(doc: Y.Doc, persistence: Inside, reading: () => void): void {
  const keep = persistence._storeUpdate;
  let isAnswered = false;
  doc.once('afterAllTransactions', (_doc, transactions) => (isAnswered = transactions.length > 1));
  doc.off('update', keep);
  reading();
  doc.on('update', keep);
  if (isAnswered) keep(Y.encodeStateAsUpdate(doc), null);
}

/** Whether something in it waits for what came before it. */
export const isIncomplete = ({ store }: Y.Doc): boolean => store.pendingStructs !== null || store.pendingDs !== null;

/** The disk handles what concerns one table in the order in which it was asked: a reading that ends has let all writings before it pass. */
function read<T>(db: IDBDatabase, ask: (store: IDBObjectStore) => IDBRequest): Promise<T> {
  return new Promise((resolve, reject) => {
    const reading = db.transaction(ROWS, 'readonly');
    const asked = ask(reading.objectStore(ROWS)) as IDBRequest<T>;
    asked.onsuccess = () => resolve(asked.result);
    reading.onabort = () => reject(new Error('the disk cannot be read', { cause: reading.error }));
  });
}

function add(db: IDBDatabase, row: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const writing = db.transaction(ROWS, 'readwrite');
    writing.objectStore(ROWS).add(row);
    writing.oncomplete = () => resolve();
    writing.onabort = () => reject(new Error('the disk cannot be written', { cause: writing.error }));
  });
}

/** All or nothing: a crash leaves the old copy or the new one. A database that cannot take it is made anew. */
async function overwrite(database: string, state: Uint8Array): Promise<void> {
  try {
    const db = await open(database);
    try {
      await transact(db, ROWS, 'readwrite', (store) => [store.clear(), store.add(state)]);
    } finally {
      db.close();
    }
  } catch {
    await clearDocument(database).catch(() => undefined);
  }
}

/** With the tables that y-indexeddb makes, should there be no such database yet. */
const open = (database: string): Promise<IDBDatabase> =>
  openDatabase(database, undefined, (fresh) => {
    fresh.createObjectStore(ROWS, { autoIncrement: true });
    fresh.createObjectStore('custom');
  });
