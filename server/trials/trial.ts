/**
 * What the trials have in common: they are plays too long for `npm test`, which runs a short part of each with a seed of its own. A trial answers
 * with what it did, as counts, and with what went wrong, as sentences; it does not stop at the first.
 */
export interface Trial {
  /** Chooses the play; printed, so that it can be played again. What processes and networks do in the meantime no seed decides. */
  seed: number;
  /** How much of it: rounds, cuts, forgeries… */
  count: number;
  /** A sign of life. */
  say: (line: string) => void;
}

export interface Outcome {
  counts: Record<string, number>;
  faults: string[];
}

export const inWords = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .map(([what, count]) => `${count} ${what}`)
    .join(', ');

/** Whole numbers, choices and chances from one source of numbers between 0 and 1. */
export class Dice {
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** From 0 to `limit`, without `limit`. */
  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  between(from: number, to: number): number {
    return from + this.below(to - from + 1);
  }

  /** True `percent` times in a hundred. */
  chance(percent: number): boolean {
    return this.#random() * 100 < percent;
  }

  pick<T>(choices: readonly T[]): T {
    const chosen = choices[this.below(choices.length)];
    if (chosen === undefined) throw new Error('there is nothing to choose from');
    return chosen;
  }
}

export const pause = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis));

/** Resolves when it holds; after `atMostMillis` it throws what `describe` says then. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  describe: () => string,
  atMostMillis = 30_000,
): Promise<void> {
  for (const end = Date.now() + atMostMillis; !(await holds());) {
    if (Date.now() > end) throw new Error(`waited ${atMostMillis} ms in vain: ${describe()}`);
    await pause(10);
  }
}
