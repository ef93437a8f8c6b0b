/** IndexedDB, as promises. */

export function openDatabase(
  name: string,
  version: number | undefined,
  upgrade: (older: IDBDatabase) => void,
): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(name, version);
    opening.onupgradeneeded = () => upgrade(opening.result);
    opening.onsuccess = () => {
      const db = opening.result;
      // Another tab signs out and deletes the database: let go of it.
      db.onversionchange = () => db.close();
      resolve(db);
    };
    opening.onerror = () => reject(failure(opening.error));
  });
}

/** All of what is asked of a table, or nothing: resolves with the answers when the disk has it. */
export const transact = (
  db: IDBDatabase,
  table: string,
  mode: IDBTransactionMode,
  ask: (store: IDBObjectStore) => readonly IDBRequest[],
): Promise<unknown[]> => transactAll(db, [table], mode, (transaction) => ask(transaction.objectStore(table)));

/** The same of several tables. */
export function transactAll(
  db: IDBDatabase,
  tables: readonly string[],
  mode: IDBTransactionMode,
  ask: (transaction: IDBTransaction) => readonly IDBRequest[],
): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const transaction = db.transaction(tables, mode);
    const asked = ask(transaction);
    transaction.oncomplete = () => resolve(asked.map(({ result }) => result as unknown));
    transaction.onabort = () => reject(failure(transaction.error));
  });
}

/** Closed under way, it does not say why. */
const failure = (why: DOMException | null): DOMException => why ?? new DOMException('closed', 'AbortError');
