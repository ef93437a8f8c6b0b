/**
 * Messages as the bytes in which a device sends them, prepared before anything is measured. Every text begins with its number between marks, so
 * that a frame that arrives tells which message it holds, whatever the server has wrapped around it.
 */
import * as Y from 'yjs';
import { below, seeded, word, type Random } from './seeded.ts';

/** Not `<`: that is also the length of a text of 60 characters, just before it. */
const MARK = Buffer.from('~#');
const DIGITS = 7;

const LINES = [
  'Con về tới rồi mẹ ơi, để phần con hai con cá kho nha',
  'Mai họp lúc chín giờ ở phòng nhỏ, nhớ mang theo bản vẽ mới',
  'Anh ơi ghé chợ mua giúp em ít rau muống với hai quả chanh',
  'Trời mưa to quá, chắc tối nay không đi được đâu cả nhà ạ',
  'The train is late again, start dinner without me and keep some soup',
  'Ảnh hôm qua đẹp lắm, gửi cho bà xem với, bà hỏi mãi đấy',
];

/** A text of exactly so many characters. */
export function text(random: Random, number: number, chars: number): string {
  const start = below(random, LINES.length);
  let body = `~#${String(number).padStart(DIGITS, '0')}: `;
  for (let i = start; body.length < chars; i++) body += `${LINES[i % LINES.length]}. `;
  return body.slice(0, chars);
}

/** Calls with the number of each message in these bytes: a server may put several into one frame. */
export function numbersIn(bytes: Buffer, found: (number: number) => void): void {
  for (let at = bytes.indexOf(MARK); at >= 0; at = bytes.indexOf(MARK, at + MARK.length)) {
    const number = numberAt(bytes, at + MARK.length);
    if (number >= 0) found(number);
  }
}

function numberAt(bytes: Buffer, from: number): number {
  if (bytes.length < from + DIGITS) return -1;
  let number = 0;
  for (let i = from; i < from + DIGITS; i++) {
    const digit = (bytes[i] ?? 0) - 48;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
  }
  return number;
}

export interface Written {
  id: string;
  by: string;
  at: number;
  text: string;
}

/** One device in one document, which writes one message after the other. */
export class Author {
  readonly #doc = new Y.Doc();
  readonly #by: string;
  readonly #random: Random;
  #made: Uint8Array = new Uint8Array();

  constructor(by: string, seed: number) {
    this.#by = by;
    this.#random = seeded(seed);
    this.#doc.clientID = Math.floor(this.#random() * 0xffff_ffff);
    this.#doc.on('update', (update: Uint8Array) => (this.#made = update));
  }

  /** The Yjs update of one more message. `at` is the author's clock. */
  write(number: number, chars: number, at: number): { message: Written; update: Uint8Array } {
    const message = this.#compose(number, chars, at);
    this.#set([message]);
    return { message, update: this.#made };
  }

  /** Several messages in one update, as a device sends what it wrote without a network. */
  writeMany(from: number, count: number, chars: number, at: number): Uint8Array {
    const messages = Array.from({ length: count }, (_, i) => this.#compose(from + i, chars, at + i));
    this.#doc.transact(() => this.#set(messages));
    return this.#made;
  }

  #compose(number: number, chars: number, at: number): Written {
    const id = `m${at.toString(36).padStart(9, '0')}${word(this.#random, 16)}`;
    return { id, by: this.#by, at, text: text(this.#random, number, chars) };
  }

  #set(messages: Written[]): void {
    const map = this.#doc.getMap('messages');
    for (const { id, ...value } of messages) map.set(id, value);
  }
}
