/**
 * What the screen reads and asks, as types. The rune classes beside this file implement them; components take them as props or from
 * the context and know nothing below. Every getter is reactive. Nothing here waits for the network: what the device has is there at once.
 * Methods that return a promise of a Fault answer null when all went well; they never throw for a refusal or a missing network.
 */
import type { Action, ConversationKind, History, Role } from '#shared/access.ts';
import type { Fault } from '#shared/faults.ts';
import type { ConversationId, MessageId, Sha256, UserId } from '#shared/ids.ts';
import type { CallTrace } from '#shared/model/call-trace.ts';
import type { Attached, AttachmentKind } from '#shared/model/media-types.ts';
import type { Me, SessionInfo } from '#shared/protocol/api.ts';
import type { Person } from '#shared/protocol/overview.ts';
import type { CallHistoryView, CallsView } from './call-views.ts';

/** A refusal as the screen says it: the word from faults.ts, or that the relay could not be reached; with fields when the form is at fault. */
export interface Refusal {
  code: Fault | 'offline';
  fields: Record<string, string>;
}

/** Before there is a person: sign up, sign in. */
export interface DoorView {
  signup(input: { email: string; password: string; name: string }): Promise<Refusal | null>;
  login(input: { email: string; password: string }): Promise<Refusal | null>;
}

export type ConnectionState = 'offline' | 'connecting' | 'online';

export interface ConnectionView {
  readonly state: ConnectionState;
  /** Messages and requests written here that the relay has not acknowledged. */
  readonly waiting: number;
}

export type MessageState = 'waiting' | 'sent' | 'delivered' | 'read';

/** One line of the list of conversations. */
export interface ConversationRowView {
  readonly id: ConversationId;
  readonly kind: ConversationKind;
  /** The group's title, the other person's name; null for notes to oneself (the screen has a word for it). */
  readonly title: string | null;
  /** What colours and letters the avatar: the other person's id in a direct conversation, the conversation's own otherwise. */
  readonly avatarSeed: string;
  /** A blob: of the group, or of the other person. */
  readonly picture: Sha256 | null;
  readonly last: {
    by: UserId;
    byName: string;
    mine: boolean;
    at: number;
    text: string;
    attachments: number;
    attached: Attached | null;
    /** What is left of a call; then there is no text. */
    call: CallTrace | null;
    state: MessageState | null;
  } | null;
  /** What was typed and not sent; shown instead of the last message while the conversation is not open. */
  readonly draft: string | null;
  readonly unread: number;
  readonly mentions: number;
  readonly pinned: boolean;
  readonly muted: boolean;
  /** Waits in the outbox to be created. */
  readonly pending: boolean;
  /** The other person of a direct conversation is here. */
  readonly online: boolean;
  /** Who types in it, by name. */
  readonly typing: readonly string[];
  /** What the list is sorted by, newest first, pinned before the rest. */
  readonly sortedAt: number;
}

export interface ReactionView {
  emoji: string;
  count: number;
  mine: boolean;
  names: string[];
}

/** A message that is answered. */
export type QuoteView = { readonly id: MessageId } & (
  | { readonly is: 'here'; readonly byName: string; readonly text: string; readonly call?: CallTrace | undefined }
  | { readonly is: 'deleted' }
  /** On a page that is not on screen: `bringQuoted` looks for it. */
  | { readonly is: 'looked-for' }
  /** This device does not have it, and the relay could not be asked or did not have it either. */
  | { readonly is: 'not-here' }
  /** Written before this person joined, and hidden from them. */
  | { readonly is: 'hidden' }
);

export interface MessageView {
  readonly id: MessageId;
  readonly by: UserId;
  readonly byName: string;
  readonly mine: boolean;
  /** Relay time when stamped, the author's own before that. */
  readonly at: number;
  /** Null while waiting. */
  readonly seq: number | null;
  readonly text: string;
  readonly attachments: readonly AttachmentView[];
  /** This is what is left of a call, by whoever called. */
  readonly call: CallTrace | null;
  readonly edited: boolean;
  /** Deleted messages leave a trace; their text is gone. */
  readonly deleted: boolean;
  /** Of own messages; null for those of others and for what is left of a deleted one. */
  readonly state: MessageState | null;
  readonly replyTo: QuoteView | null;
  readonly reactions: readonly ReactionView[];
  readonly canEdit: boolean;
  readonly canDelete: boolean;
}

/** How far an own attachment is on its way to the relay; bytes. */
export type SendingView =
  | { readonly is: 'waiting' }
  | { readonly is: 'uploading'; readonly sent: number; readonly size: number }
  /** Not by itself any more: the person tries again, or takes it back. */
  | { readonly is: 'failed'; readonly code: Fault | 'offline' | NotReady };

