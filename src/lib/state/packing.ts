/**
 * Makes ready what was chosen for messages, one after another in the order chosen, wherever it waits meanwhile: in a tray, or in the queue when it was
 * sent before it was ready. What was chosen is put on the shelf first, so that a reload takes up where this was.
 */
import type { Fault } from '#shared/faults.ts';
import type { ConversationId, MessageId, Sha256 } from '#shared/ids.ts';
import type { Attachment } from '#shared/model/message.ts';
import type { BlobShelf } from '../local/blobs.ts';
import type { Kept } from '../local/kept.ts';
import { isPresent, showPresence } from '../local/one-tab.ts';
import { queued } from '../local/queue.ts';
import type { Chosen } from '../local/tables.ts';
import { named, putTray, trays } from '../local/trays.ts';
import type { Prepare } from '../media/media.ts';
import type { Ready } from '../media/prepared.ts';

/** What is larger is put on the shelf before it has its name only where there is room for it twice. */
const TWICE_UNASKED_MAX_BYTES = 64 * 1024 ** 2;
/** Of what the browser gives this app so much stays free. */
const LEFT_FREE_BYTES = 16 * 1024 ** 2;

export interface PackingParts {
  kept: Kept;
  scope: string;
  shelf: BlobShelf;
  /** What is not on the shelf, or not yet. */
  inHand: Map<Sha256, Blob>;
  prepare: Prepare;
  shownSize: (picture: Blob) => Promise<{ width: number; height: number } | null>;
  diskFailed: (why: unknown) => void;
}

/** Where something chosen waits. */
type Place = { chosen: Chosen } & ({ in: 'tray'; conversation: ConversationId } | { in: 'queue'; message: MessageId });

const WHY: Record<Exclude<Chosen['state'], 'preparing' | 'ready'>, Fault> = {
  empty: 'invalid-input',
  'too-large': 'too-large',
  unreadable: 'invalid-input',
  huge: 'invalid-input',
  lost: 'not-found',
  'no-room': 'no-room',
};

export class Packing {
  readonly #parts: PackingParts;
  readonly #inHand: Map<Sha256, Blob>;
  readonly #shelving = new Map<Sha256, Promise<void>>();
  #line: Promise<void> = Promise.resolve();
  #leave: () => void = () => undefined;
  #stopped = false;

  constructor(parts: PackingParts) {
    this.#parts = parts;
    this.#inHand = parts.inHand;
  }

  /** Takes up what a tab before this one did not get done, and clears the shelf of what belongs to nothing any more. */
  start(): void {
    const { kept } = this.#parts;
    this.#leave = showPresence(this.#tabName(kept.tab));
    const all = [
      ...trays(kept).flatMap(([, tray]) => tray),
      ...queued(kept).flatMap(({ uploads }) => uploads.flatMap(({ chosen }) => chosen ?? [])),
    ];
    for (const chosen of all) {
      const bytes = this.#inHand.get(chosen.key);
      if (chosen.state !== 'preparing') continue;
      if (bytes === undefined) this.again(chosen.key);
      else this.add(chosen, bytes);
    }
    void this.#tidy();
  }

  stop(): void {
    this.#stopped = true;
    this.#leave();
  }

