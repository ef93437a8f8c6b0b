/** All that sending attachments takes, built when the first one is chosen, or is found waiting: most visits need none of it. */
import type { ConversationId } from '#shared/ids.ts';
import { BLOB_MAX_BYTES } from '#shared/limits.ts';
import { Media } from '../media/media.ts';
import { shownSize } from '../media/shown-size.ts';
import { blobMaxBytes } from '../remote/bring.ts';
import { type Send, send } from '../remote/send.ts';
import { Uploads, type UploadsParts } from '../sync/uploads.ts';
import type { Device } from './device.svelte.ts';
import { Packing } from './packing.ts';
import { Tray } from './tray.svelte.ts';

const LIMITS = 'blob-limits';

export class Sending {
  readonly packing: Packing;
  readonly #device: Device;
  readonly #media = new Media();
  readonly #uploads: Uploads;
  readonly #send: Send;

  constructor(
    device: Device,
    parts: Omit<UploadsParts, 'bytes' | 'send'> & { send?: Send },
    diskFailed: (why: unknown) => void,
  ) {
    const { kept, shelf, scope } = parts;
    this.#device = device;
    this.#send = parts.send ?? send;
    const { inHand } = device;
    const { prepare } = this.#media;
    this.packing = new Packing({ kept, scope, shelf, inHand, prepare, shownSize, diskFailed });
    this.#uploads = new Uploads({ ...parts, send: this.#send, bytes: (sha256) => this.packing.bytes(sha256) });
  }

  start(): void {
    this.packing.start();
    this.#uploads.start();
    void this.#askLimits();
  }

  stop(): void {
    this.#uploads.stop();
    this.packing.stop();
    this.#media.stop();
  }

  tray(id: ConversationId): Tray {
    return new Tray({ device: this.#device, packing: this.packing, maxBytes: () => this.#maxBytes }, id);
  }

  /** They rarely change: what was answered last holds without a network. */
  async #askLimits(): Promise<void> {
    const max = await blobMaxBytes(this.#send);
    if (max !== null) this.#device.kept.put('kv', LIMITS, max);
  }

  get #maxBytes(): number {
    const known = this.#device.kept.table('kv').get(LIMITS);
    return typeof known === 'number' ? known : BLOB_MAX_BYTES;
  }
}
