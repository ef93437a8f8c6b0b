/** Random that repeats itself: the same seed, the same people, conversations, texts and client ids. */

export type Random = () => number;

/** mulberry32: small, and good enough to make names and texts with. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** A seed of its own for each part of a run, so that no two parts make the same people. */
export function seedOf(...parts: (string | number)[]): number {
  let hash = 0x811c9dc5;
  for (const character of parts.join('/')) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return hash >>> 0;
}

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';

export function word(random: Random, length: number): string {
  let text = '';
  for (let i = 0; i < length; i++) text += ALPHABET[Math.floor(random() * ALPHABET.length)];
  return text;
}

export const below = (random: Random, end: number): number => Math.floor(random() * end);

/** Waiting times between independent events: exponential, with this mean. */
export const interval = (random: Random, mean: number): number => -Math.log(1 - random()) * mean;
