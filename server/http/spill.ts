/**
 * What comes faster than it is taken, and is too much to wait in memory, waits in a file that has no name: whatever ends the relay, nothing is left of it.
 * First in, first out; what has been read makes room for what comes, so that the file is as large as the largest flood and not as all of them.
 */
import { closeSync, mkdirSync, openSync, read, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const readFrom = promisify(read);
const PIECE_BYTES = 256 * 1024;

export class Spill {
  readonly #file: number;
  readonly #piece = new Uint8Array(PIECE_BYTES);
  #readTo = 0;
  #writtenTo = 0;
  #reading: Promise<unknown> = Promise.resolve();

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, `${crypto.randomUUID()}.spill`);
    this.#file = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
  }

  get isEmpty(): boolean {
    return this.#readTo === this.#writtenTo;
  }

  /** At once: the bytes may be gone afterwards. Throws what the disk says. */
  add(bytes: Uint8Array): void {
    if (this.isEmpty) this.#readTo = this.#writtenTo = 0;
    for (let done = 0; done < bytes.byteLength;)
      done += writeSync(this.#file, bytes, done, bytes.byteLength - done, this.#writtenTo + done);
    this.#writtenTo += bytes.byteLength;
  }

  /** Good until the next is asked for; one after another. */
  async next(): Promise<Uint8Array> {
    const length = Math.min(PIECE_BYTES, this.#writtenTo - this.#readTo);
    const reading = readFrom(this.#file, this.#piece, 0, length, this.#readTo);
    this.#reading = reading.catch(() => undefined);
    const { bytesRead } = await reading;
    if (bytesRead === 0) throw new Error('the disk has lost what waited on it');
    this.#readTo += bytesRead;
    return this.#piece.subarray(0, bytesRead);
  }

  close(): void {
    // Not under somebody who reads: the number could be another file's by then.
    void this.#reading.then(() => closeSync(this.#file));
  }
}
