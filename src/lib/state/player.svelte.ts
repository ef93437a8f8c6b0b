/**
 * Plays voice notes: one at a time, on through scrolling and from one conversation to another. When one ends and the message right after it is
 * another that was not heard here yet, that one follows.
 */
import { untrack } from 'svelte';
import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import type { Sha256 } from '#shared/ids.ts';
import type { BlobsView, HeardView, HeldBlob, PlayerView, Track } from './views.ts';

const SPEEDS: readonly number[] = [1, 1.5, 2];
const SPEED_KEY = 'voice-speed';
/** Further than any recording: a browser that is sent there finds out where the end is. */
const BEYOND_THE_END = 1e7;

export class Player implements PlayerView {
  readonly #blobs: BlobsView;
  readonly #heard: HeardView;
  readonly #audio = new Audio();
  #track = $state.raw<Track | null>(null);
  /** What the person wants; the bytes may still be on their way. */
  #playing = $state(false);
  #at = $state(0);
  #length = $state(0);
  #speed = $state(keptSpeed());
  readonly #left = new SvelteMap<Sha256, number>();
  readonly #unplayable = new SvelteSet<Sha256>();
  readonly #drawn = new SvelteMap<HTMLElement, { track: Track; seen: boolean }>();
  #letGo: () => void = () => undefined;