  /** It is in a tray or in the queue already. The same again changes nothing. */
  add({ key, kind }: Chosen, bytes: Blob): void {
    if (this.#shelving.has(key)) return;
    this.#inHand.set(key, bytes);
    if (kind === 'image') void this.#measure(key, bytes);
    this.#shelving.set(key, this.#shelve(key, bytes));
    this.again(key);
  }

  /** Prepares it (once more). */
  again(key: Sha256): void {
    this.#line = this.#line
      .then(() => this.#pack(key))
      .catch((why: unknown) => console.warn('what was chosen could not be made ready:', why));
  }

  async bytes(sha256: Sha256): Promise<Blob | null> {
    return this.#inHand.get(sha256) ?? (await this.#parts.shelf.get(sha256).catch(() => null));
  }

  /** Throws away bytes that nothing waits for any more. */
  async forget(names: readonly Sha256[]): Promise<void> {
    const stillNamed = named(this.#parts.kept);
    const gone = names.filter((name) => !stillNamed.has(name));
    for (const name of gone) this.#inHand.delete(name);
    await Promise.all(gone.map((name) => this.#shelving.get(name)));
    await this.#parts.shelf.remove(...gone).catch(() => undefined);
  }

  /** A crash may have fallen between the shelf and what names it: what nothing names may be thrown away. */
  async #tidy(): Promise<void> {
    const { kept, shelf } = this.#parts;
    try {
      const own = await shelf.own();
      const stillNamed = named(kept);
      for (const name of own) if (!stillNamed.has(name)) await shelf.sent(name);
    } catch {
      // Next time.
    }
  }

  /** So that nothing moves when it is ready. */
  async #measure(key: Sha256, bytes: Blob): Promise<void> {
    const size = await this.#parts.shownSize(bytes);
    const place = this.#find(key);
    if (size === null || place?.chosen.state !== 'preparing' || this.#stopped) return;
    this.#put(place, { ...place.chosen, ...size });
  }

  async #pack(key: Sha256): Promise<void> {
    const chosen = this.#find(key)?.chosen;
    if (this.#stopped || chosen?.state !== 'preparing') return;
    const bytes = await this.bytes(key);
    if (bytes === null && (await this.#isElsewhere(chosen))) return;
    // It went with the tab in which it was chosen.
    if (bytes === null) return this.#became(key, 'lost');
    if (this.#find(key)?.in === 'tray' && !(await hasRoom(bytes.size))) return this.#became(key, 'no-room');
    const { kind, original, type } = chosen;
    const prepared = await this.#parts.prepare(
      bytes,
      kind === 'voice' ? { is: 'file', original: true } : { is: kind, original },
      type,
    );
    const now = this.#find(key)?.chosen;
    // Taken away, or wanted otherwise meanwhile.
    if (this.#stopped || now?.state !== 'preparing' || now.original !== original) return;
    if (prepared.is !== 'ready') return this.#became(key, prepared.is);
    if ((await this.#keep(prepared)) || this.#keepInHand(key, prepared)) await this.#isReady(key, prepared);
    else this.#became(key, 'no-room');
  }

  /** What was sent goes from memory, for as long as this tab is open; what is only chosen can be chosen again. */
  #keepInHand(key: Sha256, { bytes, sha256, poster }: Ready): boolean {
    if (this.#find(key)?.in !== 'queue') return false;
    this.#inHand.set(sha256, bytes);
    if (poster !== undefined) this.#inHand.set(poster.sha256, poster.bytes);
    return true;
  }

  /** Whether all of it is on the shelf. */
  async #keep({ bytes, sha256, poster }: Ready): Promise<boolean> {
    const { shelf, diskFailed } = this.#parts;
    try {
      await shelf.put(sha256, bytes, 'own');
      if (poster !== undefined) await shelf.put(poster.sha256, poster.bytes, 'own');
      return true;
    } catch (why) {
      diskFailed(why);
      await this.forget([sha256, ...(poster === undefined ? [] : [poster.sha256])]);
      return false;
    }
  }

  async #isReady(key: Sha256, prepared: Ready): Promise<void> {
    const place = this.#find(key);
    const names = [prepared.sha256, ...(prepared.poster === undefined ? [] : [prepared.poster.sha256])];
    if (place === null) return await this.forget([key, ...names]);
    const { chosen } = place;
    const attachment = attachmentOf(chosen, prepared);
    const { bytes, sha256, poster } = prepared;
    const uploads = [
      { sha256, size: bytes.size },
      ...(poster === undefined ? [] : [{ sha256: poster.sha256, size: poster.bytes.size }]),
    ];
    this.#put(place, { ...chosen, state: 'ready', ready: { attachment, uploads } });
    // A picture in a tray may still be wanted as it was.
    if (place.in === 'queue') await this.forget([key]);
    else if (chosen.kind !== 'image') await this.#letGo(key);
  }

  #became(key: Sha256, state: Exclude<Chosen['state'], 'preparing' | 'ready'>): void {
    const place = this.#find(key);
    if (place !== null) this.#put(place, { ...place.chosen, state });
  }

  /** Another tab has the bytes in hand, and goes on with it. */
  async #isElsewhere({ tab }: Chosen): Promise<boolean> {
    return tab !== undefined && tab !== this.#parts.kept.tab && (await isPresent(this.#tabName(tab)));
  }

  #tabName(tab: string): string {
    return `${this.#parts.scope}:packing:${tab}`;
  }

  #put(place: Place, chosen: Chosen): void {
    const { kept } = this.#parts;
    const { key, ready, state } = chosen;
    if (place.in === 'tray') {
      const tray = trays(kept).find(([id]) => id === place.conversation)?.[1] ?? [];
      return putTray(
        kept,
        place.conversation,
        tray.map((one) => (one.key === key ? chosen : one)),
      );
    }
    const row = kept.table('waiting').get(place.message);
    if (row?.uploads === undefined) return;
    if (ready === undefined) {
      const failed = state === 'preparing' || state === 'ready' ? undefined : WHY[state];
      const uploads = row.uploads.map((one) =>
        one.sha256 === key ? { ...one, chosen, ...(failed && { failed }) } : one,
      );
      const { width, height } = chosen;
      const isSized = width !== undefined && height !== undefined;
      const attachments = row.message.attachments?.map((one) =>
        one.sha256 === key && isSized ? { ...one, width, height } : one,
      );
      return kept.put('waiting', place.message, {
        ...row,
        message: { ...row.message, ...(attachments && { attachments }) },
        uploads,
      });
    }
    const attachments = row.message.attachments?.map((one) => (one.sha256 === key ? ready.attachment : one)) ?? [];
    kept.put('waiting', place.message, {
      ...row,
      message: { ...row.message, attachments },
      uploads: row.uploads.flatMap((one) => (one.sha256 === key ? ready.uploads : [one])),
    });
  }

  #find(key: Sha256): Place | null {
    const { kept } = this.#parts;
    for (const [conversation, tray] of trays(kept)) {
      const chosen = tray.find((one) => one.key === key);
      if (chosen !== undefined) return { in: 'tray', conversation, chosen };
    }
    for (const { id, uploads } of queued(kept)) {
      const chosen = uploads.find((one) => one.chosen?.key === key)?.chosen;
      if (chosen !== undefined) return { in: 'queue', message: id, chosen };
    }
    return null;
  }

  async #shelve(key: Sha256, bytes: Blob): Promise<void> {
    if (bytes.size > TWICE_UNASKED_MAX_BYTES && !(await hasRoom(2 * bytes.size))) return;
    try {
      await this.#parts.shelf.put(key, bytes, 'own');
    } catch (why) {
      // It stays in hand; whether what is to be sent of it has room is seen when it is ready.
      this.#parts.diskFailed(why);
    }
  }

  /** The name for the time being is not needed any more. */
  async #letGo(key: Sha256): Promise<void> {
    this.#inHand.delete(key);
    await this.#shelving.get(key);
    await this.#parts.shelf.remove(key).catch(() => undefined);
  }
}