/** `unreadable`: a picture that this browser cannot open; it can be sent as a file. `lost`: its bytes went before they were kept. */
type NotReady = 'unreadable' | 'lost';

/** Something that came with a message. */
export interface AttachmentView {
  readonly sha256: Sha256;
  readonly kind: AttachmentKind;
  readonly name: string;
  readonly type: string;
  /** Bytes. */
  readonly size: number;
  /** Pixels, as it is shown; null where the sender did not say. */
  readonly width: number | null;
  readonly height: number | null;
  /** A ThumbHash in base64. */
  readonly thumb: string | null;
  readonly poster: Sha256 | null;
  readonly seconds: number | null;
  /** From 0 to 1, from beginning to end; empty unless it is a voice note. */
  readonly waveform: readonly number[];
  /** Null once the relay has it. */
  readonly sending: SendingView | null;
}

/** A blob that something on screen shows. Every getter is reactive. */
export interface HeldBlob {
  /** For `src`; null while it is not here. */
  readonly url: string | null;
  /** `reading` the device's own copy (milliseconds), `coming` from the relay, `away`: not on this device, and no network; `gone`: the relay has it no more, or not for this person. */
  readonly state: 'reading' | 'here' | 'coming' | 'away' | 'gone';
  /** Bytes that have come. */
  readonly received: number;
  /** It has left the screen. */
  release(): void;
}

/** What is sent with messages, as this device has it. */
export interface BlobsView {
  /** The device's copy at once, else the relay's, which is kept for the next time. */
  hold(sha256: Sha256): HeldBlob;
  /** Where the relay has it: for films that are not kept whole, and for downloads. */
  address(sha256: Sha256): string;
  /** Whether it can be shown or saved without a network. */
  isHere(sha256: Sha256): Promise<boolean>;
  /** The bytes, from wherever they are; null when they cannot be had now. */
  read(sha256: Sha256): Promise<Blob | null>;
  /** Of what was received: bytes kept on this device as they were counted last, and how many may be. */
  readonly kept: { readonly bytes: number; readonly budget: number };
  setBudget(bytes: number): void;
  /** Counts what is kept anew: other tabs keep things too. */
  count(): Promise<void>;
  /** Lets go of all that was received; the relay has it still. */
  forget(): Promise<void>;
}

/** Something chosen for the message that is being written. */
export interface TrayItemView {
  readonly key: string;
  readonly kind: AttachmentKind;
  readonly name: string;
  /** Bytes, of what would be sent. */
  readonly size: number;
  /** For `src` of a small picture of it; null for what has none. */
  readonly preview: string | null;
  /** `unreadable`: a picture that does not decode, `huge`: one of too many pixels to; they can be sent as files. `lost`: its bytes went before they were kept. */
  readonly state: 'preparing' | 'ready' | 'empty' | 'too-large' | 'unreadable' | 'huge' | 'no-room' | 'lost';
  /** A picture that goes as it is, with everything that is in it. */
  readonly original: boolean;
}

/** What was recorded: the sound, how long it is, how loud it is from beginning to end (0 to 1). */
export interface Recording {
  readonly bytes: Blob;
  readonly seconds: number;
  readonly waveform: readonly number[];
}

/** A voice note, as the player has it. */
export interface Track {
  readonly sha256: Sha256;
  /** Whose it is, as the screen says it. */
  readonly by: string;
  readonly mine: boolean;
  readonly at: number;
  readonly seconds: number | null;
}

/** Plays voice notes, one at a time and wherever one goes in the app. Every getter is reactive. */
/** Which voice notes were heard to their end on this device. */
export interface HeardView {
  has(sha256: Sha256): boolean;
  add(sha256: Sha256): void;
}

export interface PlayerView {
  /** Under way or paused; null when there is none. */
  readonly track: Track | null;
  readonly playing: boolean;
  /** Seconds from its beginning, and in all. */
  readonly at: number;
  readonly length: number;
  readonly speed: number;
  /** The voice note of `track` can be seen. */
  readonly isOnScreen: boolean;
  /** From where it was left. */
  play(track: Track): void;
  pause(): void;
  /** Seconds from its beginning; one that is not under way begins there when it is played. */
  seek(track: Track, to: number): void;
  /** Where it is, or was left. */
  positionOf(sha256: Sha256): number;
  /** This browser has no means to play it. */
  isUnplayable(sha256: Sha256): boolean;
  /** A voice note is drawn here: what follows one that ends is looked for among these. Returns what to call when it is drawn no longer. */
  shows(track: Track, element: HTMLElement): () => void;
  nextSpeed(): void;
  stop(): void;
}

