/** Puts days, the "new" line and groups between the messages of a timeline. */
import type { MessageId } from '#shared/ids.ts';
import type { Entry, TimelineSources } from './timeline-items.ts';
import type { MessageView, TimelineItem } from './views.ts';

/** Messages of one author closer than this are one group. */
const GROUP_MS = 5 * 60_000;

export function arrange(sources: TimelineSources, entries: ReadonlyMap<MessageId, Entry>): TimelineItem[] {
  const items: TimelineItem[] = [];
  const list = [...entries.values()];
  if (sources.atStart) items.push({ is: sources.fromJoining ? 'joined' : 'start', key: 'start' });
  const newBefore = firstNew(sources, list);
  const days = new Set<string>();
  const startOf = dayFinder();
  let previous: MessageView | null = null;
  list.forEach((entry, index) => {
    const message = entry.view;
    const day = startOf(message.at);
    const newDay = previous === null || startOf(previous.at) !== day;
    if (newDay) items.push(dayItem(day, days));
    const line = message === newBefore;
    if (line) items.push({ is: 'new', key: 'new', count: sources.newLine?.count ?? 0 });
    const first = newDay || line || !isGroup(previous, message);
    const next = list[index + 1]?.view;
    const last = next === undefined || next === newBefore || startOf(next.at) !== day || !isGroup(message, next);
    if (entry.item?.first !== first || entry.item.last !== last)
      entry.item = { is: 'message', key: message.id, message, first, last };
    items.push(entry.item);
    previous = message;
  });
  return items;
}

/** No line when the first unread message is further back than what is shown. */
function firstNew({ newLine, shown, atStart }: TimelineSources, list: readonly Entry[]): MessageView | null {
  if (newLine === null) return null;
  const earliest = shown[0]?.order[0]?.[0];
  if (!atStart && (earliest === undefined || earliest > newLine.after + 1)) return null;
  return list.find(({ view }) => view.seq !== null && view.seq > newLine.after && !view.mine)?.view ?? null;
}

const isGroup = (a: MessageView | null, b: MessageView): boolean =>
  a !== null && a.by === b.by && Math.abs(b.at - a.at) < GROUP_MS;

/** A relay's clock that was set back may bring the same day twice; a key may not come twice. */
function dayItem(at: number, days: Set<string>): TimelineItem {
  let key = `day:${String(at)}`;
  while (days.has(key)) key += '+';
  days.add(key);
  return { is: 'day', key, at };
}

/** Midnight, by the device's clock, of the day of a time. Neighbours are mostly of the same day, and `Date` is slow. */
function dayFinder(): (at: number) => number {
  let from = 0;
  let to = 0;
  return (at) => {
    if (at < from || at >= to) {
      const day = new Date(at);
      from = day.setHours(0, 0, 0, 0);
      to = day.setDate(day.getDate() + 1);
    }
    return from;
  };
}
