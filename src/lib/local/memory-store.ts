/** The store's twin in memory: for tests, and for a browser that blocks IndexedDB. Both pass the same contract (store.test.ts). */
import type { Store } from './store.ts';
import { type TableName, TABLES, type Tables } from './tables.ts';

export class MemoryStore implements Store {
  readonly #tables = new Map<TableName, Map<string, unknown>>(TABLES.map((table) => [table, new Map()]));

  all<T extends TableName>(table: T): Promise<Map<string, Tables[T]>> {
    const rows = [...this.#of(table)].sort(([a], [b]) => (a < b ? -1 : 1));
    return Promise.resolve(new Map(rows.map(([key, value]) => [key, structuredClone(value) as Tables[T]])));
  }

  put<T extends TableName>(table: T, key: string, value: Tables[T]): Promise<void> {
    this.#of(table).set(key, structuredClone(value));
    return Promise.resolve();
  }

  has(table: TableName, key: string): Promise<boolean> {
    return Promise.resolve(this.#of(table).has(key));
  }

  remove(table: TableName, key: string): Promise<void> {
    this.#of(table).delete(key);
    return Promise.resolve();
  }

  replace<T extends TableName>(table: T, rows: ReadonlyMap<string, Tables[T]>): Promise<void> {
    this.#tables.set(table, new Map([...rows].map(([key, value]) => [key, structuredClone(value)])));
    return Promise.resolve();
  }

  close(): void {
    // Nothing is held.
  }

  #of(table: TableName): Map<string, unknown> {
    return this.#tables.get(table) ?? new Map<string, unknown>();
  }
}
