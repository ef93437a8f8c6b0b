/**
 * Blobs come in, are read, and are passed on. What came in is hashed on its way, kept in the store under its name and granted to where it was brought,
 * in this order: whatever is cut off in between is swept (sweep.ts), and nothing is promised that is not there.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { ConversationId, Sha256, UserId } from '#shared/ids.ts';
import { CutOff, type Incoming, type Refusal } from '../exchange.ts';
import {
  type BlobRow,
  type Grant,
  grantBlob,
  hasBrought,
  insertBlob,
  keptBytes,
  lockBlob,
  readableBlob,
  type Scope,
} from '../storage/blobs.ts';
import { membershipOf } from '../storage/members.ts';
import type { Sql } from '../storage/sql.ts';
import { typeOfFile } from './blob-type.ts';
import type { Reservation, Space } from './space.ts';
import { appendTo, discard, isDiskFull, type Staged, TooMuch } from './staging.ts';
import type { BlobStore, ByteRange } from './store.ts';

export interface BlobParts {
  sql: Sql;
  store: BlobStore;
  /** Where files lie on their way in. */
  uploads: string;
  space: Space;
  now(): number;
  /** So many bytes came in, or went out. */
  moved(way: 'in' | 'out', bytes: number): void;
}

export interface Brought extends BlobRow {
  sha256: Sha256;
  /** This person had not brought it there before. Whether somebody else had is not theirs to hear. */
  isNew: boolean;
}
type Refused = { ok: false } & Refusal;
type Outcome = { ok: true; brought: Brought } | Refused;

export class Blobs {
  readonly #parts: BlobParts;

  constructor(parts: BlobParts) {
    this.#parts = parts;
  }

  /** Why this person may not bring anything there; null when they may. */
  async mayBring(person: UserId, scope: Scope): Promise<Refusal | null> {
    if (scope === person) return null;
    const membership = await membershipOf(this.#parts.sql, person, scope as ConversationId);
    return membership === null ? { fault: 'not-a-member' } : null;
  }

  /** In one go. */
  async bring(person: UserId, scope: Scope, sha256: Sha256, incoming: Incoming): Promise<Outcome> {
    const refusal = await this.mayBring(person, scope);
    if (refusal !== null) return { ok: false, ...refusal };
    const size = incoming.length;
    if (size === null) return { ok: false, fault: 'invalid-input', detail: 'Say how long it is: Content-Length.' };
    const reserved = await this.#parts.space.reserve(person, size);
    if (!reserved.ok) return reserved;
    const path = join(this.#parts.uploads, `${crypto.randomUUID()}.part`);
    try {
      const hash = createHash('sha256');
      let came = 0;
      const written = (bytes: number): void => {
        came += bytes;
        reserved.reservation.arrived(bytes);
        this.#parts.moved('in', bytes);
      };
      await appendTo(path, incoming.chunks, { offset: 0, size, hash, written });
      if (came < size) throw new CutOff();
      return await this.take({ path, size, sha256: hash.digest('hex') }, person, scope, sha256);
    } catch (why) {
      if (isDiskFull(why)) return { ok: false, fault: 'no-room' };
      if (why instanceof TooMuch) return { ok: false, fault: 'invalid-input', detail: why.message };
      throw why;
    } finally {
      reserved.reservation.release();
      await discard(path);
    }
  }

  /** A file that has come in whole; it stays where it is. */
  async take(staged: Staged, person: UserId, scope: Scope, sha256: Sha256): Promise<Outcome> {
    if (staged.sha256 !== sha256) return { ok: false, fault: 'wrong-hash' };
    const { sql, store, now } = this.#parts;
    const { path, size } = staged;
    const type = await typeOfFile(path);
    const grant = { sha256, scope, person };
    const isNew = !(await hasBrought(sql, grant));
    // Before the lock: into S3 it may take minutes.
    if ((await store.size(sha256)) === null) await store.keep(sha256, path, size);
    // Once more, now that it has come: they may have been removed in the meantime.
    const refusal = await this.mayBring(person, scope);
    if (refusal !== null) return { ok: false, ...refusal };
    await sql.begin(async (tx) => {
      await lockBlob(tx, sha256);
      // Swept in between.
      if ((await store.size(sha256)) === null) await store.keep(sha256, path, size);
      await insertBlob(tx, sha256, { size, type }, now());
      await grantBlob(tx, grant, now());
    });
    return { ok: true, brought: { sha256, size, type, isNew } };
  }

  /** Null when this person may not read it, or there is none. */
  find(person: UserId, sha256: Sha256): Promise<BlobRow | null> {
    return readableBlob(this.#parts.sql, sha256, person);
  }

  /** The bytes, for somebody who may read them. */
  async *read(sha256: Sha256, range?: ByteRange): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.#parts.store.read(sha256, range)) {
      yield chunk;
      this.#parts.moved('out', chunk.byteLength);
    }
  }

  /** What they may read, to where they are. */
  async passOn(person: UserId, sha256: Sha256, conversation: ConversationId): Promise<Refusal | null> {
    const { sql, now } = this.#parts;
    const grant = { sha256, scope: conversation, person };
    const refusal = await this.mayBring(person, conversation);
    if (refusal !== null) return refusal;
    const found = await this.find(person, sha256);
    if (found === null) return { fault: 'not-found' };
    const reserved = await this.#roomFor(grant, found.size);
    if (!reserved.ok) return reserved;
    try {
      // Swept in between.
      return (await grantBlob(sql, grant, now())) ? null : { fault: 'not-found' };
    } finally {
      reserved.reservation?.release();
    }
  }

  /** What is passed on counts as theirs from here on; what is theirs already counts once. */
  async #roomFor(grant: Grant, size: number): Promise<{ ok: true; reservation: Reservation | null } | Refused> {
    const { sql, space } = this.#parts;
    if (await hasBrought(sql, grant)) return { ok: true, reservation: null };
    const { person, sha256 } = grant;
    const isTheirs = (await keptBytes(sql, person)) - (await keptBytes(sql, person, sha256)) > 0;
    return space.reserve(person, isTheirs ? 0 : size, 0);
  }

  usedBytes(person: UserId): Promise<number> {
    return keptBytes(this.#parts.sql, person);
  }
}
