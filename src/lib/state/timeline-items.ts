/**
 * From pages to what is on screen: messages in the relay's order, those that wait at the end, days, groups, the "new" line. Pure, and cheap
 * enough to be done again after each transaction: a message that did not change is the same object as before, so the screen draws only
 * what did.
 */
import type { MessageId, UserId } from '#shared/ids.ts';
import type { Message } from '#shared/model/message.ts';
import type { Deletion } from '#shared/model/page.ts';
import type { Reach } from '#shared/protocol/overview.ts';
import { arrange } from './arrange.ts';
import { attachmentsOf } from './attachments.ts';
import type { PageContent, Reaction } from './page-content.ts';
import { QUEUE } from './queued-page.ts';
import { type QuoteSources, Quotes } from './quotes.ts';
import { tickOf } from './ticks.ts';
import type { AttachmentView, MessageView, ReactionView, TimelineItem } from './views.ts';

export interface TimelineSources extends QuoteSources {
  me: UserId;
  /** The pages on screen, without a gap, oldest first. */
  shown: readonly PageContent[];
  /** Pages that are here only for bodies (and own waiting messages) that the shown ones do not have. */
  aside: readonly PageContent[];
  /** What waits in the queue and is in no page yet: how far its attachments are. */
  onTheirWay?(id: MessageId, attachments: readonly AttachmentView[]): readonly AttachmentView[];
  /** Whether a message without a stamp waits for one. */
  isWaiting(id: MessageId, page: number): boolean;
  mayWrite: boolean;
  mayDeleteAny: boolean;
  /** How far everybody else is; null when there is nobody else. */
  others: Reach | null;
  /** Where the "new" line goes: before the first message by somebody else beyond this seq. */
  newLine: { after: number; count: number } | null;
  /** Whether the first shown page is the first there is. */
  atStart: boolean;
  /** What is older is hidden from this person. */
  fromJoining?: boolean;
}

export interface Timeline {
  items: readonly TimelineItem[];
  /** message → what is shown of it, for those among the items, in their order. */
  entries: ReadonlyMap<MessageId, Entry>;
  /** Pages that hold bodies of shown stamps and are not here. */
  missing: readonly number[];
  lastSeq: number;
}

/** A message on screen, and what it was made of: the same again makes the same object. */
export interface Entry {
  readonly view: MessageView;
  item: Extract<TimelineItem, { is: 'message' }> | null;
  /** The page that holds the body. */
  readonly page: number;
  readonly message: Message | undefined;
  readonly deletion: Deletion | undefined;
  readonly reactions: readonly Reaction[] | undefined;
}

export const emptyTimeline: Timeline = { items: [], entries: new Map(), missing: [], lastSeq: 0 };

/** A message with its place. `page` holds the body; null when that page is not here. */
interface Placed {
  id: MessageId;
  seq: number | null;
  at: number;
  page: PageContent | null;
}

export function buildTimeline(sources: TimelineSources, before: Timeline = emptyTimeline): Timeline {
  const here = new Map([...sources.aside, ...sources.shown].map((page) => [page.page, page]));
  const missing = new Set<number>();
  const known = new Set<MessageId>();
  for (const { order } of sources.aside) for (const [, id] of order) known.add(id);
  const stamped = placeStamped(sources.shown, here, missing, known);
  const placed = [...stamped, ...placeWaiting(sources, here, known)];
  const quotes = new Quotes(sources, [...here.values()]);

  const entries = new Map<MessageId, Entry>();
  for (const one of placed) {
    const entry = entryOf(sources, one, quotes, before.entries.get(one.id));
    if (entry !== null) entries.set(one.id, entry);
  }
  return { items: arrange(sources, entries), entries, missing: [...missing], lastSeq: stamped.at(-1)?.seq ?? 0 };
}

/** Adds to `missing` the pages that bodies are missing from, to `known` all that have a stamp. */
function placeStamped(
  shown: readonly PageContent[],
  here: ReadonlyMap<number, PageContent>,
  missing: Set<number>,
  known: Set<MessageId>,
): Placed[] {
  const seen = new Set<MessageId>();
  const placed: Placed[] = [];
  let inOrder = true;
  for (const page of shown) {
    for (const [seq, id, at, elsewhere] of page.order) {
      if (seen.has(id)) continue;
      seen.add(id);
      known.add(id);
      const body = elsewhere === undefined ? page : (here.get(elsewhere) ?? null);
      if (body === null && elsewhere !== undefined) missing.add(elsewhere);
      if (seq < (placed.at(-1)?.seq ?? 0)) inOrder = false;
      placed.push({ id, seq, at, page: body });
    }
  }
  return inOrder ? placed : placed.sort((a, b) => (a.seq ?? 0) - (b.seq ?? 0));
}

/** Own messages without a stamp, by the time they were written. */
function placeWaiting(
  sources: TimelineSources,
  here: ReadonlyMap<number, PageContent>,
  known: ReadonlySet<MessageId>,
): Placed[] {
  const waiting = new Map<MessageId, Placed>();
  for (const page of here.values()) {
    for (const [id, message] of page.messages) {
      if (known.has(id as MessageId) || message.by !== sources.me || page.deleted.has(id)) continue;
      if (sources.isWaiting(id as MessageId, page.page))
        waiting.set(id as MessageId, { id: id as MessageId, seq: null, at: message.at, page });
    }
  }
  return [...waiting.values()].sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
}

