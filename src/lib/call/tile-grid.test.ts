import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { tileGrid } from './tile-grid.ts';

const GAP = 8;
const PHONE = { width: 374, height: 620 };
const DESK = { width: 1408, height: 700 };
const shape = (count: number, { width, height }: typeof PHONE): string => {
  const { columns, rows } = tileGrid(count, width, height, GAP);
  return `${columns}×${rows}`;
};

test('two to eight people on a phone, and on a desk', () => {
  expect([2, 3, 4, 5, 6, 7, 8].map((count) => shape(count, PHONE))).toEqual([
    '1×2',
    '1×3',
    '2×2',
    '2×3',
    '2×3',
    '2×4',
    '2×4',
  ]);
  expect([2, 3, 4, 5, 6, 7, 8].map((count) => shape(count, DESK))).toEqual([
    '2×1',
    '2×2',
    '2×2',
    '3×2',
    '3×2',
    '4×2',
    '4×2',
  ]);
});

test('all of them are within the rectangle, whatever its shape, and none is a strip', () => {
  const side = fc.integer({ min: 60, max: 4000 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), side, side, (count, width, height) => {
      const grid = tileGrid(count, width, height, GAP);
      expect(grid.columns * grid.rows).toBeGreaterThanOrEqual(count);
      expect(grid.columns * grid.width + GAP * (grid.columns - 1)).toBeLessThanOrEqual(width);
      expect(grid.rows * grid.height + GAP * (grid.rows - 1)).toBeLessThanOrEqual(height);
      fc.pre(grid.width > 20 && grid.height > 20);
      expect(grid.width / grid.height).toBeGreaterThan(0.7);
      expect(grid.width / grid.height).toBeLessThan(1.9);
    }),
  );
});
