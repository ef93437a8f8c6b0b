/** Tells the relay whether somebody looks at this page, or did in the last minutes: who is online is decided by that. */
import type { RelayLink } from './relay-link.ts';

/** Looking something up in another tab is not going away. */
const AWAY_AFTER_MS = 2 * 60_000;

export class Here {
  readonly #link: RelayLink;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isAway = false;

  constructor(link: RelayLink) {
    this.#link = link;
  }

  start(): void {
    if (typeof document === 'undefined') return;
    document.addEventListener('visibilitychange', this.#look);
    // A socket begins with somebody being there.
    this.#link.on('state', this.#connected);
    this.#look();
  }

  stop(): void {
    clearTimeout(this.#timer);
    if (typeof document === 'undefined') return;
    document.removeEventListener('visibilitychange', this.#look);
    this.#link.off('state', this.#connected);
  }

  readonly #connected = (state: string): void => {
    if (state === 'open' && this.#isAway) this.#link.say({ is: 'here', active: false });
  };

  readonly #look = (): void => {
    clearTimeout(this.#timer);
    if (document.visibilityState === 'visible') return this.#became(false);
    this.#timer = setTimeout(() => this.#became(true), AWAY_AFTER_MS);
  };

  #became(isAway: boolean): void {
    if (this.#isAway === isAway) return;
    this.#isAway = isAway;
    if (this.#link.isOpen) this.#link.say({ is: 'here', active: !isAway });
  }
}