function attachmentOf({ name, seconds, waveform }: Chosen, prepared: Ready): Attachment {
  const { sha256, bytes, type, width, height, thumb, poster } = prepared;
  const length = seconds ?? prepared.seconds;
  return {
    sha256,
    name: fittingName(name, type),
    type: type.slice(0, 127),
    size: bytes.size,
    ...(width !== undefined && height !== undefined && { width, height }),
    ...(thumb !== undefined && { thumb }),
    ...(poster !== undefined && { poster: poster.sha256 }),
    ...(length !== undefined && { seconds: length }),
    ...(waveform !== undefined && { waveform }),
  };
}

const ENDINGS: Record<string, readonly string[]> = {
  'image/webp': ['webp'],
  'image/jpeg': ['jpg', 'jpeg'],
  'image/png': ['png'],
};

/** A picture that was drawn anew is of another kind than its name says. */
export function fittingName(name: string, type: string): string {
  const dot = name.lastIndexOf('.');
  const [stem, ending] = dot > 0 ? [name.slice(0, dot), name.slice(dot + 1).toLowerCase()] : [name, ''];
  const endings = ENDINGS[type];
  const right = endings === undefined || endings.includes(ending) ? name : `${stem}.${endings[0] ?? ''}`;
  return right.length <= NAME_MAX_CHARS ? right || 'file' : right.slice(-NAME_MAX_CHARS);
}

const NAME_MAX_CHARS = 255;

/** Whether the browser would take so many bytes more; true where it does not tell. */
async function hasRoom(bytes: number): Promise<boolean> {
  try {
    const { quota, usage } = await navigator.storage.estimate();
    return quota === undefined || usage === undefined || quota - usage > bytes + LEFT_FREE_BYTES;
  } catch {
    return true;
  }
}
