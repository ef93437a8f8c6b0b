/**
 * Room for what is on its way (rule B7): what somebody has announced is theirs and taken from the disk's before its first byte comes, so that many
 * uploads at once cannot together take what each alone would have been refused.
 */
import { mkdir, statfs } from 'node:fs/promises';
import type { UserId } from '#shared/ids.ts';
import type { Refusal } from '../exchange.ts';

/** What stays free for the database, which stops when the disk is full. */
const LEFT_FREE_BYTES = 512 * 1024 * 1024;

/** Somebody whose uploads arrive all the time is not held up by that. */
const COUNTED_AT_MOST = 5;

export interface SpaceParts {
  /** What comes lies in each of them, which may be on disks of their own. */
  folders: readonly string[];
  blobMaxBytes: number;
  personMaxBytes: number;
  /** Bytes of what this person has brought. */
  kept(person: UserId): Promise<number>;
}

export interface Reservation {
  /** So much of it is on the disk. */
  arrived(bytes: number): void;
  release(): void;
}

interface Held {
  person: UserId;
  size: number;
  outstanding: number;
}

export class Space {
  readonly #parts: SpaceParts;
  readonly #held = new Set<Held>();

  constructor(parts: SpaceParts) {
    this.#parts = parts;
  }

  /** `coming` is what the disk has to take: nothing of what is here already. */
  async reserve(
    person: UserId,
    size: number,
    coming = size,
  ): Promise<{ ok: true; reservation: Reservation } | ({ ok: false } & Refusal)> {
    const { blobMaxBytes, personMaxBytes } = this.#parts;
    if (size > blobMaxBytes)
      return { ok: false, fault: 'too-large', detail: `A file may have at most ${inMegabytes(blobMaxBytes)}.` };
    const { kept, free } = await this.#counted(person);
    let announced = 0;
    let outstanding = 0;
    for (const held of this.#held) {
      if (held.person === person) announced += held.size;
      outstanding += held.outstanding;
    }
    if (kept + announced + size > personMaxBytes)
      return {
        ok: false,
        fault: 'share-used-up',
        detail: `Your files here may have ${inMegabytes(personMaxBytes)} together.`,
      };
    if (coming > 0 && coming + outstanding + LEFT_FREE_BYTES > free) return { ok: false, fault: 'no-room' };
    return { ok: true, reservation: this.hold(person, size, coming) };
  }

  /** Without asking: it has been promised before. */
  hold(person: UserId, size: number, outstanding: number): Reservation {
    const held = { person, size, outstanding };
    this.#held.add(held);
    return {
      arrived: (bytes) => (held.outstanding -= bytes),
      release: () => this.#held.delete(held),
    };
  }

  /** What arrives while it is counted may be in neither number: it is counted once more. */
  async #counted(person: UserId, tries = COUNTED_AT_MOST): Promise<{ kept: number; free: number }> {
    const before = [...this.#held].filter((held) => held.person === person);
    const [kept, free] = await Promise.all([this.#parts.kept(person), this.#free()]);
    const isSettled = before.every((held) => this.#held.has(held));
    return isSettled || tries === 1 ? { kept, free } : this.#counted(person, tries - 1);
  }

  async #free(): Promise<number> {
    return Math.min(...(await Promise.all(this.#parts.folders.map(freeBytes))));
  }
}

async function freeBytes(folder: string): Promise<number> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

const inMegabytes = (bytes: number): string => `${Math.floor(bytes / 1024 ** 2)} MB`;
