/** A picture in at most 25 bytes (evanw.github.io/thumbhash), and back. The only importer of `thumbhash`. */
import { thumbHashToDataURL } from 'thumbhash';

export { rgbaToThumbHash } from 'thumbhash';

/** For `src` or a style sheet's `url()`; null for what is none. */
export function thumbUrl(base64: string): string | null {
  try {
    return thumbHashToDataURL(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)));
  } catch {
    return null;
  }
}
