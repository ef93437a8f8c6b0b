/** What an avatar shows without a photo. The same seed gives the same colour on every device. */

/** Twelve hues about as far apart as the eye tells them apart; none is the accent's own jade, none the alarm's red alone. */
const HUES = [20, 45, 70, 95, 130, 155, 205, 230, 255, 280, 310, 345];

export function hueOf(seed: string): number {
  let hash = 2166136261;
  for (let i = 0; i < seed.length; i++) hash = Math.imul(hash ^ seed.charCodeAt(i), 16777619);
  return HUES[((hash ^ (hash >>> 15)) >>> 0) % HUES.length] ?? 230;
}

/**
 * Two letters. A person's name gives the first of its first and last word ("Nguyễn Văn Bình" → "NB": the given name is last), anything
 * longer or not all in capitals those of its first two words ("Gia đình mình" → "GĐ"), a single word its first two letters.
 */
export function initialsOf(name: string): string {
  const words = name.normalize('NFC').match(/[\p{L}\p{N}]+/gu) ?? [];
  const [first, second] = words;
  if (first === undefined) return [...name.trim()][0] ?? '?';
  if (second === undefined) return [...first].slice(0, 2).join('').toLocaleUpperCase();
  const isName = words.length <= 5 && words.every((word) => /^\p{Lu}/u.test(word));
  const other = isName ? (words.at(-1) ?? second) : second;
  return ([...first].slice(0, 1).join('') + [...other].slice(0, 1).join('')).toLocaleUpperCase();
}
