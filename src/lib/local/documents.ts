/**
 * The Yjs documents that are in memory, each kept on disk by y-indexeddb (its only importer) in a database of its own,
 * `ting-ting:<person>:<document>`. Whoever needs a document holds it; the last one to release it closes it, except that the few used last
 * stay warm, so that going back and forth between conversations is instant. Sync listens to `opened` and `closing` and needs no holders.
 */
import { ObservableV2 } from 'lib0/observable';
import { clearDocument, IndexeddbPersistence } from 'y-indexeddb';
import * as Y from 'yjs';

/**
 * Keeps a document: fills it from the disk, then writes each change. `written` resolves when the disk has every change up to now. Tests bring one
 * that keeps nothing.
 */
export type Keeper = (
  database: string,
  doc: Y.Doc,
) => { loaded: Promise<unknown>; origin: unknown; written?: () => Promise<void> };

export interface Held {
  readonly name: string;
  /** Another object after the local copy was thrown away (`replaced`). */
  readonly doc: Y.Doc;
  /** Resolves when the device's own copy is in `doc`, also when there is none or it cannot be read. Never rejects. */
  readonly loaded: Promise<void>;
  readonly isLoaded: boolean;
  release(): void;
}

interface DocumentsEvents {
  opened: (open: OpenDocument) => void;
  closing: (open: OpenDocument) => void;
  /** The local copy was thrown away and an empty document is in its place. */
  replaced: (name: string) => void;
}

export class OpenDocument {
  readonly name: string;
  readonly doc: Y.Doc;
  readonly loaded: Promise<void>;
  isLoaded = false;
  isClosed = false;
  /** Resolves when the disk has every change up to now; rejects when it cannot be asked. */
  readonly written: () => Promise<void>;

  constructor(name: string, doc: Y.Doc, { loaded, written = () => Promise.resolve() }: ReturnType<Keeper>) {
    this.name = name;
    this.doc = doc;
    this.written = written;
    const done = () => void (this.isLoaded = true);
    this.loaded = Promise.race([loaded, after(LOAD_AT_MOST_MS)]).then(done, done);
  }
}

interface Place {
  open: OpenDocument;
  holders: number;
  keepWarm: boolean;
}

/** A conversation is its root and one or two pages. */
const WARM_DOCUMENTS = 16;
/** A disk that does not answer (y-indexeddb tells nobody when a read fails) must not keep the screen empty. */
const LOAD_AT_MOST_MS = 10_000;

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export const keepInIndexedDb: Keeper = (database, doc) => {
  const persistence = new IndexeddbPersistence(database, doc);
  const opening = (persistence as unknown as { _db: Promise<IDBDatabase> })._db;
  const blocked = opening.then(() => new Promise<never>(() => {}));
  return {
    loaded: Promise.race([persistence.whenSynced, blocked]),
    origin: persistence,
    written: async () => afterWrites(await opening),
  };
};

/** The disk handles what concerns one table in the order in which it was asked: a reading that ends has let all writings before it pass. */
function afterWrites(db: IDBDatabase): Promise<void> {
  return new Promise((resolve, reject) => {
    const reading = db.transaction('updates', 'readonly');
    reading.oncomplete = () => resolve();
    reading.onabort = () => reject(new Error('the disk cannot be read', { cause: reading.error }));
    reading.objectStore('updates').count(0);
  });
}

export class Documents extends ObservableV2<DocumentsEvents> {
  readonly #scope: string;
  readonly #keeper: Keeper;
  /** By name, the one used last at the end. */
  readonly #places = new Map<string, Place>();

  constructor(scope: string, keeper: Keeper = keepInIndexedDb) {
    super();
    this.#scope = scope;
    this.#keeper = keeper;
  }

  /** `keepWarm`: somebody looks at it and may come back. */
  hold(name: string, { keepWarm = false } = {}): Held {
    const place = this.#places.get(name) ?? this.#openPlace(name);
    place.holders += 1;
    place.keepWarm ||= keepWarm;
    this.#places.delete(name);
    this.#places.set(name, place);
    let released = false;
    return {
      name,
      get doc() {
        return place.open.doc;
      },
      get loaded() {
        return place.open.loaded;
      },
      get isLoaded() {
        return place.open.isLoaded;
      },
      release: () => {
        if (released) return;
        released = true;
        place.holders -= 1;
        this.#tidy();
      },
    };
  }

  /** All that are in memory now. */
  get open(): OpenDocument[] {
    return [...this.#places.values()].map((place) => place.open);
  }

  /** Closes a document and all below it (a conversation's pages) that only stay warm. Answers false when somebody holds one of them. */
  letGo(root: string): boolean {
    const mine = [...this.#places].filter(([name]) => name === root || name.startsWith(`${root}:`));
    if (mine.some(([, place]) => place.holders > 0)) return false;
    for (const [name, place] of mine) {
      this.#places.delete(name);
      this.#close(place.open);
    }
    return true;
  }

  /** Throws the device's copy away, in memory and on disk. Holders get an empty document and are told. */
  async throwAway(name: string): Promise<void> {
    const place = this.#places.get(name);
    if (place) this.#close(place.open);
    await clearDocument(this.#database(name));
    if (!place) return;
    place.open = this.#create(name);
    this.emit('replaced', [name]);
  }

  stop(): void {
    for (const place of this.#places.values()) this.#close(place.open);
    this.#places.clear();
    this.destroy();
  }

  #openPlace(name: string): Place {
    const place: Place = { open: this.#create(name), holders: 0, keepWarm: false };
    this.#places.set(name, place);
    return place;
  }

  #create(name: string): OpenDocument {
    const doc = new Y.Doc();
    const kept = this.#keeper(this.#database(name), doc);
    const open = new OpenDocument(name, doc, kept);
    this.emit('opened', [open]);
    return open;
  }

  #tidy(): void {
    const idle = [...this.#places].filter(([, place]) => place.holders === 0);
    const warm = idle.filter(([, place]) => place.keepWarm);
    const tooMany = new Set(warm.slice(0, Math.max(0, warm.length - WARM_DOCUMENTS)).map(([name]) => name));
    for (const [name, place] of idle) {
      if (place.keepWarm && !tooMany.has(name)) continue;
      this.#places.delete(name);
      this.#close(place.open);
    }
  }

  #close(open: OpenDocument): void {
    open.isClosed = true;
    this.emit('closing', [open]);
    open.doc.destroy();
  }

  #database(name: string): string {
    return `${this.#scope}:${name}`;
  }
}
