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
  readonly #hear = () => {
    this.#content = null;
    this.#changed();
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
    this.#doc?.off('update', this.#hear);
    this.#doc = this.held.doc;
    this.#doc.on('update', this.#hear);
    this.#hear();
  }

  release(): void {
    this.#doc?.off('update', this.#hear);
    this.held.release();
  }
}
