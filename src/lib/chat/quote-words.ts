/** What a quote shows, in words. */
import type { QuoteView } from '$lib/state/views.ts';
import { callKindWords } from '$lib/words/calls.ts';
import { m } from '$lib/words/words.ts';
import { plainLine } from './markdown.ts';

/** Without a name when nobody knows who said it. */
export function quoteWords(quote: QuoteView): { name: string; text: string } {
  switch (quote.is) {
    case 'here':
      return { name: quote.byName, text: quote.call ? callKindWords(quote.call) : plainLine(quote.text) };
    case 'deleted':
      return { name: '', text: m.message_deleted() };
    case 'looked-for':
      // As high as it will be.
      return { name: '\u00a0', text: '…' };
    case 'hidden':
      return { name: '', text: m.quote_hidden_short() };
    case 'not-here':
      return { name: '', text: m.quote_not_here() };
  }
}
