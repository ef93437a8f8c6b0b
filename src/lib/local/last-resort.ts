/**
 * Where own words are until the disk has them: a small copy in localStorage, which is written at once and whose room is another than IndexedDB's, of
 * messages that wait and requests in the outbox. A tab that is killed within those milliseconds, or closed while the disk is full, leaves it behind; the
 * next one takes it up, and it is gone from here once the disk has it. Bounded: of what is too much the newest stays in memory alone.
 */
import { type TableName, type Tables } from './tables.ts';

/** Tables whose loss would be the loss of something a person wrote. */
const KEPT_HERE: ReadonlySet<TableName> = new Set(['waiting', 'outbox']);
export const isKeptElsewhere = (table: TableName): boolean => KEPT_HERE.has(table);
/** Browsers give localStorage 5 MB, at two bytes a character, and what else is in it is small. */
const MAX_CHARS = 1_000_000;

type Row = { [T in TableName]: { table: T; key: string; value: Tables[T] } }[TableName];

export class LastResort {
  readonly #prefix: string;
  readonly #own: string;
  #isEmpty = true;

  /** `tab`: each writes its own, so that none overwrites another's. */
  constructor(scope: string, tab: string) {
    this.#prefix = `${scope}:unwritten:`;
    this.#own = this.#prefix + tab;
  }

  /** These are not on the disk, the oldest first; the same again replaces what was here. */
  keep(rows: readonly Row[]): void {
    const lines: string[] = [];
    let chars = 0;
    for (const row of rows) {
      if (!KEPT_HERE.has(row.table)) continue;
      const line = JSON.stringify(row);
      if ((chars += line.length + 1) > MAX_CHARS) break;
      lines.push(line);
    }
    if (lines.length === 0 && this.#isEmpty) return;
    this.#isEmpty = lines.length === 0;
    try {
      if (this.#isEmpty) localStorage.removeItem(this.#own);
      else localStorage.setItem(this.#own, lines.join('\n'));
    } catch {
      // Neither has room: the person was told that the device is full.
    }
  }

  /** What tabs before this one left behind, and the names of their copies. */
  left(): { rows: Row[]; copies: string[] } {
    try {
      const copies = Object.keys(localStorage).filter((key) => key.startsWith(this.#prefix) && key !== this.#own);
      const lines = copies.flatMap((key) => localStorage.getItem(key)?.split('\n') ?? []);
      return { rows: lines.flatMap((line) => parsed(line) ?? []), copies };
    } catch {
      return { rows: [], copies: [] };
    }
  }

  forget(copies: readonly string[]): void {
    for (const copy of copies) localStorage.removeItem(copy);
  }
}

/** What this app wrote a moment or a version ago. */
function parsed(line: string): Row | null {
  try {
    const row = JSON.parse(line) as Row;
    return KEPT_HERE.has(row.table) && typeof row.key === 'string' && typeof row.value === 'object' ? row : null;
  } catch {
    return null;
  }
}
