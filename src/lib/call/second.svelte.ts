/** The time, second by second, while something on screen reads it: the clock of the app ticks once a minute. */
import { createSubscriber } from 'svelte/reactivity';

class Second {
  #subscribe = createSubscriber((update) => {
    const timer = setInterval(update, 1000);
    return () => clearInterval(timer);
  });

  get now(): number {
    this.#subscribe();
    return Date.now();
  }
}

export const second = new Second();
