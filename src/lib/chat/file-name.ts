/** How a file's name is shown. */

const SHOWN_MAX_CHARS = 44;
const ENDING_MAX_CHARS = 4;

/** Beginning and end, which tell files apart; the middle of a long name does not. */
export function shortenedName(name: string): string {
  const letters = [...name];
  if (letters.length <= SHOWN_MAX_CHARS) return name;
  const end = Math.floor(SHOWN_MAX_CHARS * 0.4);
  return `${letters.slice(0, SHOWN_MAX_CHARS - end - 1).join('')}…${letters.slice(-end).join('')}`;
}

/** `pdf` of `Hoá đơn.pdf`; nothing for a name without a short one. */
export function endingOf(name: string): string {
  const ending = /\.([\p{L}\p{N}]+)$/u.exec(name)?.[1] ?? '';
  return [...ending].length <= ENDING_MAX_CHARS ? ending : '';
}
