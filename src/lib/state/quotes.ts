/** What replies show of the messages they answer: from the pages that are here, else from what was looked up elsewhere. */
import type { MessageId, UserId } from '#shared/ids.ts';
import type { CallTrace } from '#shared/model/call-trace.ts';
import type { PageContent } from './page-content.ts';
import type { QuoteView } from './views.ts';

/** A message that was found on a page that is not here. Its author is forgotten with its text. */
export type Found = { by: UserId; text: string; call?: CallTrace | undefined } | 'deleted';

export interface QuoteSources {
  nameOf(person: UserId): string;
  /** What was found elsewhere; `nowhere` when neither the device has it nor the relay could be asked. Undefined before anybody looked. */
  elsewhere(id: MessageId): Found | 'nowhere' | undefined;
  /** Written before this person joined a group whose history was closed to them, by its author's clock. */
  isBeforeJoining?(id: MessageId): boolean;
}

export class Quotes {
  readonly #sources: QuoteSources;
  readonly #pages: readonly PageContent[];

  constructor(sources: QuoteSources, here: readonly PageContent[]) {
    this.#sources = sources;
    this.#pages = here;
  }

  of(id: MessageId): QuoteView {
    const found = foundIn(this.#pages, id) ?? this.#sources.elsewhere(id);
    switch (found) {
      case undefined:
        return { id, is: 'looked-for' };
      case 'nowhere':
        return { id, is: this.#sources.isBeforeJoining?.(id) ? 'hidden' : 'not-here' };
      case 'deleted':
        return { id, is: 'deleted' };
      default:
        return { id, is: 'here', byName: this.#sources.nameOf(found.by), text: found.text, call: found.call };
    }
  }
}

/** A deletion wins over an edit that came at the same time. */
export function foundIn(pages: readonly PageContent[], id: MessageId): Found | undefined {
  if (pages.some((page) => page.deleted.has(id))) return 'deleted';
  const message = pages.find((page) => page.messages.has(id))?.messages.get(id);
  return message && { by: message.by, text: message.text, call: message.call };
}
