/** The queue as the timeline reads it: a page that no document has, with the messages whose attachments have not all arrived. */
import type { Sha256 } from '#shared/ids.ts';
import type { Queued } from '../local/queue.ts';
import type { QueuedMessage, Upload } from '../local/tables.ts';
import type { PageContent } from './page-content.ts';
import type { AttachmentView, SendingView } from './views.ts';

/** No page has this number. */
export const QUEUE = -1;

export const queuedPage = (rows: readonly Queued[]): PageContent => ({
  page: QUEUE,
  order: [],
  messages: new Map(rows.map(({ id, message }) => [id, message])),
  deleted: new Map(),
  reactions: new Map(),
});

/** How far each is on its way; `sent`: bytes of those that are under way. */
export const onTheirWay = (
  attachments: readonly AttachmentView[],
  { uploads }: QueuedMessage,
  sent: (sha256: Sha256) => number | undefined,
): AttachmentView[] => attachments.map((one) => ({ ...one, sending: sendingOf(one, uploads, sent) }));

/** What has stopped before it was ready. */
function whyOf({ chosen }: Upload): 'unreadable' | 'lost' | null {
  if (chosen?.state === 'lost') return 'lost';
  return chosen?.state === 'unreadable' || chosen?.state === 'huge' ? 'unreadable' : null;
}

function sendingOf(
  { sha256, poster }: AttachmentView,
  uploads: QueuedMessage['uploads'],
  sent: (sha256: Sha256) => number | undefined,
): SendingView | null {
  const mine = uploads.filter((one) => one.sha256 === sha256 || one.sha256 === poster);
  const stopped = mine.find(({ failed }) => failed !== undefined);
  if (stopped?.failed !== undefined) return { is: 'failed', code: whyOf(stopped) ?? stopped.failed };
  const coming = mine.filter(({ arrivedAt }) => arrivedAt === undefined);
  if (coming.length === 0) return null;
  if (coming.length === mine.length && mine.every((one) => sent(one.sha256) === undefined)) return { is: 'waiting' };
  const size = mine.reduce((sum, one) => sum + one.size, 0);
  const there = mine.reduce((sum, one) => sum + (one.arrivedAt === undefined ? (sent(one.sha256) ?? 0) : one.size), 0);
  return { is: 'uploading', sent: Math.min(there, size), size };
}
