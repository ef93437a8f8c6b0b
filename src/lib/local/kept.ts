/**
 * What the device keeps, in memory and on disk at once. Reads are synchronous: the tables are read once, at the start. A write changes
 * the memory in the same tick and tells everyone here who listens; when the disk has it, the person's other tabs are told, so that all of
 * them show the same list and the same waiting messages even without a network, and never something that a crash could take back.
 * Tables are live maps: a reader who keeps one listens to `change`.
 */
import { ObservableV2 } from 'lib0/observable';
import { isKeptElsewhere, LastResort } from './last-resort.ts';
import type { Store } from './store.ts';
import { type TableName, TABLES, type Tables } from './tables.ts';

interface KeptEvents {
  change: (table: TableName) => void;
  /** The disk refused a write. The value stays in memory. */
  failed: (why: unknown) => void;
  /** This person was signed out in another tab: everything here is being deleted. */
  forgotten: () => void;
}

type Told =
  | { is: 'put'; table: TableName; key: string; value: unknown }
  | { is: 'remove'; table: TableName; key: string }
  | { is: 'forgotten' };

interface Place {
  table: TableName;
  key?: string;
}

const nameOf = ({ table, key = '' }: Place): string => `${table} ${key}`;

type AllTables = { [T in TableName]: Map<string, Tables[T]> };

/** Each tab learns these by itself. */
const NOT_TOLD: ReadonlySet<TableName> = new Set(['fetched', 'people', 'held', 'seen']);

export class Kept extends ObservableV2<KeptEvents> {
  /** Names this tab in what several of them write. */
  readonly tab: string = Math.random().toString(36).slice(2, 10);
  readonly #store: Store;
  readonly #tables: AllTables;
  readonly #otherTabs: BroadcastChannel | null;
  /** Being written, of what must not be lost with this tab: it may be killed before the disk has it. */
  readonly #underWay = new Map<string, { place: Place; writing: Promise<void> }>();
  /** What the disk refused; without a key, a table as a whole. */
  readonly #unsaved = new Map<string, Place>();
  /** Outlives this tab. */
  readonly #lastResort: LastResort;
  #stopped = false;

  /** `scope` names what the tabs of one person on one device share. */
  static async read(store: Store, scope: string): Promise<Kept> {
    const tables = await Promise.all(TABLES.map(async (table) => [table, await store.all(table)] as const));
    const kept = new Kept(store, Object.fromEntries(tables) as unknown as AllTables, scope);
    kept.#takeUp();
    return kept;
  }

  private constructor(store: Store, tables: AllTables, scope: string) {
    super();
    this.#store = store;
    this.#tables = tables;
    this.#lastResort = new LastResort(scope, this.tab);
    this.#otherTabs = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel(`${scope}:kept`);
    this.#otherTabs?.addEventListener('message', (event) => this.#hear((event as MessageEvent<Told>).data));
  }

  table<T extends TableName>(table: T): ReadonlyMap<string, Tables[T]> {
    return this.#tables[table];
  }

  put<T extends TableName>(table: T, key: string, value: Tables[T]): void {
    this.putAll(table, [[key, value]]);
  }

  /** Several rows of one table, told to the listeners once. */
  putAll<T extends TableName>(table: T, rows: readonly (readonly [string, Tables[T]])[]): void {
    if (rows.length === 0) return;
    for (const [key, value] of rows) {
      this.#tables[table].set(key, value);
      const place = { table, key };
      const writing = this.#store.put(table, key, value);
      if (isKeptElsewhere(table)) this.#underWay.set(nameOf(place), { place, writing });
      void this.#write(writing, place, { is: 'put', table, key, value });
    }
    // Safe in the frame in which it shows.
    if (isKeptElsewhere(table)) this.#keepElsewhere();
    this.emit('change', [table]);
  }

