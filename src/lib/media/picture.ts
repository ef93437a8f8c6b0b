/**
 * Pictures, made smaller and without what is hidden in them (where and with what they were taken): what is sent is drawn anew, so that only what can be
 * seen is in it. Runs in a worker, or in the page where a worker cannot draw. The only importer of `image-dimensions` and `thumbhash`.
 */
import { imageDimensionsFromData } from 'image-dimensions';
import { rgbaToThumbHash } from './thumb-hash.ts';
import { PICTURE_MAX_PIXELS } from '#shared/limits.ts';
import { type Canvas, contextOf, encoded, newCanvas } from './canvas.ts';
import { movingPicture } from './moving.ts';
import { nameOf } from './names.ts';
import type { Named, Prepared } from './prepared.ts';

/** On the long side: sharp on a large screen, and a tenth of the bytes that a telephone's camera makes. */
const LONG_SIDE_PX = 2_048;
const QUALITY = 0.82;
/** What ThumbHash takes. */
const THUMB_PX = 100;
/** Cameras put a preview and a colour profile in front. */
const HEADER_BYTES = 1024 ** 2;

/** What it says of itself; null for what is no picture. */
export async function headerOf(bytes: Blob): Promise<ReturnType<typeof dimensions>> {
  return dimensions(new Uint8Array(await bytes.slice(0, HEADER_BYTES).arrayBuffer()));
}

export async function preparePicture(bytes: Blob, original: boolean): Promise<Prepared> {
  const header = await headerOf(bytes);
  if (header === null) return { is: 'unreadable' };
  if (header.width * header.height > PICTURE_MAX_PIXELS) return { is: 'huge' };
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(bytes, { imageOrientation: 'from-image' });
  } catch {
    return { is: 'unreadable' };
  }
  try {
    return original ? await asItIs(bytes, bitmap, header.type) : await reduced(bytes, bitmap, header.type);
  } finally {
    bitmap.close();
  }
}

type Type = 'png' | 'jpeg' | 'gif' | 'webp' | 'avif' | 'heic';
const MAY_MOVE: ReadonlySet<Type> = new Set(['gif', 'webp']);

async function asItIs(bytes: Blob, bitmap: ImageBitmap, type: Type): Promise<Prepared> {
  const { width, height } = bitmap;
  const still = await draw(bitmap, type);
  const poster: Named = { bytes: still.bytes, sha256: still.sha256 };
  const named = { bytes, sha256: await nameOf(bytes) };
  return { is: 'ready', ...named, type: `image/${type}`, width, height, thumb: thumbOf(bitmap), poster };
}

async function reduced(bytes: Blob, bitmap: ImageBitmap, type: Type): Promise<Prepared> {
  const { width, height } = bitmap;
  const thumb = thumbOf(bitmap);
  const moving = MAY_MOVE.has(type) ? movingPicture(new Uint8Array(await bytes.arrayBuffer())) : null;
  if (moving === null) return { is: 'ready', ...(await draw(bitmap, type)), thumb };
  const clean = new Blob(moving, { type: `image/${type}` });
  return { is: 'ready', bytes: clean, sha256: await nameOf(clean), type: clean.type, width, height, thumb };
}

function dimensions(head: Uint8Array): NonNullable<ReturnType<typeof imageDimensionsFromData>> | null {
  try {
    return imageDimensionsFromData(head) ?? null;
  } catch {
    return null;
  }
}

interface Drawn extends Named {
  type: string;
  width: number;
  height: number;
}

async function draw(picture: ImageBitmap, type: Type): Promise<Drawn> {
  const canvas = scaled(picture, LONG_SIDE_PX);
  const { width, height } = canvas;
  // A browser that cannot write WebP answers with PNG, which is many times larger; but JPEG knows nothing transparent.
  let drawn = await encoded(canvas, 'image/webp', QUALITY);
  if (drawn.type !== 'image/webp' && type !== 'png') drawn = await encoded(canvas, 'image/jpeg', QUALITY);
  return { bytes: drawn, sha256: await nameOf(drawn), type: drawn.type, width, height };
}

function scaled(picture: ImageBitmap, longSide: number): Canvas {
  const by = Math.min(1, longSide / Math.max(picture.width, picture.height));
  const width = Math.max(1, Math.round(picture.width * by));
  const height = Math.max(1, Math.round(picture.height * by));
  const canvas = newCanvas(width, height);
  const context = contextOf(canvas);
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture, 0, 0, width, height);
  return canvas;
}

function thumbOf(picture: ImageBitmap): string {
  const canvas = scaled(picture, THUMB_PX);
  const { data } = contextOf(canvas).getImageData(0, 0, canvas.width, canvas.height);
  return btoa(String.fromCharCode(...rgbaToThumbHash(canvas.width, canvas.height, data)));
}