function entryOf(sources: TimelineSources, placed: Placed, quotes: Quotes, before: Entry | undefined): Entry | null {
  const { id, page } = placed;
  // The body's page is on its way.
  if (page === null) return null;
  const message = page.messages.get(id);
  const deletion = page.deleted.get(id);
  const reactions = page.reactions.get(id);
  if (before && isAsBefore(sources, before, placed, message, deletion, reactions)) return before;
  const view =
    message === undefined || deletion !== undefined
      ? traceOf(sources, placed, deletion, message)
      : viewOf(sources, placed, message, reactions, quotes);
  if (view === null) return null;
  const same = before !== undefined && isSame(before.view, view);
  return {
    view: same ? before.view : view,
    item: same ? before.item : null,
    page: page.page,
    message,
    deletion,
    reactions,
  };
}

/** Without looking closer: nothing it is made of is another object. What is quoted may change by itself, so replies are looked at. */
function isAsBefore(
  sources: TimelineSources,
  was: Entry,
  { seq, page }: Placed,
  message: Message | undefined,
  deletion: Deletion | undefined,
  reactions: readonly Reaction[] | undefined,
): boolean {
  const { view } = was;
  return (
    message !== undefined &&
    was.message === message &&
    was.deletion === deletion &&
    was.reactions === reactions &&
    was.page === page?.page &&
    was.page !== QUEUE &&
    view.seq === seq &&
    view.replyTo === null &&
    view.reactions.length === 0 &&
    view.byName === sources.nameOf(view.by) &&
    view.state === (view.mine && view.call === null ? tickOf(seq, sources.others) : null) &&
    view.canEdit === (view.mine && sources.mayWrite && !view.deleted && view.call === null) &&
    view.canDelete === (!view.deleted && ((view.mine && sources.mayWrite) || sources.mayDeleteAny))
  );
}

function viewOf(
  sources: TimelineSources,
  { id, seq, at, page }: Placed,
  message: Message,
  reactions: readonly Reaction[] | undefined,
  quotes: Quotes,
): MessageView {
  const mine = message.by === sources.me;
  const call = message.call ?? null;
  const attachments = attachmentsOf(message);
  return {
    id,
    by: message.by,
    byName: sources.nameOf(message.by),
    mine,
    at,
    seq,
    text: message.text,
    attachments: page?.page === QUEUE ? (sources.onTheirWay?.(id, attachments) ?? attachments) : attachments,
    call,
    edited: message.editedAt !== undefined,
    deleted: false,
    // Nobody sent what is left of a call.
    state: mine && call === null ? tickOf(seq, sources.others) : null,
    replyTo: message.replyTo === undefined ? null : quotes.of(message.replyTo),
    reactions: summed(sources, reactions),
    canEdit: mine && sources.mayWrite && call === null,
    canDelete: (mine && sources.mayWrite) || sources.mayDeleteAny,
  };
}

/** What is left of a deleted message. Its author is forgotten with its text; who deleted it is known. */
function traceOf(
  sources: TimelineSources,
  { id, seq, at }: Placed,
  deletion: Deletion | undefined,
  message: Message | undefined,
): MessageView | null {
  if (seq === null) return null;
  const by = message?.by ?? deletion?.by;
  if (by === undefined) return null;
  return {
    id,
    by,
    byName: sources.nameOf(by),
    mine: by === sources.me,
    at,
    seq,
    text: '',
    attachments: NO_ATTACHMENTS,
    call: null,
    edited: false,
    deleted: true,
    state: null,
    replyTo: null,
    reactions: NO_REACTIONS,
    canEdit: false,
    canDelete: false,
  };
}

const NO_ATTACHMENTS: readonly AttachmentView[] = [];
const NO_REACTIONS: readonly ReactionView[] = [];

/** By emoji, the one used first in front. */
function summed(sources: TimelineSources, reactions: readonly Reaction[] | undefined): readonly ReactionView[] {
  if (reactions === undefined) return NO_REACTIONS;
  const byEmoji = new Map<string, ReactionView>();
  for (const { user, emoji } of reactions) {
    const sum = byEmoji.get(emoji) ?? { emoji, count: 0, mine: false, names: [] };
    byEmoji.set(emoji, {
      emoji,
      count: sum.count + 1,
      mine: sum.mine || user === sources.me,
      names: [...sum.names, sources.nameOf(user)],
    });
  }
  return [...byEmoji.values()];
}

function isSame(a: MessageView, b: MessageView): boolean {
  return (
    a.text === b.text &&
    a.seq === b.seq &&
    a.at === b.at &&
    a.by === b.by &&
    a.byName === b.byName &&
    (a.attachments === b.attachments || JSON.stringify(a.attachments) === JSON.stringify(b.attachments)) &&
    a.edited === b.edited &&
    a.deleted === b.deleted &&
    a.state === b.state &&
    a.canEdit === b.canEdit &&
    a.canDelete === b.canDelete &&
    (a.replyTo === b.replyTo || JSON.stringify(a.replyTo) === JSON.stringify(b.replyTo)) &&
    (a.reactions === b.reactions || JSON.stringify(a.reactions) === JSON.stringify(b.reactions))
  );
}
