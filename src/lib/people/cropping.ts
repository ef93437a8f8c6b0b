/** Which part of a picture is behind the window. The window is a square, whatever it looks like; a zoom of 1 shows as much as fits into it. */

export interface Size {
  width: number;
  height: number;
}

/** `x`, `y`: the pixel of the picture in the middle of the window. */
export interface Crop {
  x: number;
  y: number;
  zoom: number;
}

/** In sides of the window, from its middle. */
export interface Offset {
  x: number;
  y: number;
}

export const MAX_ZOOM = 4;
const MIDDLE: Offset = { x: 0, y: 0 };

export const middleOf = ({ width, height }: Size): Crop => ({ x: width / 2, y: height / 2, zoom: 1 });

/** The side of what is behind the window, in pixels of the picture. */
export const sideOf = ({ width, height }: Size, { zoom }: Crop): number => Math.min(width, height) / zoom;

/** The picture is dragged by so much. */
export function moved(size: Size, crop: Crop, by: Offset): Crop {
  const side = sideOf(size, crop);
  return within(size, { ...crop, x: crop.x - by.x * side, y: crop.y - by.y * side });
}

/** What is at `at` stays there, as far as there is picture. */
export function zoomed(size: Size, crop: Crop, zoom: number, at: Offset = MIDDLE): Crop {
  const next = { ...crop, zoom: between(1, zoom, MAX_ZOOM) };
  const grown = sideOf(size, crop) - sideOf(size, next);
  return within(size, { ...next, x: crop.x + at.x * grown, y: crop.y + at.y * grown });
}

export function squareOf(size: Size, crop: Crop): { x: number; y: number; side: number } {
  const side = sideOf(size, crop);
  return { x: crop.x - side / 2, y: crop.y - side / 2, side };
}

/** How far it is moved, from 0 to 100; 50 where there is nothing to move. */
export function placeOf(size: Size, crop: Crop): { across: number; down: number } {
  const side = sideOf(size, crop);
  const share = (at: number, length: number): number =>
    length - side < 0.5 ? 50 : Math.round((100 * (at - side / 2)) / (length - side));
  return { across: share(crop.x, size.width), down: share(crop.y, size.height) };
}

function within(size: Size, crop: Crop): Crop {
  const half = sideOf(size, crop) / 2;
  return {
    ...crop,
    x: between(half, crop.x, size.width - half),
    y: between(half, crop.y, size.height - half),
  };
}

const between = (least: number, value: number, most: number): number => Math.min(most, Math.max(least, value));