export type TimelineItem =
  /** Where it begins; `joined`: where it begins for this person, who sees messages from their joining on. */
  | { is: 'start' | 'joined'; key: string }
  | { is: 'day'; key: string; at: number }
  | { is: 'new'; key: string; count: number }
  /** `first` and `last` of a run by one author within a few minutes: the first shows the name, the last the tail and avatar. */
  | { is: 'message'; key: string; message: MessageView; first: boolean; last: boolean };

export interface TimelineView {
  /** Oldest first. Keys are steady: the same message has the same key before and after its stamp. */
  readonly items: readonly TimelineItem[];
  /** Whether there are older messages than the first item, on the device or on the relay. */
  readonly hasOlder: boolean;
  /** What was written before this person joined is hidden from them. */
  readonly fromJoining: boolean;
  /** True while older messages are on their way that the device does not have (offline: they stay away, `olderUnreachable`). */
  readonly loadingOlder: boolean;
  readonly olderUnreachable: boolean;
  /** Brings an older page in front; resolves when `items` has it (or could not get it). */
  loadOlder(): Promise<void>;
  /** Loads until the message is among `items`; false when it cannot be had. */
  reach(id: MessageId): Promise<boolean>;
  /** A reply is on screen whose quoted message is `looked-for`. */
  bringQuoted(id: MessageId): void;
  /** The screen shows everything up to this seq: moves the read mark. */
  markRead(seq: number): void;
  /** Highest seq among `items`, 0 when empty. */
  readonly lastSeq: number;
  /** Stamped messages by others behind the read mark. */
  readonly unread: number;
}

export interface MemberView {
  readonly id: UserId;
  readonly name: string;
  readonly picture: Sha256 | null;
  readonly role: Role;
  readonly me: boolean;
  /** Is here; somebody whom one shares no small conversation with never is. */
  readonly online: boolean;
  /** Whether the person at this device may remove them, or change their role. */
  readonly canRemove: boolean;
  readonly canChangeRole: boolean;
}

/** Who has one of the own messages of a group, and who has read it; nobody who came later. Null while the relay has to be asked and is not there. */
export interface ReceiptsView {
  readonly read: readonly MemberView[];
  readonly delivered: readonly MemberView[];
  readonly missing: readonly MemberView[];
}

/** What the composer is about to do. */
export type ComposerMode =
  { is: 'new' } | { is: 'reply'; to: QuoteView } | { is: 'edit'; id: MessageId; original: string };

export interface ConversationView {
  readonly id: ConversationId;
  /** `loading` only until the device's own copy is read (milliseconds); `unknown`: not in the list and not reachable; `left`: no longer a member; `deleted`: by its owner. */
  readonly status: 'loading' | 'ready' | 'unknown' | 'left' | 'deleted';
  readonly kind: ConversationKind;
  readonly title: string | null;
  readonly topic: string;
  readonly avatarSeed: string;
  /** A blob: of the group, or of the other person. */
  readonly picture: Sha256 | null;
  /** Whom a message is by, also when they have left. */
  pictureOf(person: UserId): Sha256 | null;
  readonly members: readonly MemberView[];
  /** Of a large group the number is known before the people are. */
  readonly memberCount: number;
  readonly myRole: Role | null;
  /** The other person of a direct conversation; null in groups and notes. */
  readonly other: Person | null;
  /** Of the other person; null in groups and notes. `lastSeen` is null when it is not known. */
  readonly presence: { online: boolean; lastSeen: number | null } | null;
  /** Who types, by name. */
  readonly typing: readonly string[];
  readonly pending: boolean;
  may(action: Action): boolean;

  readonly timeline: TimelineView;

  /** Text of the composer, kept as a draft on every change (synced after a moment). */
  readonly composer: { readonly text: string; readonly mode: ComposerMode };
  type(text: string): void;
  startReply(id: MessageId): void;
  startEdit(id: MessageId): void;
  /** Edits the newest own message (arrow up in an empty composer). */
  startEditLast(): void;
  cancelMode(): void;
  /** Sends what was typed, or saves the edit; the composer is empty afterwards. Null when there was nothing to send. */
  submit(): MessageId | null;

  /** Chosen for the message that is being written. */
  readonly tray: readonly TrayItemView[];
  /** How many of those chosen last were more than a message takes. */
  readonly leftOut: number;
  /** What was chosen is on its way into the tray: a message that were sent now would go without it. */
  readonly attaching: boolean;
  /** What was chosen last was not taken: the part of the app that does it could not be loaded. */
  readonly attachFailed: boolean;
  attach(files: readonly File[]): void;
  detach(key: string): void;
  /** A picture smaller and without what is hidden in it, or as it is. */
  setOriginal(key: string, original: boolean): void;
  sendVoice(recording: Recording): MessageId | null;
  /** Takes back a message whose attachments have not all arrived; what else was written is given back to the composer. */
  cancelSending(id: MessageId): void;
  /** `asFile`: what could not be opened as a picture goes as it is. */
  retrySending(id: MessageId, asFile?: boolean): void;

