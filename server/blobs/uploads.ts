/**
 * Uploads that may be cut off and go on (rule B5): what has come is in a file, and beside it what it is to become. Both are on the disk before anything
 * is promised, so that a relay that was started anew goes on where the disk says. An upload belongs to who began it, and waits for a day.
 */
import { createHash, type Hash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { ConversationId, Sha256, UserId } from '#shared/ids.ts';
import { UPLOADS_MAX_COUNT } from '#shared/limits.ts';
import { CutOff, type Incoming, type Refusal } from '../exchange.ts';
import type { Scope } from '../storage/blobs.ts';
import type { Blobs } from './blobs.ts';
import type { Reservation, Space } from './space.ts';
import { appendTo, discard, hashOfFile, isDiskFull, TooMuch } from './staging.ts';

/** Nothing came for so long. */
const EXPIRES_MILLIS = 24 * 60 * 60_000;
/** Who did not hear that it has arrived asks again within this. */
const REMEMBERED_MILLIS = 60 * 60_000;

const Kept = v.object({
  person: UserId,
  scope: v.union([ConversationId, UserId]),
  sha256: Sha256,
  size: v.number(),
  arrived: v.boolean(),
});
type Kept = v.InferOutput<typeof Kept>;

interface Upload extends Kept {
  readonly id: string;
  offset: number;
  /** Of the bytes up to `offset`; null when they have to be read again first. */
  hash: Hash | null;
  reservation: Reservation | null;
  touchedAt: number;
  /** Somebody is bringing bytes: they stop when asked to, and then it resolves. */
  busy: { stop: AbortController; over: Promise<void> } | null;
}

export interface UploadState {
  id: string;
  size: number;
  offset: number;
  expiresAt: number;
}
type Refused = { ok: false } & Refusal;
export type UploadOutcome = { ok: true; upload: UploadState } | Refused;

export interface UploadParts {
  folder: string;
  blobs: Blobs;
  space: Space;
  now(): number;
  moved(way: 'in' | 'out', bytes: number): void;
}

export class Uploads {
  readonly #parts: UploadParts;
  readonly #uploads = new Map<string, Upload>();
  /** Whose are not among them yet. */
  readonly #beginning = new Set<{ person: UserId }>();
  #isStopping = false;

  private constructor(parts: UploadParts) {
    this.#parts = parts;
  }

  /** With those that the disk has from before. */
  static async open(parts: UploadParts): Promise<Uploads> {
    const uploads = new Uploads(parts);
    await uploads.#readDisk();
    return uploads;
  }

  async begin(person: UserId, scope: Scope, sha256: Sha256, size: number): Promise<UploadOutcome> {
    const refusal = await this.#parts.blobs.mayBring(person, scope);
    if (refusal !== null) return { ok: false, ...refusal };
    const begun = [...this.#uploads.values()].filter((each) => each.person === person && !each.arrived).length;
    const beginning = [...this.#beginning].filter((each) => each.person === person).length;
    if (begun + beginning >= UPLOADS_MAX_COUNT) return { ok: false, fault: 'too-many' };
    // At once: who begins many at the same moment is counted too.
    const one = { person };
    this.#beginning.add(one);
    try {
      return await this.#begin(person, scope, sha256, size);
    } finally {
      this.#beginning.delete(one);
    }
  }

  /** Whoever still brings bytes is stopped first: they have lost their line and do not know. What had come whole and could not be kept is kept now. */
  find(person: UserId, id: string): Promise<UploadOutcome> {
    return this.#alone(person, id, async (upload) =>
      isWhole(upload) && !this.#isStopping ? this.#arrive(upload) : { ok: true, upload: this.#state(upload) },
    );
  }

  /** Bytes from `offset` on. When they are the last, the blob is there afterwards. */
  append(person: UserId, id: string, offset: number, incoming: Incoming): Promise<UploadOutcome> {
    return this.#alone(person, id, async (upload, stop) => {
      if (this.#isStopping) return { ok: false, fault: 'not-ready' };
      if (upload.arrived && offset === upload.size) return { ok: true, upload: this.#state(upload) };
      if (offset !== upload.offset) return { ok: false, fault: 'conflict', detail: `It goes on at ${upload.offset}.` };
      if (incoming.length !== null && offset + incoming.length > upload.size) return { ok: false, fault: 'too-large' };
      const refusal = await this.#take(upload, incoming, stop);
      if (refusal !== null) return { ok: false, ...refusal };
      return isWhole(upload) ? this.#arrive(upload) : { ok: true, upload: this.#state(upload) };
    });
  }

  /** Null, or why not. */
  async remove(person: UserId, id: string): Promise<Refusal | null> {
    const outcome = await this.#alone(person, id, async (upload) => {
      await this.#forget(upload);
      return { ok: true, upload: this.#state(upload) };
    });
    return outcome.ok ? null : outcome;
  }

  /** Forgets those for which nobody has come back. */
  async expire(): Promise<void> {
    const now = this.#parts.now();
    for (const upload of this.#uploads.values())
      if (upload.busy === null && expiryOf(upload) <= now) await this.#forget(upload);
  }

  /** Whoever brings bytes is told to come back; what they brought is on the disk when it resolves. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all([...this.#uploads.values()].map((upload) => interrupted(upload)));
  }

  async #begin(person: UserId, scope: Scope, sha256: Sha256, size: number): Promise<UploadOutcome> {
    const reserved = await this.#parts.space.reserve(person, size);
    if (!reserved.ok) return reserved;
    const upload: Upload = {
      id: crypto.randomUUID(),
      person,
      scope,
      sha256,
      size,
      arrived: false,
      offset: 0,
      hash: createHash('sha256'),
      reservation: reserved.reservation,
      touchedAt: this.#parts.now(),
      busy: null,
    };
    try {
      await this.#write(upload);
      await (await open(this.#partOf(upload.id), 'w', 0o600)).close();
    } catch (why) {
      await this.#forget(upload);
      if (isDiskFull(why)) return { ok: false, fault: 'no-room' };
      throw why;
    }
    this.#uploads.set(upload.id, upload);
    return size === 0 ? this.#arrive(upload) : { ok: true, upload: this.#state(upload) };
  }

  /** Nobody else touches it meanwhile: two that append at once would write over each other, and one that removes it leave the other's file behind. */
  async #alone(
    person: UserId,
    id: string,
    then: (upload: Upload, stop: AbortSignal) => Promise<UploadOutcome>,
  ): Promise<UploadOutcome> {
    for (;;) {
      const upload = this.#uploads.get(id);
      if (upload?.person !== person) return { ok: false, fault: 'not-found' };
      if (upload.busy !== null) {
        // Many may have waited for the same end; one of them is the next.
        await interrupted(upload);
        continue;
      }
      let over: () => void = () => undefined;
      const busy = { stop: new AbortController(), over: new Promise<void>((resolve) => (over = resolve)) };
      upload.busy = busy;
      try {
        return await then(upload, busy.stop.signal);
      } finally {
        upload.busy = null;
        over();
      }
    }
  }

  async #take(upload: Upload, incoming: Incoming, stop: AbortSignal): Promise<Refusal | null> {
    const { size, offset } = upload;
    const path = this.#partOf(upload.id);
    const hash = upload.hash ?? (await hashOfFile(path));
    // In doubt until it is known what has come.
    upload.hash = null;
    const written = (bytes: number): void => {
      upload.offset += bytes;
      upload.touchedAt = this.#parts.now();
      upload.reservation?.arrived(bytes);
      this.#parts.moved('in', bytes);
    };
    try {
      await appendTo(path, until(incoming.chunks, stop), { offset, size, hash, written });
      upload.hash = hash;
      return stop.aborted ? { fault: 'not-ready' } : null;
    } catch (why) {
      if (why instanceof CutOff || why instanceof TooMuch) upload.hash = hash;
      else upload.offset = (await stat(path)).size;
      if (why instanceof TooMuch) return { fault: 'too-large' };
      if (isDiskFull(why)) return { fault: 'no-room' };
      throw why;
    }
  }

  async #arrive(upload: Upload): Promise<UploadOutcome> {
    const outcome = await this.#keep(upload);
    if (!outcome.ok) {
      // With room again it is kept as it is.
      if (outcome.fault !== 'no-room') await this.#forget(upload);
      return outcome;
    }
    upload.arrived = true;
    upload.reservation?.release();
    upload.reservation = null;
    try {
      await this.#write(upload);
    } catch (why) {
      // A relay that is started anew knows nothing of it then; the blob it has.
      if (!isDiskFull(why)) throw why;
    }
    await discard(this.#partOf(upload.id));
    await this.#forgetArrived(upload.person);
    return { ok: true, upload: this.#state(upload) };
  }

  async #keep(upload: Upload): Promise<{ ok: true } | Refused> {
    const { person, scope, sha256, size } = upload;
    const path = this.#partOf(upload.id);
    const hash = upload.hash ?? (await hashOfFile(path));
    // A hash can be asked once only.
    upload.hash = null;
    try {
      return await this.#parts.blobs.take({ path, size, sha256: hash.digest('hex') }, person, scope, sha256);
    } catch (why) {
      if (isDiskFull(why)) return { ok: false, fault: 'no-room' };
      throw why;
    }
  }

  /** Who brings thousands of small ones would have each of them remembered. */
  async #forgetArrived(person: UserId): Promise<void> {
    const arrived = [...this.#uploads.values()].filter((each) => each.person === person && each.arrived);
    arrived.sort((a, b) => b.touchedAt - a.touchedAt);
    for (const upload of arrived.slice(UPLOADS_MAX_COUNT)) if (upload.busy === null) await this.#forget(upload);
  }

  async #forget(upload: Upload): Promise<void> {
    this.#uploads.delete(upload.id);
    upload.reservation?.release();
    await discard(this.#partOf(upload.id));
    await discard(this.#noteOf(upload.id));
  }

  async #write({ id, person, scope, sha256, size, arrived }: Upload): Promise<void> {
    const kept: Kept = { person, scope, sha256, size, arrived };
    await mkdir(this.#parts.folder, { recursive: true, mode: 0o700 });
    const draft = `${this.#noteOf(id)}.draft`;
    try {
      const handle = await open(draft, 'w', 0o600);
      try {
        await handle.writeFile(JSON.stringify(kept));
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(draft, this.#noteOf(id));
    } catch (why) {
      await discard(draft);
      throw why;
    }
  }

  async #readDisk(): Promise<void> {
    const { folder, space } = this.#parts;
    const names = await readdir(folder).catch(() => []);
    for (const name of names) {
      const id = /^(.+)\.json$/.exec(name)?.[1];
      if (id === undefined) continue;
      const path = this.#partOf(id);
      const read = v.safeParse(Kept, await readJson(join(folder, name)));
      const part = await stat(path).catch(() => null);
      if (!read.success || (part === null && !read.output.arrived)) continue;
      const { person, size, arrived } = read.output;
      const offset = arrived ? size : Math.min(part?.size ?? 0, size);
      const reservation = arrived ? null : space.hold(person, size, size - offset);
      const touchedAt = part?.mtimeMs ?? (await stat(join(folder, name))).mtimeMs;
      this.#uploads.set(id, { ...read.output, id, offset, hash: null, reservation, touchedAt, busy: null });
    }
    // What belongs to none of them was being brought in one go, or written, when the relay ended.
    for (const name of names) if (!this.#uploads.has(name.replace(/\.\w+$/, ''))) await discard(join(folder, name));
  }

  readonly #partOf = (id: string): string => join(this.#parts.folder, `${id}.part`);
  readonly #noteOf = (id: string): string => join(this.#parts.folder, `${id}.json`);

  #state(upload: Upload): UploadState {
    const { id, size, offset } = upload;
    return { id, size, offset, expiresAt: expiryOf(upload) };
  }
}

/** It has come, and is yet to be kept. */
const isWhole = ({ offset, size, arrived }: Upload): boolean => offset === size && !arrived;

const expiryOf = ({ touchedAt, arrived }: Upload): number => touchedAt + (arrived ? REMEMBERED_MILLIS : EXPIRES_MILLIS);

async function interrupted(upload: Upload): Promise<void> {
  const { busy } = upload;
  if (busy === null) return;
  busy.stop.abort();
  await busy.over;
}

/**
 * What comes until it is stopped; then it ends as if there were no more. Not by racing with one promise for all of it: such a race keeps every piece
 * for as long as that promise lives.
 */
async function* until(chunks: AsyncIterable<Uint8Array>, stop: AbortSignal): AsyncGenerator<Uint8Array> {
  let ended: () => void = () => undefined;
  const stopped = (): void => ended();
  stop.addEventListener('abort', stopped);
  const each = chunks[Symbol.asyncIterator]();
  try {
    while (!stop.aborted) {
      const next = await new Promise<IteratorResult<Uint8Array> | null>((resolve, reject) => {
        ended = () => resolve(null);
        each.next().then(resolve, reject);
      });
      if (next === null || next.done === true) return;
      yield next.value;
    }
  } finally {
    stop.removeEventListener('abort', stopped);
    void each.return?.().catch(() => undefined);
  }
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return null;
  }
}
