/**
 * Where pictures of one message go: one by itself in its own proportions, several in rows of equal height that fill the width, as printers of albums do
 * it. Of all ways to break them into rows the one whose rows are nearest to a good height. Pure; everything as shares of the whole.
 */

/** Pixels; unknown ones count as a square. */
export interface Proportions {
  width: number | null;
  height: number | null;
}

export interface Tile {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface Mosaic {
  /** CSS pixels, at most; narrower screens make it smaller. */
  width: number;
  /** Width divided by height. */
  ratio: number;
  /** As shares of width and height, from 0 to 1. */
  tiles: readonly Tile[];
}

const WIDTH = 420;
const TALLEST = 460;
const SMALLEST = 96;
/** Beyond these a picture is cut in the bubble; the gallery shows all of it. */
const NARROWEST = 0.5;
const WIDEST = 2.4;
/** A row is about so high, as a share of the width. */
const ROW = 0.42;
const ROW_MAX_COUNT = 4;
/** Between two pictures, as a share of the width. */
const GAP = 2 / WIDTH;

export function mosaicOf(pictures: readonly Proportions[]): Mosaic {
  const ratios = pictures.map(ratioOf);
  const [only] = pictures;
  if (pictures.length === 1 && only !== undefined) return alone(only, ratios[0] ?? 1);
  const rows = bestRows(ratios);
  const heights = rows.map((row) => heightOf(row));
  const height = heights.reduce((sum, one) => sum + one, 0) + GAP * (rows.length - 1);
  const tiles: Tile[] = [];
  let top = 0;
  rows.forEach((row, at) => {
    const rowHeight = heights[at] ?? ROW;
    let left = 0;
    for (const ratio of row) {
      const width = ratio * rowHeight;
      tiles.push({ left, top: top / height, width, height: rowHeight / height });
      left += width + GAP;
    }
    top += rowHeight + GAP;
  });
  return { width: WIDTH, ratio: 1 / height, tiles };
}

function alone({ width, height }: Proportions, ratio: number): Mosaic {
  const natural = width === null || height === null ? WIDTH : Math.max(SMALLEST, width);
  return {
    width: Math.round(Math.min(WIDTH, natural, TALLEST * ratio)),
    ratio,
    tiles: [{ left: 0, top: 0, width: 1, height: 1 }],
  };
}

const ratioOf = ({ width, height }: Proportions): number =>
  width === null || height === null ? 1 : Math.min(WIDEST, Math.max(NARROWEST, width / height));

/** Of a row that fills the width. */
const heightOf = (row: readonly number[]): number =>
  (1 - GAP * (row.length - 1)) / row.reduce((sum, ratio) => sum + ratio, 0);

function bestRows(ratios: readonly number[]): number[][] {
  /** The best way to break the first n, and how bad it is. */
  const best: { cost: number; rows: number[][] }[] = [{ cost: 0, rows: [] }];
  for (let end = 1; end <= ratios.length; end += 1) {
    let found = { cost: Infinity, rows: [] as number[][] };
    for (let begin = Math.max(0, end - ROW_MAX_COUNT); begin < end; begin += 1) {
      const before = best[begin];
      const row = ratios.slice(begin, end);
      const cost = (before?.cost ?? Infinity) + (Math.log(heightOf(row)) - Math.log(ROW)) ** 2;
      if (before !== undefined && cost < found.cost) found = { cost, rows: [...before.rows, row] };
    }
    best.push(found);
  }
  return best.at(-1)?.rows ?? [];
}
