/**
 * Lists as Postgres writes them, of one dimension: `{a,"b, c",null}`. The driver could ask each new connection for its list types and do this itself,
 * but when the connection breaks meanwhile that question fails without anybody to hear of it, and an error that nobody hears of ends the relay.
 */

/** How an element is written and read; null is neither. */
interface Element<T> {
  write(value: T): string;
  read(text: string): T;
}

const text: Element<string> = {
  write: (value) => `"${value.replace(/["\\]/g, '\\$&')}"`,
  read: (written) => written,
};
const number: Element<number> = { write: String, read: Number };
const bytes: Element<Uint8Array> = {
  write: (value) => `"\\\\x${Buffer.from(value).toString('hex')}"`,
  read: (written) => Buffer.from(written.slice(2), 'hex'),
};

/** Type numbers of Postgres, for arrays whose element type the driver cannot guess. */
export const BYTEA_ARRAY = 1001;

/** For the driver's `types`: text, name, int, bigint, bytea. */
export const LIST_TYPES = {
  texts: listOf(1009, text),
  names: listOf(1003, text),
  ints: listOf(1007, number),
  bigints: listOf(1016, number),
  byteas: listOf(BYTEA_ARRAY, bytes),
};

function listOf<T>(type: number, element: Element<T>) {
  return {
    to: type,
    from: [type],
    serialize: (list: (T | null)[]): string =>
      `{${list.map((value) => (value === null ? 'null' : element.write(value))).join(',')}}`,
    parse: (written: string): (T | null)[] =>
      elementsOf(written).map((each) => (each === null ? null : element.read(each))),
  };
}

const ELEMENT = /"((?:[^"\\]|\\.)*)"|([^,{}]+)/gs;

function elementsOf(written: string): (string | null)[] {
  return [...written.matchAll(ELEMENT)].map(([, quoted, plain]) =>
    quoted === undefined ? (plain?.toUpperCase() === 'NULL' ? null : (plain ?? '')) : quoted.replace(/\\(.)/gs, '$1'),
  );
}
