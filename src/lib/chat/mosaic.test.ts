import { expect, test } from 'vitest';
import fc from 'fast-check';
import { mosaicOf } from './mosaic.ts';

const sizes = fc.record({
  width: fc.option(fc.integer({ min: 1, max: 20_000 })),
  height: fc.option(fc.integer({ min: 1, max: 20_000 })),
});

test('one picture keeps its proportions, within reason', () => {
  expect(mosaicOf([{ width: 1600, height: 1200 }])).toMatchObject({ width: 420, ratio: 4 / 3 });
  // Upright: as tall as a bubble may be.
  expect(mosaicOf([{ width: 1200, height: 1600 }])).toMatchObject({ width: 345, ratio: 3 / 4 });
  // A strip is cut, a small one not blown up.
  expect(mosaicOf([{ width: 5000, height: 100 }]).ratio).toBe(2.4);
  expect(mosaicOf([{ width: 128, height: 128 }]).width).toBe(128);
});

test('two upright ones stand side by side, two wide ones lie on each other', () => {
  const upright = mosaicOf([
    { width: 3, height: 4 },
    { width: 3, height: 4 },
  ]);
  expect(upright.tiles.map(({ top }) => top)).toEqual([0, 0]);
  const wide = mosaicOf([
    { width: 2, height: 1 },
    { width: 2, height: 1 },
  ]);
  expect(wide.tiles.map(({ left }) => left)).toEqual([0, 0]);
});

test('whatever the pictures are, their tiles fill the width, in order, and none lies on another', () => {
  fc.assert(
    fc.property(fc.array(sizes, { minLength: 1, maxLength: 20 }), (pictures) => {
      const { tiles, ratio } = mosaicOf(pictures);
      expect(tiles).toHaveLength(pictures.length);
      expect(ratio).toBeGreaterThan(0);
      const rows = Map.groupBy(tiles, ({ top }) => top);
      for (const row of rows.values()) {
        const last = row.at(-1)!;
        expect(last.left + last.width).toBeCloseTo(1, 5);
        for (const [at, tile] of row.entries())
          if (at > 0) expect(tile.left).toBeGreaterThan(row[at - 1]!.left + row[at - 1]!.width);
      }
      const lowest = Math.max(...tiles.map(({ top, height }) => top + height));
      expect(lowest).toBeCloseTo(1, 5);
    }),
  );
});
