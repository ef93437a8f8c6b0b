/**
 * Lets what is not a rune be read like one. Who owns a source beats when it changes; who reads it feels. `createSubscriber` would watch only
 * while something on screen reads, but a `$derived` that was read once outside of an effect (in a click, say) would keep that value for ever;
 * these sources live as long as their owner, who listens and stops anyway.
 */
export class Beat {
  #count = $state(0);

  beat(): void {
    this.#count += 1;
  }

  feel(): void {
    void this.#count;
  }
}