  constructor(blobs: BlobsView, heard: HeardView) {
    this.#blobs = blobs;
    this.#heard = heard;
    const audio = this.#audio;
    audio.preservesPitch = true;
    audio.addEventListener('ended', () => this.#ended());
    audio.addEventListener('error', () => this.#broke());
    audio.addEventListener('timeupdate', () => this.#moved());
    // Something else took the sound over: a call, a headset's button.
    audio.addEventListener('pause', () => {
      if (!audio.ended && this.#hasBytes) this.#playing = false;
    });
    audio.addEventListener('play', () => {
      this.#playing = true;
      this.#follow();
    });
  }

  get track(): Track | null {
    return this.#track;
  }

  get playing(): boolean {
    return this.#playing;
  }

  get at(): number {
    return this.#at;
  }

  get length(): number {
    return this.#track?.seconds ?? this.#length;
  }

  get speed(): number {
    return this.#speed;
  }

  get isOnScreen(): boolean {
    return [...this.#drawn.values()].some(({ track, seen }) => seen && track.sha256 === this.#track?.sha256);
  }

  play(track: Track): void {
    if (this.#track?.sha256 === track.sha256 && this.#hasBytes)
      return void this.#audio.play().catch(() => this.pause());
    const from = this.positionOf(track.sha256);
    this.stop();
    this.#track = track;
    this.#playing = true;
    this.#at = from;
    this.#length = track.seconds ?? 0;
    this.#take(this.#blobs.hold(track.sha256), from);
  }

  pause(): void {
    this.#playing = false;
    this.#audio.pause();
  }

  seek(track: Track, to: number): void {
    const within = Math.max(0, Math.min(to, track.seconds ?? to));
    if (this.#track?.sha256 !== track.sha256 || !this.#hasBytes) {
      this.#left.set(track.sha256, within);
      return;
    }
    // At the very end it would be over before one hears anything; a moment before it, it ends by itself.
    this.#audio.currentTime = within;
    this.#at = within;
  }

  positionOf(sha256: Sha256): number {
    return this.#track?.sha256 === sha256 && this.#hasBytes ? this.#at : (this.#left.get(sha256) ?? 0);
  }

  isUnplayable(sha256: Sha256): boolean {
    return this.#unplayable.has(sha256);
  }

  nextSpeed(): void {
    this.#speed = SPEEDS[(SPEEDS.indexOf(this.#speed) + 1) % SPEEDS.length] ?? 1;
    this.#audio.playbackRate = this.#speed;
    try {
      localStorage.setItem(SPEED_KEY, String(this.#speed));
    } catch {
      // Blocked storage: it lasts until the page closes.
    }
  }

  stop(): void {
    const track = this.#track;
    if (track !== null && this.#hasBytes) this.#left.set(track.sha256, this.#at);
    this.#letGo();
    this.#letGo = () => undefined;
    this.#track = null;
    this.#playing = false;
    this.#at = 0;
    this.#hasBytes = false;
    this.#audio.pause();
    this.#audio.removeAttribute('src');
  }

  shows(track: Track, element: HTMLElement): () => void {
    const observer = new IntersectionObserver(([entry]) => {
      this.#drawn.set(element, { track, seen: entry?.isIntersecting ?? false });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      this.#drawn.delete(element);
    };
  }

  /** Whether the sound of `track` is loaded. */
  #hasBytes = $state(false);

  /** Plays as soon as the bytes are there. At once when they are: phones let a sound begin only while the finger's press lasts. */
  #take(held: HeldBlob, from: number): void {
    const unwatch = $effect.root(() => {
      $effect(() => {
        const { url, state } = held;
        if (url !== null) untrack(() => this.#begin(url, from));
        else if (state === 'gone' || state === 'away') untrack(() => this.stop());
      });
    });
    this.#letGo = () => {
      unwatch();
      held.release();
    };
    if (held.url !== null) this.#begin(held.url, from);
  }

  #begin(url: string, from: number): void {
    if (this.#hasBytes) return;
    this.#hasBytes = true;
    const audio = this.#audio;
    audio.src = url;
    audio.defaultPlaybackRate = this.#speed;
    audio.playbackRate = this.#speed;
    audio.addEventListener('loadedmetadata', () => this.#findLength(url, from), { once: true });
    if (this.#playing) void audio.play().catch(() => this.pause());
  }

  /** A recorder's webm does not say how long it is, and cannot be moved within until the browser has looked for its end. */
  #findLength(url: string, from: number): void {
    const audio = this.#audio;
    const begin = (): void => {
      if (audio.src !== url) return;
      this.#length = Number.isFinite(audio.duration) ? audio.duration : this.#length;
      audio.currentTime = from < this.#length - 0.1 ? from : 0;
      this.#isLookingForEnd = false;
      if (this.#playing) void audio.play().catch(() => this.pause());
    };
    if (Number.isFinite(audio.duration)) {
      if (from > 0) begin();
      else this.#length = audio.duration;
      return;
    }
    this.#isLookingForEnd = true;
    audio.addEventListener('durationchange', begin, { once: true });
    audio.currentTime = BEYOND_THE_END;
  }

  /** While it is at the end only to find out where that is. */
  #isLookingForEnd = false;

  #moved(): void {
    if (!this.#isLookingForEnd && this.#hasBytes) this.#at = this.#audio.currentTime;
  }

  /** The browser tells where it is four times a second; short notes want more. */
  #follow(): void {
    requestAnimationFrame(() => {
      this.#moved();
      if (this.#playing && this.#hasBytes) this.#follow();
    });
  }

  #ended(): void {
    const track = this.#track;
    if (this.#isLookingForEnd || track === null) return;
    this.#heard.add(track.sha256);
    const next = this.#after(track);
    this.stop();
    this.#left.delete(track.sha256);
    if (next !== null) this.play(next);
  }

  #broke(): void {
    if (this.#track === null || !this.#audio.hasAttribute('src')) return;
    this.#unplayable.add(this.#track.sha256);
    this.stop();
  }

  /** What is in the message right after it, when it is by somebody else and was not heard here yet. */
  #after(track: Track): Track | null {
    const [element] = [...this.#drawn].find(([, drawn]) => drawn.track.sha256 === track.sha256) ?? [];
    const articles = [...(element?.closest('[role="log"]')?.querySelectorAll('article') ?? [])];
    const next = articles[articles.findIndex((article) => article.contains(element ?? null)) + 1];
    if (element === undefined || next === undefined) return null;
    const [, drawn] = [...this.#drawn].find(([other]) => next.contains(other)) ?? [];
    return drawn === undefined || drawn.track.mine || this.#heard.has(drawn.track.sha256) ? null : drawn.track;
  }
}

function keptSpeed(): number {
  const kept = Number(localStorage.getItem(SPEED_KEY));
  return SPEEDS.includes(kept) ? kept : 1;
}
