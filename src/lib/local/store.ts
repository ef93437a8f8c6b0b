/**
 * The device's one small database per person, `ting-ting:<person>`, and a tiny one for who is signed in here.
 * `openStore` falls back to memory when IndexedDB is blocked (private windows): the app then works until it is closed, and says so.
 */
import * as v from 'valibot';
import type { UserId } from '#shared/ids.ts';
import { Me } from '#shared/protocol/api.ts';
import { openDatabase, transact } from './database.ts';
import { MemoryStore } from './memory-store.ts';
import { type TableName, TABLES, type Tables } from './tables.ts';

export interface Store {
  /** All rows of a table, sorted by key. */
  all<T extends TableName>(table: T): Promise<Map<string, Tables[T]>>;
  put<T extends TableName>(table: T, key: string, value: Tables[T]): Promise<void>;
  has(table: TableName, key: string): Promise<boolean>;
  remove(table: TableName, key: string): Promise<void>;
  /** Makes the table hold exactly these rows. */
  replace<T extends TableName>(table: T, rows: ReadonlyMap<string, Tables[T]>): Promise<void>;
  close(): void;
}

/** One more whenever a table is added. */
const VERSION = 3;

export const storeName = (person: UserId): string => `ting-ting:${person}`;

export async function openStore(
  person: UserId,
  whenBlocked: (why: unknown) => void,
  name: string = storeName(person),
): Promise<Store> {
  try {
    // Also of a database that an older version has made: what it has stays.
    const db = await openDatabase(name, VERSION, (older) => {
      for (const table of TABLES) if (!older.objectStoreNames.contains(table)) older.createObjectStore(table);
    });
    return new IndexedStore(db);
  } catch (why) {
    whenBlocked(why);
    return new MemoryStore();
  }
}

class IndexedStore implements Store {
  readonly #db: IDBDatabase;

  constructor(db: IDBDatabase) {
    this.#db = db;
  }

  async all<T extends TableName>(table: T): Promise<Map<string, Tables[T]>> {
    const asked = await transact(this.#db, table, 'readonly', (store) => [store.getAllKeys(), store.getAll()]);
    const [keys = [], values = []] = asked as unknown[][];
    return new Map(keys.map((key, at) => [key as string, values[at] as Tables[T]]));
  }

  async put<T extends TableName>(table: T, key: string, value: Tables[T]): Promise<void> {
    await transact(this.#db, table, 'readwrite', (store) => [store.put(value, key)]);
  }

  async has(table: TableName, key: string): Promise<boolean> {
    const [count] = await transact(this.#db, table, 'readonly', (store) => [store.count(key)]);
    return count !== 0;
  }

  async remove(table: TableName, key: string): Promise<void> {
    await transact(this.#db, table, 'readwrite', (store) => [store.delete(key)]);
  }

  async replace<T extends TableName>(table: T, rows: ReadonlyMap<string, Tables[T]>): Promise<void> {
    await transact(this.#db, table, 'readwrite', (store) => [
      store.clear(),
      ...[...rows].map(([key, value]) => store.put(value, key)),
    ]);
  }

  close(): void {
    this.#db.close();
  }
}

const DEVICE = 'ting-ting';
const DEVICE_TABLE = 'device';
const openDevice = () => openDatabase(DEVICE, 1, (fresh) => void fresh.createObjectStore(DEVICE_TABLE));

/** Who is signed in on this device, so that the app can start as them without a network; null when nobody is, or nothing can be kept. */
export async function readSignedIn(): Promise<Me | null> {
  try {
    const db = await openDevice();
    const [kept] = await transact(db, DEVICE_TABLE, 'readonly', (store) => [store.get('me')]);
    db.close();
    const me = v.safeParse(Me, kept);
    return me.success ? me.output : null;
  } catch {
    return null;
  }
}

/** Keeps who is signed in; answers false when this device cannot keep anything. `logoutOwed`: the relay has not heard of the sign-out yet. */
export async function writeSignedIn(me: Me | null, { logoutOwed = false } = {}): Promise<boolean> {
  try {
    const db = await openDevice();
    await transact(db, DEVICE_TABLE, 'readwrite', (store) => [
      me === null ? store.delete('me') : store.put(me, 'me'),
      store.put(logoutOwed, 'logout-owed'),
    ]);
    db.close();
    return true;
  } catch {
    return false;
  }
}

export async function isLogoutOwed(): Promise<boolean> {
  try {
    const db = await openDevice();
    const [owed] = await transact(db, DEVICE_TABLE, 'readonly', (store) => [store.get('logout-owed')]);
    db.close();
    return owed === true;
  } catch {
    return false;
  }
}
