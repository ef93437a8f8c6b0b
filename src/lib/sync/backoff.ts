/** How long to wait before trying again: twice as long each time, and never in step with other devices that lost the relay together. */

const FIRST_MS = 400;
const LONGEST_MS = 15_000;

/** `failures` counts from 0; `random` is between 0 and 1. Between half of the step and the whole of it. */
export function backoffMs(failures: number, random: number): number {
  const step = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures, 16));
  return step * (0.5 + random / 2);
}
