/** What the screen reads and asks of calls, as types; calls.svelte.ts implements them. Every getter is reactive. */
import type { ConversationKind } from '#shared/access.ts';
import type { Fault } from '#shared/faults.ts';
import type { CallId, ConversationId, Sha256, UserId } from '#shared/ids.ts';
import type { CallOutcome, CallTrace } from '#shared/model/call-trace.ts';

export interface CallsView {
  /** The call that this device is in, places, or was in a moment ago. */
  readonly current: CurrentCallView | null;
  /** What rings on this device, oldest first. */
  readonly incoming: readonly IncomingCallView[];
  /** A call that goes on in the conversation without this device: to join, or to take over from another device of the same person. */
  ongoing(conversation: ConversationId): OngoingCallView | null;
  /** Whether one may call there: not to oneself, and not in a group that is too large. */
  canCall(conversation: ConversationId): boolean;
  /** Calls there, or joins the call that goes on there. Leaves another call first. Shows at once; what goes wrong is in `current`. */
  start(conversation: ConversationId, wanted: { video: boolean }): void;
}

/** The calls that were, as far as they are known here. */
export interface CallHistoryView {
  /** Newest first. */
  readonly calls: readonly PastCallView[];
  readonly hasOlder: boolean;
  /** Whether it is known that there are none, when there are none. */
  readonly isKnown: boolean;
  /** Asks the relay; without one everything stays. */
  refresh(): Promise<void>;
  older(): Promise<void>;
}

export interface PastCallView {
  readonly id: CallId;
  readonly conversation: ConversationId;
  /** The group's name; of a direct call the other person's. */
  readonly title: string;
  readonly avatarSeed: string;
  readonly picture: Sha256 | null;
  readonly mine: boolean;
  readonly video: boolean;
  /** When it began to ring. */
  readonly at: number;
  /** What became of it; null while it goes on. */
  readonly trace: CallTrace | null;
}

export interface IncomingCallView {
  readonly id: CallId;
  readonly conversation: ConversationId;
  readonly kind: ConversationKind;
  /** The group's name; of a direct call the caller's. */
  readonly title: string;
  readonly avatarSeed: string;
  /** A blob: the group's picture, or the other person's. */
  readonly picture: Sha256 | null;
  readonly byName: string;
  readonly video: boolean;
  /** This device is in another call: accepting ends that one. */
  readonly inAnother: boolean;
  accept(wanted: { video: boolean }): void;
  decline(): void;
}

export interface OngoingCallView {
  readonly id: CallId;
  readonly video: boolean;
  /** Who is in it. */
  readonly names: readonly string[];
  /** This person is in it, on another device. */
  readonly elsewhere: boolean;
  readonly isFull: boolean;
  /** When it was answered, milliseconds since 1970; null while it rings. */
  readonly since: number | null;
}

/** Why something could not be: each has a sentence that says what to do. */
export type CallTrouble =
  | 'microphone-refused'
  | 'microphone-missing'
  | 'microphone-busy'
  | 'camera-refused'
  | 'camera-missing'
  | 'camera-busy'
  /** The browser has no calls, or the page is not served over https. */
  | 'not-here'
  | 'screen-failed'
  | 'relay-away'
  | Fault;

export type CallStage =
  /** The browser asks for the microphone. */
  | { readonly is: 'asking' }
  /** On its way to the relay. */
  | { readonly is: 'placing' }
  /** It rings at the others. */
  | { readonly is: 'ringing' }
  /** Answered, and nothing to hear yet. */
  | { readonly is: 'connecting' }
  /** `since`: the answer, in milliseconds since 1970. */
  | { readonly is: 'live'; readonly since: number }
  /** What came from the others has stopped; the call tries by itself. */
  | { readonly is: 'reconnecting'; readonly since: number }
  /** Shown for a moment. `elsewhere`: another device of this person has it. */
  | { readonly is: 'over'; readonly outcome: CallOutcome | 'elsewhere'; readonly seconds: number };

export interface CurrentCallView {
  readonly id: CallId;
  readonly conversation: ConversationId;
  readonly kind: ConversationKind;
  /** The group's name, or the other person's. */
  readonly title: string;
  readonly avatarSeed: string;
  readonly picture: Sha256 | null;
  readonly stage: CallStage;
  readonly trouble: CallTrouble | null;
  dismissTrouble(): void;
  readonly me: CallSelfView;
  /** Everybody else who is in or rings, in an order that does not jump. */
  readonly others: readonly CallTileView[];
  /** Who speaks, or spoke last; null while nobody has. */
  readonly speaker: UserId | null;
  readonly canShareScreen: boolean;
  /** More than one camera is there. */
  readonly canSwitchCamera: boolean;
  readonly devices: CallDevicesView;
  /** Fills the screen; otherwise it is a bar above the conversations. */
  readonly isLarge: boolean;
  showLarge(large: boolean): void;
  toggleMicrophone(): void;
  toggleCamera(): void;
  switchCamera(): void;
  toggleScreen(): void;
  hangUp(): void;
}

export interface CallSelfView {
  readonly microphone: boolean;
  readonly camera: boolean;
  readonly screen: boolean;
  /** The own camera or screen, to be shown without sound; mirrored when it is the camera. */
  readonly stream: MediaStream | null;
  readonly speaking: boolean;
}

export interface CallTileView {
  readonly id: UserId;
  readonly name: string;
  readonly picture: Sha256 | null;
  readonly state: 'ringing' | 'connecting' | 'live' | 'reconnecting';
  /** To be played by the screen for as long as the call lasts, and shown when `shows` says so. */
  readonly stream: MediaStream | null;
  readonly shows: 'camera' | 'screen' | 'nothing';
  readonly muted: boolean;
  readonly speaking: boolean;
  readonly quality: 'good' | 'poor' | 'bad' | null;
}

export interface DeviceChoice {
  readonly id: string;
  /** As the browser calls it; empty before it was allowed to tell. */
  readonly label: string;
}

export interface CallDevicesView {
  readonly microphones: readonly DeviceChoice[];
  readonly cameras: readonly DeviceChoice[];
  /** Empty where the browser does not let pages choose. */
  readonly speakers: readonly DeviceChoice[];
  readonly microphone: string | null;
  readonly camera: string | null;
  readonly speaker: string | null;
  /** How loud the own microphone is now, 0 to 1. */
  readonly level: number;
  chooseMicrophone(id: string): void;
  chooseCamera(id: string): void;
  chooseSpeaker(id: string): void;
}
