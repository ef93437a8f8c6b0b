import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAX_ZOOM, middleOf, moved, placeOf, squareOf, zoomed } from './cropping.ts';

const wide = { width: 400, height: 200 };

test('the window shows as much as fits, from the middle', () => {
  expect(squareOf(wide, middleOf(wide))).toEqual({ x: 100, y: 0, side: 200 });
  expect(placeOf(wide, middleOf(wide))).toEqual({ across: 50, down: 50 });
});

test('a picture is dragged to its edge and no further', () => {
  const right = moved(wide, middleOf(wide), { x: 10, y: 10 });
  expect(squareOf(wide, right)).toEqual({ x: 0, y: 0, side: 200 });
  expect(placeOf(wide, right)).toEqual({ across: 0, down: 50 });
  expect(squareOf(wide, moved(wide, middleOf(wide), { x: -0.25, y: 0 }))).toEqual({ x: 150, y: 0, side: 200 });
});

test('what is under the finger stays there while one zooms', () => {
  const at = { x: 0.25, y: -0.25 };
  const under = (crop: ReturnType<typeof middleOf>) => {
    const { x, y, side } = squareOf(wide, crop);
    return { x: x + side * (0.5 + at.x), y: y + side * (0.5 + at.y) };
  };
  const before = middleOf(wide);
  expect(under(zoomed(wide, before, 2, at))).toEqual(under(before));
  expect(squareOf(wide, zoomed(wide, before, 2))).toEqual({ x: 150, y: 50, side: 100 });
  expect(zoomed(wide, before, 100).zoom).toBe(MAX_ZOOM);
  expect(zoomed(wide, before, 0.1)).toEqual(before);
});

test('[B20] whatever is done, what is cut is a square of the picture', () => {
  const offset = fc.record({
    x: fc.double({ min: -3, max: 3, noNaN: true }),
    y: fc.double({ min: -3, max: 3, noNaN: true }),
  });
  const size = fc.record({ width: fc.integer({ min: 1, max: 5_000 }), height: fc.integer({ min: 1, max: 5_000 }) });
  const step = fc.record({ by: offset, zoom: fc.double({ min: 0.1, max: 9, noNaN: true }), at: offset });
  fc.assert(
    fc.property(size, fc.array(step), (picture, steps) => {
      let crop = middleOf(picture);
      for (const { by, zoom, at } of steps) crop = zoomed(picture, moved(picture, crop, by), zoom, at);
      const { x, y, side } = squareOf(picture, crop);
      expect(side).toBeGreaterThan(0);
      expect(Math.min(x, y)).toBeGreaterThan(-1e-6);
      expect(x + side).toBeLessThan(picture.width + 1e-6);
      expect(y + side).toBeLessThan(picture.height + 1e-6);
    }),
  );
});
