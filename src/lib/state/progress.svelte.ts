/**
 * How far uploads are, also those that another tab of this person's carries out. Told a few times a second: the line is quicker than anybody looks.
 */
/* eslint-disable svelte/prefer-svelte-reactivity -- plain maps on purpose: a Beat says when they changed */
import type { Sha256 } from '#shared/ids.ts';
import { Beat } from './beat.svelte.ts';

const TOLD_EVERY_MS = 200;
/** A tab that is silent for longer was closed, or has a line that stands still. */
const KNOWN_FOR_MS = 5_000;

type Told = readonly (readonly [Sha256, number])[];

export class Progress {
  readonly #sent = new Map<Sha256, number>();
  /** One tab at a time uploads: what was told last is all there is. */
  #elsewhere: ReadonlyMap<Sha256, number> = new Map();
  readonly #beat = new Beat();
  readonly #otherTabs: BroadcastChannel | null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #forgetting: ReturnType<typeof setTimeout> | undefined;

  /** `scope` names what the tabs of one person on one device share. */
  constructor(scope: string) {
    this.#otherTabs = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel(`${scope}:progress`);
    this.#otherTabs?.addEventListener('message', (event) => this.#hear((event as MessageEvent<Told>).data));
  }

  /** Bytes; null: it is not under way. */
  set(sha256: Sha256, sent: number | null): void {
    if (sent === null) this.#sent.delete(sha256);
    else this.#sent.set(sha256, sent);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#otherTabs?.postMessage([...this.#sent] satisfies Told);
      this.#beat.beat();
    }, TOLD_EVERY_MS);
  }

  of(sha256: Sha256): number | undefined {
    this.#beat.feel();
    return this.#sent.get(sha256) ?? this.#elsewhere.get(sha256);
  }

  stop(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#forgetting);
    this.#otherTabs?.close();
  }

  #hear(told: Told): void {
    clearTimeout(this.#forgetting);
    this.#elsewhere = new Map(told);
    this.#beat.beat();
    if (told.length > 0) this.#forgetting = setTimeout(() => this.#hear([]), KNOWN_FOR_MS);
  }
}
