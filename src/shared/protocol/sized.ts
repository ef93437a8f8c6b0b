/** Bytes behind a number or two, in an array of just the right size: nearly all that travels is that, and lib0's growing encoder copies it three times. */

/** The numbers as lib0's varUints, then the bytes. The numbers are whole and not below 0. */
export function behindNumbers(numbers: readonly number[], bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  let at = 0;
  for (const number of numbers) at += varUintLength(number);
  const all = new Uint8Array(at + bytes.length);
  all.set(bytes, at);
  at = 0;
  for (let number of numbers) {
    for (; number >= 0x80; number = Math.floor(number / 0x80)) all[at++] = 0x80 | (number % 0x80);
    all[at++] = number;
  }
  return all;
}

function varUintLength(number: number): number {
  let length = 1;
  for (; number >= 0x80; number = Math.floor(number / 0x80)) length++;
  return length;
}
