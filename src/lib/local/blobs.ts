/**
 * The shelf: the bytes of what was sent and received with messages, in a database of their own, under their SHA-256. What is `own` waits to be sent and
 * is never thrown away; what is `kept` can be had from the relay again, and the longest unused goes when there is too much of it.
 *
 * Where IndexedDB is blocked it is in memory, until the app is closed.
 */
import type { Sha256 } from '#shared/ids.ts';
import { type Database, openDatabase } from './database.ts';

export type ShelfMark = 'own' | 'kept';

interface Entry {
  /** Bytes. */
  size: number;
  as: ShelfMark;
  /** Milliseconds since 1970. */
  usedAt: number;
}

interface Schema {
  bytes: { key: string; value: Blob };
  entries: { key: string; value: Entry };
  // What idb asks of a schema.
  [table: string]: { key: string; value: Blob | Entry };
}

/** Being used is written down no more often than this: it only has to tell last week's from last year's. */
const USED_EVERY_MS = 60 * 60_000;

export class BlobShelf {
  readonly #name: string;
  #opened: Promise<Database<Schema> | null> | undefined;
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
    const transaction = db.transaction(['bytes', 'entries']);
    const [bytes, entry] = await Promise.all([
      transaction.objectStore('bytes').get(sha256),
      transaction.objectStore('entries').get(sha256),
    ]);
    if (entry !== undefined && Date.now() - entry.usedAt > USED_EVERY_MS) void this.#mark(sha256, {});
    return bytes ?? null;
  }

  async has(sha256: Sha256): Promise<boolean> {
    const db = await this.#open();
    return db === null ? this.#memory.has(sha256) : (await db.count('entries', sha256)) > 0;
  }

  /** The relay has it: from now on it may be thrown away. */
  async sent(sha256: Sha256): Promise<void> {
    await this.#mark(sha256, { as: 'kept' });
  }

  /** What has not been sent. */
  async own(): Promise<Sha256[]> {
    const db = await this.#open();
    if (db === null) return [];
    const transaction = db.transaction('entries');
    const [names, entries] = await Promise.all([transaction.store.getAllKeys(), transaction.store.getAll()]);
    return names.filter((_, at) => entries[at]?.as === 'own') as Sha256[];
  }

  async remove(...names: readonly Sha256[]): Promise<void> {
    for (const name of names) this.#memory.delete(name);
    const db = await this.#open();
    if (db !== null && names.length > 0) await remove(db, names);
  }

  /** Bytes. */
  async use(): Promise<Record<ShelfMark, number>> {
    const db = await this.#open();
    const use = { own: 0, kept: 0 };
    for (const { as, size } of db === null ? [] : await db.getAll('entries')) use[as] += size;
    return use;
  }

  /** Throws away what was not used for longest until no more than so many bytes are kept, though not `but`. Answers how many bytes that freed. */
  async shrink(budget: number, but?: Sha256): Promise<number> {
    const db = await this.#open();
    if (db === null) return 0;
    const transaction = db.transaction('entries');
    const [names, entries] = await Promise.all([transaction.store.getAllKeys(), transaction.store.getAll()]);
    const kept = entries.flatMap((entry, at) => {
      const name = names[at];
      return entry.as === 'kept' && name !== undefined && name !== but ? [{ name, ...entry }] : [];
    });
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

  #open(): Promise<Database<Schema> | null> {
    return (this.#opened ??= openDatabase<Schema>(this.#name, 1, ['bytes', 'entries']).catch(() => null));
  }

  async #write(db: Database<Schema>, sha256: Sha256, bytes: Blob, as: ShelfMark): Promise<void> {
    const transaction = db.transaction(['bytes', 'entries'], 'readwrite');
    const entries = transaction.objectStore('entries');
    const before = await entries.get(sha256);
    const entry: Entry = { size: bytes.size, as: before?.as === 'own' ? 'own' : as, usedAt: Date.now() };
    const requests = [entries.put(entry, sha256)];
    if (before === undefined) requests.push(transaction.objectStore('bytes').put(bytes, sha256));
    await Promise.all([...requests, transaction.done]);
  }

  async #mark(sha256: Sha256, change: { as?: ShelfMark }): Promise<void> {
    const db = await this.#open();
    if (db === null) return;
    const transaction = db.transaction('entries', 'readwrite');
    const entry = await transaction.store.get(sha256);
    if (entry !== undefined) await transaction.store.put({ ...entry, ...change, usedAt: Date.now() }, sha256);
    await transaction.done;
  }
}

async function remove(db: Database<Schema>, names: readonly string[]): Promise<void> {
  const transaction = db.transaction(['bytes', 'entries'], 'readwrite');
  const requests = names.flatMap((name) => [
    transaction.objectStore('bytes').delete(name),
    transaction.objectStore('entries').delete(name),
  ]);
  await Promise.all([...requests, transaction.done]);
}