  /** Behind the last row of a table that is kept in order. The tab is in the key: two tabs that append at once do not overwrite. */
  append<T extends TableName>(table: T, value: Tables[T]): string {
    const last = Math.max(0, ...[...this.#tables[table].keys()].map((key) => parseInt(key, 10)));
    const key = `${String(last + 1).padStart(12, '0')}.${this.tab}`;
    this.put(table, key, value);
    return key;
  }

  /** Resolves when they are gone from the disk too. */
  async remove(table: TableName, ...keys: string[]): Promise<void> {
    const known = keys.filter((key) => this.#tables[table].delete(key));
    if (known.length === 0) return;
    this.emit('change', [table]);
    await Promise.all(
      known.map((key) => this.#write(this.#store.remove(table, key), { table, key }, { is: 'remove', table, key })),
    );
  }

  replace<T extends TableName>(table: T, rows: ReadonlyMap<string, Tables[T]>): void {
    const live = this.#tables[table] as Map<string, Tables[T]>;
    live.clear();
    for (const [key, value] of rows) live.set(key, value);
    void this.#write(this.#store.replace(table, rows), { table });
    this.emit('change', [table]);
  }

  /** Tries once more to write what the disk refused; answers whether it has all of it now. */
  async saveUnsaved(): Promise<boolean> {
    const places = [...this.#unsaved.values()];
    this.#unsaved.clear();
    for (const { table, key } of places)
      await this.#write(this.#writeAsItIs(table, key), { table, ...(key && { key }) });
    this.#keepElsewhere();
    return this.#unsaved.size === 0;
  }

  /** Whether the disk still has it: another tab may have removed it a moment ago. */
  async isOnDisk(table: TableName, key: string): Promise<boolean> {
    try {
      return await this.#store.has(table, key);
    } catch {
      return this.#tables[table].has(key);
    }
  }

  /** Tells the other tabs that this person's data is about to be deleted. */
  tellForgotten(): void {
    this.#tell({ is: 'forgotten' });
  }

  stop(): void {
    this.#stopped = true;
    this.#otherTabs?.close();
    this.#store.close();
    this.destroy();
  }

  /** What a tab left that was closed while the disk was full: as if it was written now. What the disk has is newer. */
  #takeUp(): void {
    const { rows, copies } = this.#lastResort.left();
    const missing = rows.filter(({ table, key }) => !this.#tables[table].has(key));
    // Here first: should the disk still be full, and this tab be closed as well.
    this.#lastResort.keep(missing);
    this.#lastResort.forget(copies);
    const writings = missing.map(({ table, key, value }) => {
      (this.#tables[table] as Map<string, unknown>).set(key, value);
      return this.#write(this.#store.put(table, key, value), { table, key }, { is: 'put', table, key, value });
    });
    void Promise.all(writings).then(() => this.#keepElsewhere());
  }

  #keepElsewhere(): void {
    if (this.#stopped) return;
    this.#lastResort.keep(
      [...this.#unsaved.values(), ...[...this.#underWay.values()].map(({ place }) => place)].flatMap(
        ({ table, key }) => {
          const value = key === undefined ? undefined : this.#tables[table].get(key);
          return key === undefined || value === undefined ? [] : [{ table, key, value } as never];
        },
      ),
    );
  }

  #writeAsItIs(table: TableName, key: string | undefined): Promise<void> {
    if (key === undefined) return this.#store.replace(table, this.#tables[table]);
    const value = this.#tables[table].get(key);
    return value === undefined ? this.#store.remove(table, key) : this.#store.put(table, key, value);
  }

  async #write(writing: Promise<void>, place: Place, told: Told | null = null): Promise<void> {
    const name = nameOf(place);
    try {
      await writing;
      // What it holds now is on the disk, whatever was refused before.
      const wasRefused = this.#unsaved.delete(name);
      if (this.#isOver(name, writing) || wasRefused) this.#keepElsewhere();
    } catch (why) {
      this.#isOver(name, writing);
      this.#unsaved.set(name, place);
      this.#keepElsewhere();
      this.emit('failed', [why]);
    }
    if (told !== null && (told.is === 'forgotten' || !NOT_TOLD.has(told.table))) this.#tell(told);
  }

  /** Whether that was the last write under way to this place: an earlier one says nothing about what is there now. */
  #isOver(name: string, writing: Promise<void>): boolean {
    return this.#underWay.get(name)?.writing === writing && this.#underWay.delete(name);
  }

  #tell(told: Told): void {
    if (!this.#stopped) this.#otherTabs?.postMessage(told);
  }

  #hear(told: Told): void {
    switch (told.is) {
      case 'put':
        (this.#tables[told.table] as Map<string, unknown>).set(told.key, told.value);
        return this.emit('change', [told.table]);
      case 'remove':
        this.#tables[told.table].delete(told.key);
        return this.emit('change', [told.table]);
      case 'forgotten':
        return this.emit('forgotten', []);
    }
  }
}
