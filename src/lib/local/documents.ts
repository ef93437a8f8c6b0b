/**
 * The Yjs documents that are in memory, each kept on disk (disk-copy.ts) in a database of its own, `ting-ting:<person>:<document>`. Whoever needs
 * a document holds it; the last one to release it closes it, except that the few used last stay warm, so that going back and forth between
 * conversations is instant. Sync listens to `opened` and `closing` and needs no holders.
 */
import { ObservableV2 } from 'lib0/observable';
import * as Y from 'yjs';
import { type DiskCopy, keepInIndexedDb, type Keeper } from './disk-copy.ts';

export interface Held {
  readonly name: string;
  /** Another object after another copy took its place (`replaced`). */
  readonly doc: Y.Doc;
  /** Resolves when the device's own copy is in `doc`, also when there is none or it cannot be read. Never rejects. */
  readonly loaded: Promise<void>;
  readonly isLoaded: boolean;
  release(): void;
}

interface DocumentsEvents {
  opened: (open: OpenDocument) => void;
  closing: (open: OpenDocument) => void;
  /** Another copy is in its place. */
  replaced: (name: string) => void;
  /** What could be read of the copy on the disk is there. */
  loaded: (open: OpenDocument) => void;
  /** A change is in memory alone: the disk did not take it. */
  unsaved: (why: unknown) => void;
}

export class OpenDocument {
  readonly name: string;
  readonly doc: Y.Doc;
  /** Which copy it is: all tabs have the same, until one of them puts another in its place. */
  readonly copy: string;
  readonly loaded: Promise<void>;
  isLoaded = false;
  isClosed = false;
  /** Not all of the copy on the disk could be read. */
  isDamaged = false;
  /** The disk did not take a change. */
  isUnsaved = false;
  /** Resolves when the disk has every change up to now; rejects when it cannot be asked. */
  readonly written: () => Promise<void>;
  /** Puts all of it on the disk once more; rejects when that is not possible. */
  readonly save: () => Promise<void>;

  constructor(what: { name: string; doc: Y.Doc; copy: string }, { loaded, written, save }: DiskCopy) {
    this.name = what.name;
    this.doc = what.doc;
    this.copy = what.copy;
    this.written = written ?? (() => Promise.resolve());
    this.save = save ?? (() => Promise.resolve());
    const done = (isWhole: boolean) => {
      this.isLoaded = true;
      this.isDamaged = !isWhole;
    };
    const reading = Promise.race([loaded, after(LOAD_AT_MOST_MS)]);
    this.loaded = reading.then(
      (isWhole) => done(isWhole !== false),
      () => done(false),
    );
  }
}

interface Place {
  open: OpenDocument;
  holders: number;
  keepWarm: boolean;
}

/** A conversation is its root and one or two pages. */
const WARM_DOCUMENTS = 16;
/** A disk that does not answer must not keep the screen empty. */
const LOAD_AT_MOST_MS = 10_000;

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class Documents extends ObservableV2<DocumentsEvents> {
  readonly #scope: string;
  readonly #keeper: Keeper;
  readonly #copyOf: (name: string) => string;
  /** By name, the one used last at the end. */
  readonly #places = new Map<string, Place>();

  /** `copyOf`: which copy of a document this device has. */
  constructor(scope: string, keeper: Keeper = keepInIndexedDb, copyOf: (name: string) => string = () => '') {
    super();
    this.#scope = scope;
    this.#keeper = keeper;
    this.#copyOf = copyOf;
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

  /** The documents below one (a conversation's pages) of which this device has a copy; null where the browser does not tell. */
  async keptBelow(root: string): Promise<Set<string> | null> {
    const databases = await globalThis.indexedDB?.databases?.().catch(() => null);
    if (!databases) return null;
    const before = this.#database('');
    const names = databases.flatMap(({ name }) => (name?.startsWith(before) ? [name.slice(before.length)] : []));
    return new Set(names.filter((name) => name.startsWith(`${root}:`)));
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

  /** The document as it is in memory now. */
  get(name: string): OpenDocument | undefined {
    return this.#places.get(name)?.open;
  }

  /** Puts this document in the place of one that is held, in memory at once and on the disk in one go. Holders are told. */
  replace(name: string, doc: Y.Doc, copy: string): OpenDocument {
    const place = this.#places.get(name);
    if (place === undefined) throw new Error(`${name} is not held`);
    const open = this.#keep({ name, doc, copy }, true);
    open.isLoaded = true;
    this.#swap(place, open);
    return open;
  }

  /** Another tab has put another copy on the disk: takes that. Answers with the document that was here before; null when nothing was done. */
  async readAgain(name: string): Promise<Y.Doc | null> {
    const place = this.#places.get(name);
    if (place === undefined) return null;
    const before = place.open;
    const open = this.#read(name);
    await open.loaded;
    if (this.#places.get(name) !== place || place.open !== before) {
      open.doc.destroy();
      return null;
    }
    this.#swap(place, open);
    return before.doc;
  }

  /** Tries once more to write what the disk did not take; answers whether it has all of it now. */
  async saveUnsaved(): Promise<boolean> {
    for (const open of this.open.filter(({ isUnsaved }) => isUnsaved)) {
      open.isUnsaved = false;
      await open.save().catch(() => (open.isUnsaved = true));
    }
    this.#tidy();
    return this.open.every(({ isUnsaved }) => !isUnsaved);
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
    const open = this.#read(name);
    void open.loaded.then(() => !open.isClosed && this.emit('loaded', [open]));
    this.emit('opened', [open]);
    return open;
  }

  #read(name: string): OpenDocument {
    return this.#keep({ name, doc: new Y.Doc(), copy: this.#copyOf(name) });
  }

  #keep(what: { name: string; doc: Y.Doc; copy: string }, instead = false): OpenDocument {
    const failed = (why: unknown) => {
      open.isUnsaved = true;
      this.emit('unsaved', [why]);
    };
    const open = new OpenDocument(what, this.#keeper(this.#database(what.name), what.doc, { instead, failed }));
    return open;
  }

  #swap(place: Place, open: OpenDocument): void {
    this.#close(place.open);
    place.open = open;
    this.emit('opened', [open]);
    this.emit('replaced', [open.name]);
  }

  #tidy(): void {
    const idle = [...this.#places].filter(([, place]) => place.holders === 0);
    const warm = idle.filter(([, place]) => place.keepWarm);
    const tooMany = new Set(warm.slice(0, Math.max(0, warm.length - WARM_DOCUMENTS)).map(([name]) => name));
    for (const [name, place] of idle) {
      if ((place.keepWarm && !tooMany.has(name)) || place.open.isUnsaved) continue;
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
