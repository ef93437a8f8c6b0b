/**
 * What is being typed. The text on screen is the truth; a copy goes to localStorage with each change (a crash takes nothing), and into the
 * personal document after a moment of quiet, from where the person's other devices have it.
 */
import { untrack } from 'svelte';
import type { ConversationId, MessageId } from '#shared/ids.ts';
import { MESSAGE_MAX_CHARS } from '#shared/limits.ts';
import type { Draft } from '#shared/model/personal.ts';
import type { Device } from './device.svelte.ts';

const QUIET_BEFORE_KEEPING_MS = 400;

/** What is about to be done; a reply knows its message by the id alone. */
type Mode = { is: 'new' } | { is: 'reply'; to: MessageId } | { is: 'edit'; id: MessageId; original: string };

export class Composer {
  readonly #device: Device;
  readonly #id: ConversationId;
  readonly #copy: LocalCopy;
  #text = $state('');
  #mode = $state.raw<Mode>({ is: 'new' });
  /** What was being written before an edit began; comes back after it. */
  #aside = '';
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #stopHearing: () => void;

  constructor(device: Device, id: ConversationId) {
    this.#device = device;
    this.#id = id;
    this.#copy = new LocalCopy(`${device.scope}:draft:${id}`);
    const draft = untrack(() => newer(this.#copy.read(), device.draft(id)));
    this.#text = draft?.text ?? '';
    if (draft?.replyTo !== undefined) this.#mode = { is: 'reply', to: draft.replyTo };
    this.#stopHearing = device.onDraftElsewhere(id, (other) => this.#adopt(other));
    addEventListener('pagehide', this.keep);
  }

  get text(): string {
    return this.#text;
  }

  get mode(): Mode {
    return this.#mode;
  }

  get tooLong(): boolean {
    return this.#text.length > MESSAGE_MAX_CHARS;
  }

  type(text: string): void {
    this.#text = text;
    this.#changed();
  }

  reply(to: MessageId): void {
    if (this.#mode.is === 'edit') this.#text = this.#aside;
    this.#mode = { is: 'reply', to };
    this.#changed();
  }

  edit(id: MessageId, original: string): void {
    if (this.#mode.is !== 'edit') this.#aside = this.#text;
    this.#mode = { is: 'edit', id, original };
    this.#text = original;
  }

  cancelMode(): void {
    if (this.#mode.is === 'edit') this.#text = this.#aside;
    this.#mode = { is: 'new' };
    this.#changed();
  }

  /** After sending, or saving an edit. */
  clear(): void {
    this.#text = this.#mode.is === 'edit' ? this.#aside : '';
    this.#aside = '';
    this.#mode = { is: 'new' };
    this.#changed();
    this.keep();
  }

  /** Puts the draft where the other devices see it. One that is too long to be sent is too long to be synced: it stays on this device. */
  readonly keep = (): void => {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.tooLong) return;
    untrack(() => {
      this.#device.writeDraft(this.#id, this.#draft());
      this.#copy.clear();
    });
  };

  close(): void {
    if (this.#timer !== undefined) this.keep();
    this.#stopHearing();
    removeEventListener('pagehide', this.keep);
  }

  /** What another device has typed meanwhile, when nothing was typed here since. */
  #adopt(draft: Draft | undefined): void {
    if (this.#timer !== undefined || this.#mode.is === 'edit') return;
    this.#text = draft?.text ?? '';
  }

  #changed(): void {
    const draft = this.#draft();
    if (draft === null) this.#copy.clear();
    else this.#copy.write(draft);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.keep, QUIET_BEFORE_KEEPING_MS);
  }

  /** An edit in progress is not a draft: what it put aside is. */
  #draft(): Draft | null {
    const text = this.#mode.is === 'edit' ? this.#aside : this.#text;
    if (text.trim() === '') return null;
    const replyTo = this.#mode.is === 'reply' ? { replyTo: this.#mode.to } : {};
    return { text, ...replyTo, at: Date.now() };
  }
}

const newer = (a: Draft | undefined, b: Draft | undefined): Draft | undefined =>
  a !== undefined && b !== undefined ? (a.at > b.at ? a : b) : (a ?? b);

/** A draft in localStorage; nothing at all where there is none. */
class LocalCopy {
  readonly #key: string;

  constructor(key: string) {
    this.#key = key;
  }

  read(): Draft | undefined {
    try {
      const kept = localStorage.getItem(this.#key);
      return kept === null ? undefined : (JSON.parse(kept) as Draft);
    } catch {
      return undefined;
    }
  }

  write(draft: Draft): void {
    try {
      localStorage.setItem(this.#key, JSON.stringify(draft));
    } catch {
      // Full or blocked: the document has it in a moment.
    }
  }

  clear(): void {
    try {
      localStorage.removeItem(this.#key);
    } catch {
      // Blocked: there was nothing.
    }
  }
}
