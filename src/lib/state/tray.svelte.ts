/** What was chosen for the message that is being written: kept like a draft, made ready while the person writes. */
/* eslint-disable svelte/prefer-svelte-reactivity -- a plain map on purpose: what is in it is reactive by itself */
import { kindOf } from '#shared/model/media-types.ts';
import { untrack } from 'svelte';
import type { ConversationId, MessageId, Sha256 } from '#shared/ids.ts';
import { ATTACHMENTS_MAX_COUNT } from '#shared/limits.ts';
import { nameForNow } from '../local/name-for-now.ts';
import { queuedRow } from '../local/queue.ts';
import type { Chosen, QueuedMessage, Upload } from '../local/tables.ts';
import { putTray, trayOf } from '../local/trays.ts';
import type { Composer } from './composer.svelte.ts';
import type { Device } from './device.svelte.ts';
import type { Packing } from './packing.ts';
import type { TrayItemView } from './views.ts';

/** A picture of more bytes is not decoded for the sake of a small preview. */
const SHOWN_AS_CHOSEN_MAX_BYTES = 32 * 1024 ** 2;

export class Tray {
  readonly #device: Device;
  readonly #packing: Packing;
  readonly #maxBytes: () => number;
  readonly #id: ConversationId;
  readonly #previews = new Map<string, Preview>();
  readonly #chosen = $derived.by(() => trayOf(this.#device.table('kv'), this.#id));
  /** How many of those chosen last were more than a message takes. */
  #leftOut = $state(0);
  readonly items = $derived.by<readonly TrayItemView[]>(() => this.#chosen.map((one) => this.#view(one)));

  constructor(parts: { device: Device; packing: Packing; maxBytes: () => number }, id: ConversationId) {
    this.#device = parts.device;
    this.#packing = parts.packing;
    this.#maxBytes = parts.maxBytes;
    this.#id = id;
  }

  get leftOut(): number {
    return this.#leftOut;
  }

  attach(files: readonly File[]): void {
    const here = untrack(() => this.#chosen);
    const taken = files.slice(0, Math.max(0, ATTACHMENTS_MAX_COUNT - here.length));
    const added = taken.map((file) => ({ file, chosen: this.#choose(file) }));
    this.#put([...here, ...added.map(({ chosen }) => chosen)]);
    this.#leftOut = files.length - taken.length;
    for (const { file, chosen } of added) {
      if (chosen.kind === 'image' && file.size <= SHOWN_AS_CHOSEN_MAX_BYTES) this.#preview(chosen.key).show(file);
      if (chosen.state === 'preparing') this.#packing.add(chosen, file);
    }
  }

  detach(key: string): void {
    this.#leftOut = 0;
    const here = untrack(() => this.#chosen);
    this.#put(here.filter((one) => one.key !== key));
    const gone = here.filter((one) => one.key === key);
    void this.#packing.forget(gone.flatMap(({ key: name, ready }) => [name, ...namesOf(ready)]));
  }

  /** What does not decode as a picture goes as a file. */
  setOriginal(key: string, original: boolean): void {
    const here = untrack(() => this.#chosen);
    const before = here.find((one) => one.key === key);
    if (before === undefined || before.isTakenBack === true) return;
    const isFile = isUnopened(before) && original;
    const isPicture = before.kind === 'image' && (before.state === 'preparing' || before.state === 'ready');
    if (!isFile && (!isPicture || before.original === original)) return;
    const { ready, ...rest } = before;
    const now: Chosen = { ...rest, ...(isFile && AS_FILE), original, state: 'preparing' };
    this.#put(here.map((one) => (one === before ? now : one)));
    void this.#packing.forget(namesOf(ready));
    this.#packing.again(before.key);
  }

  /** What goes with the next message; what cannot stays, and says why. */
  get sendable(): readonly Chosen[] {
    const here = untrack(() => this.#chosen);
    return here.filter(({ state }) => state === 'ready' || state === 'preparing').slice(0, ATTACHMENTS_MAX_COUNT);
  }

  /** These are in the queue. */
  sent(chosen: readonly Chosen[]): void {
    this.#leftOut = 0;
    this.#put(untrack(() => this.#chosen).filter((one) => !chosen.includes(one)));
    void this.#packing.forget(chosen.flatMap(({ key, ready }) => (ready === undefined ? [] : [key])));
  }

  /** A message of the queue becomes what it was: something that is being written, in front of what was written since. */
  takeBack(id: MessageId, composer: Composer): void {
    const row = queuedRow(this.#device.kept, id);
    if (row === null) return;
    const { text, replyTo } = row.message;
    if (composer.mode.is === 'edit') composer.cancelMode();
    composer.type([text, composer.text].filter((one) => one.trim() !== '').join('\n'));
    if (composer.mode.is === 'new' && replyTo !== undefined) composer.reply(replyTo);
    this.#put([...chosenAgain(row), ...untrack(() => this.#chosen)]);
    // Not before its bytes belong to something else.
    this.#device.waitsNoMore(id);
  }

  /** `asFile`: what could not be opened as a picture goes as it is. */
  retry(id: MessageId, asFile: boolean): void {
    const row = queuedRow(this.#device.kept, id);
    if (row === null) return;
    const uploads = row.uploads.map(({ failed: _failed, chosen, ...upload }): Upload => {
      if (chosen === undefined) return upload;
      const changed = asFile && isUnopened(chosen) ? { ...AS_FILE, original: true } : {};
      return { ...upload, chosen: { ...chosen, ...changed, state: 'preparing' } };
    });
    const attachments = row.message.attachments?.map((one) => {
      const chosen = uploads.find(({ sha256 }) => sha256 === one.sha256)?.chosen;
      return chosen === undefined ? one : { ...one, type: chosen.type };
    });
    this.#device.wait(id, { ...row, message: { ...row.message, ...(attachments && { attachments }) }, uploads });
    for (const { chosen } of uploads) if (chosen !== undefined) this.#packing.again(chosen.key);
  }

  close(): void {
    for (const preview of this.#previews.values()) preview.close();
    this.#previews.clear();
  }

  #choose(file: File): Chosen {
    const type = file.type || 'application/octet-stream';
    const isPicture = type.startsWith('image/') && !type.startsWith('image/svg');
    const state = file.size === 0 ? 'empty' : file.size > this.#maxBytes() ? 'too-large' : 'preparing';
    const kind = isPicture ? 'image' : kindOf({ type });
    return {
      key: nameForNow(),
      name: file.name,
      type,
      size: file.size,
      kind,
      original: false,
      tab: this.#device.kept.tab,
      state,
    };
  }

  #put(tray: readonly Chosen[]): void {
    const left = new Set<string>(tray.map(({ key }) => key));
    for (const [key, preview] of this.#previews) {
      if (left.has(key)) continue;
      preview.close();
      this.#previews.delete(key);
    }
    putTray(this.#device.kept, this.#id, tray);
  }

  #view({ key, kind, name, size, state, original, ready }: Chosen): TrayItemView {
    const preview = this.#preview(key);
    if (ready !== undefined) void this.#showReady(preview, ready.attachment);
    return {
      key,
      kind: ready === undefined ? kind : kindOf(ready.attachment),
      name: ready?.attachment.name ?? name,
      size: ready?.attachment.size ?? size,
      preview: state === 'unreadable' ? null : preview.url,
      state,
      original,
    };
  }

  /** After a reload, and of films: what was made of it. */
  async #showReady(
    preview: Preview,
    attachment: { sha256: Sha256; type: string; poster?: Sha256 | undefined },
  ): Promise<void> {
    const still = attachment.poster ?? (kindOf(attachment) === 'image' ? attachment.sha256 : null);
    if (still === null || !preview.begin()) return;
    const bytes = await this.#packing.bytes(still);
    if (bytes !== null) preview.show(bytes);
  }

  #preview(key: string): Preview {
    const preview = this.#previews.get(key) ?? new Preview();
    this.#previews.set(key, preview);
    return preview;
  }
}

/** A picture that did not decode, or would not fit into memory. */
const isUnopened = ({ state }: Chosen): boolean => state === 'unreadable' || state === 'huge';
const AS_FILE = { kind: 'file', type: 'application/octet-stream' } as const;

/** What was attached to a message, as it was in the tray. */
const chosenAgain = ({ message, uploads }: QueuedMessage): Chosen[] =>
  (message.attachments ?? []).map((attachment) => {
    const mine = uploads.filter(({ sha256 }) => sha256 === attachment.sha256 || sha256 === attachment.poster);
    const unprepared = mine.find(({ chosen }) => chosen !== undefined)?.chosen;
    if (unprepared !== undefined) return unprepared;
    const { name, type, size } = attachment;
    const ready = { attachment, uploads: mine.map((one) => ({ sha256: one.sha256, size: one.size })) };
    const kind = kindOf(attachment);
    return { key: nameForNow(), name, type, size, kind, original: false, state: 'ready', isTakenBack: true, ready };
  });

const namesOf = (ready: Chosen['ready']): Sha256[] => ready?.uploads.map(({ sha256 }) => sha256) ?? [];

class Preview {
  #url = $state<string | null>(null);
  #begun = false;
  #closed = false;

  get url(): string | null {
    return this.#url;
  }

  /** Once. */
  begin(): boolean {
    const is = !this.#begun;
    this.#begun = true;
    return is;
  }

  show(bytes: Blob): void {
    this.#begun = true;
    if (!this.#closed) this.#url = URL.createObjectURL(bytes);
  }

  close(): void {
    this.#closed = true;
    if (this.#url !== null) URL.revokeObjectURL(this.#url);
  }
}
