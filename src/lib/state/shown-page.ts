/** A page in memory, and what was read of it since it last changed. */
import type * as Y from 'yjs';
import { orderOf } from '#shared/model/page.ts';
import type { Held } from '../local/documents.ts';
import { type PageContent, readPage } from './page-content.ts';

export class ShownPage {
  readonly number: number;
  readonly held: Held;
  #content: PageContent | null = null;
  #doc: Y.Doc | null = null;
  readonly #changed: () => void;
  /** Not by `update`: Yjs would encode the whole page while it is read from the disk, and nothing here looks at the bytes. */
  readonly #hear = ({ changed }: Y.Transaction) => {
    if (changed.size > 0) this.#again();
  };

  constructor(number: number, held: Held, changed: () => void) {
    this.number = number;
    this.held = held;
    this.#changed = changed;
    this.watch();
  }

  get content(): PageContent {
    return (this.#content ??= readPage(this.number, this.held.doc));
  }

  get stamps(): number {
    return orderOf(this.held.doc).length;
  }

  /** Again after the document was replaced. */
  watch(): void {
    this.#doc?.off('afterTransaction', this.#hear);
    this.#doc = this.held.doc;
    this.#doc.on('afterTransaction', this.#hear);
    this.#again();
  }

  release(): void {
    this.#doc?.off('afterTransaction', this.#hear);
    this.held.release();
  }

  #again(): void {
    this.#content = null;
    this.#changed();
  }
}
