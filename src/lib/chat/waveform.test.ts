import { expect, test } from 'vitest';
import { BARS, barsOf, barsPath, fractionAt, loudnessOf } from './waveform.ts';

test('as many bars as fit a bubble, whatever was recorded', () => {
  for (const moments of [0, 1, 7, 64, 1000]) {
    const bars = barsOf(new Array<number>(moments).fill(0.1));
    expect(bars).toHaveLength(BARS);
    expect(bars.every((bar) => bar >= 0 && bar <= 1)).toBe(true);
  }
});

test('the loudest moment is full, wherever it is', () => {
  const moments = new Array<number>(500).fill(0.1);
  moments[499] = 0.4;
  const bars = barsOf(moments);
  expect(bars.at(-1)).toBe(1);
  expect(bars[0]).toBeCloseTo(0.25);
});

test('a quiet room is not drawn as if somebody shouted', () => {
  expect(Math.max(...barsOf(new Array<number>(100).fill(0.001)))).toBeLessThan(0.1);
});

test('a constant tone is as loud as its square says, and nothing is silence', () => {
  expect(loudnessOf(new Float32Array([0.5, -0.5, 0.5, -0.5]))).toBeCloseTo(0.5);
  expect(loudnessOf(new Float32Array(0))).toBe(0);
});

test('a waveform that was not sent is drawn as silence', () => {
  expect(barsPath([]).match(/M/g)).toHaveLength(BARS);
  expect(barsPath([1, 0])).toBe('M25.00 2.0V98.0M75.00 49.0V51.0');
});

test('a press beside it is at its end', () => {
  const box = { left: 10, width: 100 };
  expect([fractionAt(0, box), fractionAt(60, box), fractionAt(500, box)]).toEqual([0, 0.5, 1]);
});
