/** What the device keeps beside the documents, as tables: what the list shows, what waits, whom we know. Keys are plain strings. */
import type { ConversationKind, History } from '#shared/access.ts';
import type { ConversationId, UserId } from '#shared/ids.ts';
import type { Message } from '#shared/model/message.ts';
import type { OverviewRow, Person } from '#shared/protocol/overview.ts';

/** Something only the relay can do, waiting to be asked. Each is safe to ask twice. */
export type OutboxRequest =
  | {
      is: 'create';
      conversation: ConversationId;
      kind: ConversationKind;
      title: string | null;
      people: Person[];
      at: number;
    }
  | { is: 'add-member'; conversation: ConversationId; person: Person }
  | { is: 'remove-member'; conversation: ConversationId; user: UserId }
  | { is: 'change-role'; conversation: ConversationId; user: UserId; role: 'admin' | 'member' | 'owner' }
  | { is: 'change-history'; conversation: ConversationId; history: History }
  | { is: 'leave'; conversation: ConversationId }
  | { is: 'delete-group'; conversation: ConversationId }
  | { is: 'profile'; change: { name?: string; about?: string } };

/**
 * An own message without a stamp, whole: so that the list shows it without opening its page, and so that it can be written again should its
 * page have lost it (the two are in different databases, and a crash may fall between them).
 */
export interface WaitingMessage {
  conversation: ConversationId;
  page: number;
  message: Message;
}

/** A document with a change of this device that the relay has not confirmed to hold. One mark per tab, so that none clears another's. */
export interface DirtyMark {
  doc: string;
  tab: string;
}

export interface Tables {
  /** conversation → its row, as the relay last said it. */
  overview: OverviewRow;
  /** number, padded → request, in the order they were made. */
  outbox: OutboxRequest;
  /** message → where it waits. */
  waiting: WaitingMessage;
  /** `<document> <tab>` → mark. */
  dirty: DirtyMark;
  /** person → what they are called. */
  people: Person;
  /** conversation → the seq up to which its recent pages were fetched ahead. */
  fetched: number;
  /** conversation → the seq up to which this device has it on its disk, without a gap since the last mark the relay knew of. */
  held: number;
  /** conversation → the seq up to which this person has read here. */
  read: number;
  /** person → when they were last here, as far as this device was told. */
  seen: number;
  /** Notices, titles written offline, and other single values. */
  kv: unknown;
}

export type TableName = keyof Tables;
export const TABLES: readonly TableName[] = [
  'overview',
  'outbox',
  'waiting',
  'dirty',
  'people',
  'fetched',
  'held',
  'read',
  'seen',
  'kv',
];
