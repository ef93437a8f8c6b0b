/** The wall clock for what is shown relative to today. Ticks once a minute, and only while something on screen reads it. */
import { createSubscriber } from 'svelte/reactivity';

const TICK_MS = 60_000;

class Clock {
  #subscribe = createSubscriber((update) => {
    const timer = setInterval(update, TICK_MS);
    document.addEventListener('visibilitychange', update);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', update);
    };
  });

  get now(): number {
    this.#subscribe();
    return Date.now();
  }
}

export const clock = new Clock();
