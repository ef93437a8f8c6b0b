/** What the device keeps beside the documents, as tables: what the list shows, what waits, whom we know. Keys are plain strings. */
import type { ConversationKind, History } from '#shared/access.ts';
import type { ConversationId, Sha256, UserId } from '#shared/ids.ts';
import type { Fault } from '#shared/faults.ts';
import type { Attachment, Message } from '#shared/model/message.ts';
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
  | { is: 'profile'; change: { name?: string; about?: string } }
  /** Of a group, or one's own where there is none; null takes it away. Its bytes are on the shelf until the relay has them. */
  | { is: 'picture'; conversation: ConversationId | null; sha256: Sha256 | null };

/** Something chosen for a message: what it is, and what is to be sent of it once it was made ready. */
export interface Chosen {
  /** Names the bytes as they were chosen, which nobody has hashed yet. */
  key: Sha256;
  name: string;
  type: string;
  /** Bytes, as it was chosen. */
  size: number;
  kind: 'image' | 'video' | 'voice' | 'audio' | 'file';
  original: boolean;
  /** The tab in which it was chosen: as long as that one is there, it alone knows whether the bytes are lost. */
  tab?: string;
  /** `huge`: too many pixels to decode; `lost`: the tab in which it was chosen ended before its bytes were kept. */
  state: 'preparing' | 'ready' | 'empty' | 'too-large' | 'unreadable' | 'huge' | 'no-room' | 'lost';
  /** Pixels, of a picture: its place is kept for it before it is ready. */
  width?: number;
  height?: number;
  /** Of a voice note. */
  seconds?: number;
  waveform?: string;
  /** What it was made of is not here any more: it stays as it is. */
  isTakenBack?: boolean;
  ready?: { attachment: Attachment; uploads: readonly Upload[] };
}

/** A blob that has to be at the relay before the message that names it. */
export interface Upload {
  sha256: Sha256;
  /** Bytes. */
  size: number;
  /** Sent before it was ready: `sha256` is its key, for the time being. */
  chosen?: Chosen;
  /** When the relay had all of it, by this device's clock. */
  arrivedAt?: number;
  /** Where the relay has the part of it that has come. */
  resumeAt?: string;
  /** How often other bytes arrived than were sent. */
  mangled?: number;
  /** It does not go by itself any more. */
  failed?: Fault;
}

/**
 * An own message without a stamp, whole: so that the list shows it without opening its page, and so that it can be written again should its
 * page have lost it (the two are in different databases, and a crash may fall between them).
 */
interface WrittenMessage {
  conversation: ConversationId;
  page: number;
  message: Message;
  uploads?: undefined;
}

/** One that is in no page yet: what it names has to arrive first, or what was written before it. */
export interface QueuedMessage {
  conversation: ConversationId;
  page?: undefined;
  message: Message;
  uploads: readonly Upload[];
}

export type WaitingMessage = WrittenMessage | QueuedMessage;

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
