/** For bytes that nobody has hashed yet: a name like the one they will have, which no others have. */
import * as v from 'valibot';
import { Sha256 } from '#shared/ids.ts';

export const nameForNow = (): Sha256 => v.parse(Sha256, hexadecimal(crypto.getRandomValues(new Uint8Array(32))));

const hexadecimal = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
