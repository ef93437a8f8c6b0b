/** How the pictures of a call share a rectangle: as large as they can be, all of one size, none of them out of sight. */

export interface TileGrid {
  columns: number;
  rows: number;
  /** Pixels, of one tile. */
  width: number;
  height: number;
}

/** Width by height. On what is held upright people hold their cameras upright too; on a desk they do not. */
const NARROWEST = { upright: 3 / 4, wide: 5 / 4 };
const WIDEST = 16 / 9;

/** The grid in which one tile is largest; of equals the one with the fewest empty places. */
export function tileGrid(count: number, width: number, height: number, gap: number): TileGrid {
  const narrowest = height > width ? NARROWEST.upright : NARROWEST.wide;
  let best: TileGrid = { columns: 1, rows: 1, width: 0, height: 0 };
  for (let columns = 1; columns <= Math.max(1, count); columns += 1) {
    const rows = Math.ceil(Math.max(1, count) / columns);
    const place = { width: (width - gap * (columns - 1)) / columns, height: (height - gap * (rows - 1)) / rows };
    const tile = fitted(place, narrowest);
    if (tile.width * tile.height > best.width * best.height) best = { columns, rows, ...tile };
  }
  return best;
}

function fitted(place: { width: number; height: number }, narrowest: number): { width: number; height: number } {
  const [wide, high] = [Math.max(0, place.width), Math.max(0, place.height)];
  return {
    width: Math.floor(Math.min(wide, high * WIDEST)),
    height: Math.floor(Math.min(high, wide / narrowest)),
  };
}
