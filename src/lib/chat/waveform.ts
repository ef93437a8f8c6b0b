/** How loud a recording is, from beginning to end: out of what a microphone gave, and as bars. */

/** Below this the loudest moment of a recording is a quiet room, and is not drawn as if somebody shouted. */
const QUIET = 0.02;
/** So many bars fit a bubble of a phone. */
export const BARS = 64;

/** The loudness of a moment: the root of the mean square of its samples (-1 to 1). */
export function loudnessOf(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return samples.length === 0 ? 0 : Math.sqrt(sum / samples.length);
}

/** As many values as bars, from 0 to 1, the loudest being 1: each the loudest of its part, or its nearest where there are fewer moments than bars. */
export function barsOf(moments: readonly number[], count = BARS): number[] {
  if (moments.length === 0) return new Array<number>(count).fill(0);
  const loudest = moments.reduce((most, moment) => Math.max(most, moment), QUIET);
  return Array.from({ length: count }, (_, bar) => {
    const from = Math.floor((bar * moments.length) / count);
    const to = Math.max(from + 1, Math.floor(((bar + 1) * moments.length) / count));
    return Math.max(...moments.slice(from, to)) / loudest;
  });
}

/** Upright strokes in a square of 100 by 100; silence is a dot. */
export function barsPath(bars: readonly number[]): string {
  const shown = bars.length > 0 ? bars : new Array<number>(BARS).fill(0);
  return shown
    .map((bar, at) => {
      const x = (((at + 0.5) * 100) / shown.length).toFixed(2);
      const half = Math.max(1, bar * 48);
      return `M${x} ${(50 - half).toFixed(1)}V${(50 + half).toFixed(1)}`;
    })
    .join('');
}

/** Where between its left (0) and its right (1) something was pressed. */
export const fractionAt = (x: number, { left, width }: { left: number; width: number }): number =>
  width === 0 ? 0 : Math.max(0, Math.min(1, (x - left) / width));
