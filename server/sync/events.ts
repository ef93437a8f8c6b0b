/** What the living room announces. relay.ts passes it on to unread, push and search; nothing here knows them. All that was written is on disk when told. */
import type { ConversationId, MessageId, UserId } from '#shared/ids.ts';
import type { ConversationKind, Role } from '#shared/access.ts';
import type { Fault } from '#shared/faults.ts';
import type { Message } from '#shared/model/message.ts';
import type { CallAsk, RelayControl } from '#shared/protocol/control.ts';

export interface PostedMessage {
  seq: number;
  id: MessageId;
  author: UserId;
  /** As indexed: without a mention of everybody that the author may not make. */
  value: Message;
}

/** A socket for all of a tab's documents, as somebody who answers it later knows it. */
export interface Speaker {
  readonly isOpen: boolean;
  tell(message: RelayControl): void;
}

export interface RelayEvents {
  posted(event: { conversation: ConversationId; messages: PostedMessage[] }): void;
  /** Messages were edited or deleted: rows of the list may read differently. */
  changed(event: { conversation: ConversationId }): void;
  read(event: { person: UserId; conversation: ConversationId; seq: number }): void;
  /** Somebody with the right to has changed these fields of `meta`; what was removed is ''. */
  titled(event: { conversation: ConversationId; title?: string; topic?: string; avatar?: string }): void;
  /** Something a client sent was refused, and its channel or socket closed. */
  refused(event: { fault: Fault }): void;
  /** A socket for all of a tab's documents came up. */
  connected(event: {
    person: UserId;
    tell: (message: RelayControl) => void;
    /** Closes it with "try again": what it has to be told first cannot be read now. */
    again: () => void;
  }): void;
  /** Somebody is at one more such tab, or at one less: it was looked at, or was not for a while, or is gone. */
  here(event: { person: UserId; active: boolean }): void;
  /** A device has everything of these conversations up to there. Nobody has checked whether the person is in them. */
  delivered(event: { person: UserId; marks: readonly { conversation: ConversationId; seq: number }[] }): void;
  /** Somebody asks something of a call. Nobody has looked whether they may. */
  called(event: { person: UserId; from: Speaker; what: CallAsk }): void;
  /** A socket that has asked something of calls is gone; `closed`: the browser has closed its page, which may be loading anew. */
  hungUp(event: { from: Speaker; closed: boolean }): void;
  /** A member's awareness in the conversation's channel says whether they type. Comes again while they do. */
  typing(event: { person: UserId; conversation: ConversationId; typing: boolean }): void;
}

export interface Standing {
  role: Role;
  kind: ConversationKind;
  /** Messages up to this seq are hidden from them. */
  hiddenSeq: number;
}

/** Who is in which conversation, and as what; null for those who are not. */
export interface Membership {
  of(person: UserId, conversation: ConversationId): Promise<Standing | null>;
  /** Of a conversation that somebody is not in: whether its owner has deleted it. */
  wasDeleted(conversation: ConversationId): Promise<boolean>;
}
