/** What an avatar shows without a photo. The same seed gives the same colour on every device. */

/** Twelve hues about as far apart as the eye tells them apart; none is the accent's own jade, none the alarm's red alone. */
const HUES = [20, 45, 70, 95, 130, 155, 205, 230, 255, 280, 310, 345];

export function hueOf(seed: string): number {
  let hash = 2166136261;
  for (let i = 0; i < seed.length; i++) hash = Math.imul(hash ^ seed.charCodeAt(i), 16777619);
  return HUES[((hash ^ (hash >>> 15)) >>> 0) % HUES.length] ?? 230;
}

/** First letters of the first and last word ("Trần Văn Bình" → "TB"), two letters of a single word, "?" when there is none. */
export function initialsOf(name: string): string {
  const words = name.normalize('NFC').match(/[\p{L}\p{N}]+/gu) ?? [];
  const first = words[0];
  if (!first) return [...name.trim()][0] ?? '?';
  const last = words.at(-1) ?? first;
  const letters = words.length > 1 ? ([...first][0] ?? '') + ([...last][0] ?? '') : [...first].slice(0, 2).join('');
  return letters.toLocaleUpperCase();
}
