/**
 * The shelf: the bytes of what was sent and received with messages, in a database of their own, under their SHA-256. What is `own` waits to be sent and
 * is never thrown away; what is `kept` can be had from the relay again, and the longest unused goes when there is too much of it.
 *
 * Where IndexedDB is blocked it is in memory, until the app is closed.
 */
import type { Sha256 } from '#shared/ids.ts';
import { openDatabase, transact, transactAll } from './database.ts';

export type ShelfMark = 'own' | 'kept';

interface Entry {
  /** Bytes. */
  size: number;
  as: ShelfMark;
  /** Milliseconds since 1970. */
  usedAt: number;
}

const BYTES = 'bytes';
const ENTRIES = 'entries';

/** Being used is written down no more often than this: it only has to tell last week's from last year's. */
const USED_EVERY_MS = 60 * 60_000;

export class BlobShelf {
  readonly #name: string;
  #opened: Promise<IDBDatabase | null> | undefined;
  readonly #memory = new Map<string, Blob>();

  constructor(scope: string) {
    this.#name = `${scope}:blobs`;
  }

  /** Rejects when the disk is full even without all that is only kept. The same again changes nothing, but what is own becomes kept only by `sent`. */
  async put(sha256: Sha256, bytes: Blob, as: ShelfMark): Promise<void> {
    const db = await this.#open();
    if (db === null) return void this.#memory.set(sha256, bytes);
    try {
      await this.#write(db, sha256, bytes, as);
    } catch (why) {
      const freed = await this.shrink(0, sha256);
      if (freed === 0) throw why;
      await this.#write(db, sha256, bytes, as);
    }
  }

  async get(sha256: Sha256): Promise<Blob | null> {
    const db = await this.#open();
    if (db === null) return this.#memory.get(sha256) ?? null;
    const [bytes, entry] = (await transactAll(db, [BYTES, ENTRIES], 'readonly', (transaction) => [
      transaction.objectStore(BYTES).get(sha256),
      transaction.objectStore(ENTRIES).get(sha256),
    ])) as [Blob | undefined, Entry | undefined];
    if (entry !== undefined && Date.now() - entry.usedAt > USED_EVERY_MS) void this.#mark(sha256, {});
    return bytes ?? null;
  }

  async has(sha256: Sha256): Promise<boolean> {
    const db = await this.#open();
    if (db === null) return this.#memory.has(sha256);
    const [count] = await transact(db, ENTRIES, 'readonly', (entries) => [entries.count(sha256)]);
    return count !== 0;
  }

  /** The relay has it: from now on it may be thrown away. */
  async sent(sha256: Sha256): Promise<void> {
    await this.#mark(sha256, { as: 'kept' });
  }

  /** What has not been sent. */
  async own(): Promise<Sha256[]> {
    return (await this.#entries()).flatMap(({ name, as }) => (as === 'own' ? [name] : []));
  }

  async remove(...names: readonly Sha256[]): Promise<void> {
    for (const name of names) this.#memory.delete(name);
    const db = await this.#open();
    if (db !== null && names.length > 0) await remove(db, names);
  }

  /** Bytes. */
  async use(): Promise<Record<ShelfMark, number>> {
    const use = { own: 0, kept: 0 };
    for (const { as, size } of await this.#entries()) use[as] += size;
    return use;
  }

  /** Throws away what was not used for longest until no more than so many bytes are kept, though not `but`. Answers how many bytes that freed. */
  async shrink(budget: number, but?: Sha256): Promise<number> {
    const db = await this.#open();
    if (db === null) return 0;
    const kept = (await this.#entries()).filter(({ as, name }) => as === 'kept' && name !== but);
    let over = kept.reduce((sum, { size }) => sum + size, 0) - budget;
    const gone: typeof kept = [];
    for (const one of kept.sort((a, b) => a.usedAt - b.usedAt)) {
      if (over <= 0) break;
      gone.push(one);
      over -= one.size;
    }
    if (gone.length > 0)
      await remove(
        db,
        gone.map(({ name }) => name),
      );
    return gone.reduce((sum, { size }) => sum + size, 0);
  }

  close(): void {
    void this.#opened?.then((db) => db?.close());
  }

  #open(): Promise<IDBDatabase | null> {
    const tables = (fresh: IDBDatabase): void => [BYTES, ENTRIES].forEach((table) => fresh.createObjectStore(table));
    return (this.#opened ??= openDatabase(this.#name, 1, tables).catch(() => null));
  }

  async #entries(): Promise<({ name: Sha256 } & Entry)[]> {
    const db = await this.#open();
    if (db === null) return [];
    const asked = await transact(db, ENTRIES, 'readonly', (entries) => [entries.getAllKeys(), entries.getAll()]);
    const [names, entries] = asked as [Sha256[], Entry[]];
    return entries.flatMap((entry, at) => (names[at] === undefined ? [] : [{ name: names[at], ...entry }]));
  }

  async #write(db: IDBDatabase, sha256: Sha256, bytes: Blob, as: ShelfMark): Promise<void> {
    await transactAll(db, [BYTES, ENTRIES], 'readwrite', (transaction) => {
      const entries = transaction.objectStore(ENTRIES);
      return [
        changed(entries, sha256, (before) => {
          if (before === undefined) transaction.objectStore(BYTES).put(bytes, sha256);
          return { size: bytes.size, as: before?.as === 'own' ? 'own' : as, usedAt: Date.now() };
        }),
      ];
    });
  }

  async #mark(sha256: Sha256, change: { as?: ShelfMark }): Promise<void> {
    const db = await this.#open();
    if (db === null) return;
    await transact(db, ENTRIES, 'readwrite', (entries) => [
      changed(entries, sha256, (before) => before && { ...before, ...change, usedAt: Date.now() }),
    ]);
  }
}

/** Within one transaction: nobody comes between reading and writing. Undefined is left as it is. */
function changed(
  entries: IDBObjectStore,
  name: string,
  change: (before: Entry | undefined) => Entry | undefined,
): IDBRequest {
  const reading = entries.get(name) as IDBRequest<Entry | undefined>;
  reading.onsuccess = () => {
    const after = change(reading.result);
    if (after !== undefined) entries.put(after, name);
  };
  return reading;
}

async function remove(db: IDBDatabase, names: readonly string[]): Promise<void> {
  await transactAll(db, [BYTES, ENTRIES], 'readwrite', (transaction) =>
    [BYTES, ENTRIES].flatMap((table) => names.map((name) => transaction.objectStore(table).delete(name))),
  );
}
