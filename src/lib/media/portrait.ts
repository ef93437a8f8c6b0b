/**
 * A picture of a person or a group: looked at before it is cropped, and cut to a small square that is drawn anew, so that nothing hidden is in it. In the
 * page: decoding goes on beside it anyway, and what is drawn is small.
 */
import { PICTURE_MAX_PIXELS } from '#shared/limits.ts';
import { contextOf, encoded, newCanvas } from './canvas.ts';
import { headerOf } from './picture.ts';

/** Sharp where it is shown largest. */
const SIDE_PX = 512;
/** What is needed of it to zoom in and still be sharp; more would be drawn anew with each move. */
const LOOKED_AT_SHORT_PX = 1_536;
const LOOKED_AT_LONG_PX = 4_096;
const MAX_BYTES = 100_000;
/** The first that makes it small enough, or the last. */
const QUALITIES = [0.86, 0.75, 0.6, 0.45];

/** `picture` is upright, and is to be closed. */
export type LookedAt =
  { is: 'here'; picture: ImageBitmap } | { is: 'no-picture' } | { is: 'too-many-pixels' } | { is: 'unreadable' };

export async function lookAt(bytes: Blob): Promise<LookedAt> {
  const header = await headerOf(bytes).catch(() => null);
  if (header === null) return { is: 'no-picture' };
  if (header.width * header.height > PICTURE_MAX_PIXELS) return { is: 'too-many-pixels' };
  try {
    const whole = await createImageBitmap(bytes, { imageOrientation: 'from-image' });
    return { is: 'here', picture: await reduced(whole) };
  } catch {
    return { is: 'unreadable' };
  }
}

async function reduced(whole: ImageBitmap): Promise<ImageBitmap> {
  const { width, height } = whole;
  const by = Math.min(LOOKED_AT_SHORT_PX / Math.min(width, height), LOOKED_AT_LONG_PX / Math.max(width, height));
  if (by >= 1) return whole;
  const side = (px: number): number => Math.max(1, Math.round(px * by));
  try {
    return await createImageBitmap(whole, {
      resizeWidth: side(width),
      resizeHeight: side(height),
      resizeQuality: 'high',
    });
  } finally {
    whole.close();
  }
}

/** The square with its corner there, in pixels of the picture. */
export async function cut(picture: ImageBitmap, { x, y, side }: { x: number; y: number; side: number }): Promise<Blob> {
  const canvas = newCanvas(SIDE_PX, SIDE_PX);
  const context = contextOf(canvas);
  // Letters stand behind it where it is shown: they must not shine through.
  context.fillStyle = '#fff';
  context.fillRect(0, 0, SIDE_PX, SIDE_PX);
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture, x, y, side, side, 0, 0, SIDE_PX, SIDE_PX);
  let made = await inQuality(canvas, QUALITIES[0] ?? 1);
  for (const quality of QUALITIES.slice(1)) {
    if (made.size <= MAX_BYTES) break;
    made = await inQuality(canvas, quality);
  }
  return made;
}

/** A browser that cannot write WebP answers with PNG. */
async function inQuality(canvas: ReturnType<typeof newCanvas>, quality: number): Promise<Blob> {
  const webp = await encoded(canvas, 'image/webp', quality);
  return webp.type === 'image/webp' ? webp : await encoded(canvas, 'image/jpeg', quality);
}
