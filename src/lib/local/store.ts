/**
 * The device's one small database per person, `ting-ting:<person>`, and a tiny one for who is signed in here.
 * `openStore` falls back to memory when IndexedDB is blocked (private windows): the app then works until it is closed, and says so.
 */
import * as v from 'valibot';
import type { UserId } from '#shared/ids.ts';
import { Me } from '#shared/protocol/api.ts';
import { type Database, openDatabase } from './database.ts';
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

type Schema = { [T in TableName]: { key: string; value: Tables[T] } };

/** One more whenever a table is added. */
const VERSION = 3;

export const storeName = (person: UserId): string => `ting-ting:${person}`;

export async function openStore(
  person: UserId,
  whenBlocked: (why: unknown) => void,
  name: string = storeName(person),
): Promise<Store> {
  try {
    const db = await openDatabase<Schema>(name, VERSION, TABLES);
    return new IndexedStore(db);
  } catch (why) {
    whenBlocked(why);
    return new MemoryStore();
  }
}

class IndexedStore implements Store {
  readonly #db: Database<Schema>;

  constructor(db: Database<Schema>) {
    this.#db = db;
  }

  async all<T extends TableName>(table: T): Promise<Map<string, Tables[T]>> {
    const transaction = this.#db.transaction(table);
    const [keys, values] = await Promise.all([transaction.store.getAllKeys(), transaction.store.getAll()]);
    return new Map(keys.map((key, at) => [key as string, values[at] as Tables[T]]));
  }

  async put<T extends TableName>(table: T, key: string, value: Tables[T]): Promise<void> {
    await this.#db.put(table, value as Schema[T]['value'], key as Schema[T]['key']);
  }

  async has(table: TableName, key: string): Promise<boolean> {
    return (await this.#db.count(table, key)) > 0;
  }

  async remove(table: TableName, key: string): Promise<void> {
    await this.#db.delete(table, key);
  }

  async replace<T extends TableName>(table: T, rows: ReadonlyMap<string, Tables[T]>): Promise<void> {
    const transaction = this.#db.transaction(table, 'readwrite');
    const requests: Promise<unknown>[] = [transaction.store.clear()];
    for (const [key, value] of rows) {
      requests.push(transaction.store.put(value as Schema[T]['value'], key as Schema[T]['key']));
    }
    await Promise.all([...requests, transaction.done]);
  }

  close(): void {
    this.#db.close();
  }
}

const DEVICE = 'ting-ting';
const openDevice = () => openDatabase<{ device: { key: string; value: unknown } }>(DEVICE, 1, ['device']);

/** Who is signed in on this device, so that the app can start as them without a network; null when nobody is, or nothing can be kept. */
export async function readSignedIn(): Promise<Me | null> {
  try {
    const db = await openDevice();
    const kept: unknown = await db.get('device', 'me');
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
    if (me === null) await db.delete('device', 'me');
    else await db.put('device', me, 'me');
    await db.put('device', logoutOwed, 'logout-owed');
    db.close();
    return true;
  } catch {
    return false;
  }
}

export async function isLogoutOwed(): Promise<boolean> {
  try {
    const db = await openDevice();
    const owed: unknown = await db.get('device', 'logout-owed');
    db.close();
    return owed === true;
  } catch {
    return false;
  }
}
