/** Opening a database of this device. The only importer of `idb`. */
import { type DBSchema, type IDBPDatabase, openDB } from 'idb';

export type Database<Schema extends DBSchema> = IDBPDatabase<Schema>;

/** With these tables; of one that an older version has made, what it has stays. `version`: one more whenever a table is added. */
export function openDatabase<Schema extends DBSchema>(
  name: string,
  version: number,
  tables: readonly (keyof Schema & string)[],
): Promise<Database<Schema>> {
  return openDB<Schema>(name, version, {
    upgrade(older) {
      const has = older.objectStoreNames as DOMStringList;
      for (const table of tables)
        if (!has.contains(table)) older.createObjectStore(table as Parameters<typeof older.createObjectStore>[0]);
    },
    // Another tab signs out and deletes the database: let go of it.
    blocking: (_now, _then, event) => (event.target as IDBDatabase).close(),
  });
}