  react(id: MessageId, emoji: string): void;
  deleteMessage(id: MessageId): void;
  receipts(id: MessageId): ReceiptsView | null;
  /** In a large group only the relay knows who has it: asks for it, for `receipts`. */
  askForReceipts(): Promise<void>;

  /** What members who are added see. */
  readonly history: History;
  setHistory(history: History): void;
  rename(title: string): void;
  setTopic(topic: string): void;
  /** Of a group: a small square, or null to take it away. Shows at once, and waits in the outbox without a network. */
  setPicture(picture: Blob | null): Promise<Refusal | null>;
  addMembers(people: readonly Person[]): void;
  removeMember(id: UserId): void;
  changeRole(id: UserId, role: 'admin' | 'member' | 'owner'): void;
  leave(): Promise<Refusal | null>;
  /** For everybody. Waits in the outbox without a network. */
  deleteGroup(): Promise<Refusal | null>;

  /** Called when the conversation leaves the screen. */
  close(): void;
}

/** Something the person must know: a request refused later, a disk that is full. Shown as a calm notice until dismissed. */
export type Notice = { key: string } & (
  | {
      is: 'refused';
      what:
        | 'create'
        | 'add-member'
        | 'remove-member'
        | 'change-role'
        | 'change-history'
        | 'leave'
        | 'delete-group'
        | 'profile'
        | 'picture';
      code: Fault;
      detail: string;
    }
  | { is: 'storage-failed'; reason: 'full' | 'blocked' }
  /** What could not be kept where it was written: shown so that texts can be copied, and files be saved. */
  | {
      is: 'rescued';
      conversation: ConversationId | null;
      texts: string[];
      files?: readonly Pick<AttachmentView, 'sha256' | 'name'>[];
    }
  /** Something else that this person did and the relay did not take, done while there was no network. `text` is what was typed, if anything. */
  | {
      is: 'not-taken';
      what: 'title' | 'topic' | 'avatar' | 'pin' | 'reaction' | 'deletion';
      code: Fault;
      text: string;
    }
);

export interface PeopleFound {
  /** Those who share a conversation with this person first, then by name; at most PEOPLE_FOUND_MAX_COUNT. */
  people: Person[];
  /** The relay was asked too. */
  complete: boolean;
  /** There are more than can be listed. */
  more: boolean;
}

export interface AppView {
  readonly me: Me;
  readonly connection: ConnectionView;
  readonly calls: CallsView;
  callHistory(): Promise<CallHistoryView>;
  /** Loaded when something that was sent with a message is shown first. Rejects when that cannot be, because a newer version has taken the place of this one. */
  blobs(): Promise<BlobsView>;
  /** Null until the first voice note is on screen. */
  readonly player: PlayerView | null;
  /** The one player of the app; it is loaded with the first voice note, which brings along how one is made. */
  playWith(make: (heard: HeardView) => PlayerView): PlayerView;
  /** All conversations, sorted for the list. */
  readonly rows: readonly ConversationRowView[];
  readonly totalUnread: number;
  readonly totalMentions: number;
  /** True until the first list is there: only on a device's very first start. */
  readonly firstLoad: boolean;
  readonly notices: readonly Notice[];
  dismiss(key: string): void;
  /** The session ended elsewhere: the app says so and keeps everything until the person decides. */
  readonly signedOut: boolean;

  open(id: ConversationId): ConversationView;
  /** Creates it if there is none; works offline. */
  startDirect(person: Person): Promise<ConversationId>;
  startGroup(title: string, people: readonly Person[]): ConversationId;
  startNotes(): Promise<ConversationId>;

  /** People known on this device at once; with the relay's answer when there is a network. Sorted by name. */
  searchPeople(query: string): Promise<PeopleFound>;
  person(id: UserId): Promise<{ name: string; about: string } | null>;

  pin(id: ConversationId, pinned: boolean): void;

  updateProfile(change: { name?: string; about?: string }): Promise<Refusal | null>;
  /** A small square, or null to take it away. Shows at once, and waits in the outbox without a network. */
  setPicture(picture: Blob | null): Promise<Refusal | null>;
  changePassword(current: string, next: string): Promise<Refusal | null>;
  sessions(): Promise<SessionInfo[] | Refusal>;
  endSession(id: string): Promise<Refusal | null>;
  /** How many messages and requests would be lost by signing out now. */
  readonly unsent: number;
  /** Ends the session, forgets this person's data on this device. */
  signOut(): Promise<void>;
  /** Bytes kept on this device, and whether the browser promised to keep them. */
  storage(): Promise<{ bytes: number; persisted: boolean }>;
}
