/**
 * The HTTP API as data: each route's method, path and body, shared by the relay that answers and the app that asks.
 * Paths use `:name` for a parameter. Refusals are problem+json (RFC 9457) whose `code` is a word of faults.ts.
 */
import * as v from 'valibot';
import { ConversationKind, History } from '../access.ts';
import { CallId, ConversationId, MessageId, Sha256, UserId } from '../ids.ts';
import {
  ABOUT_MAX_CHARS,
  EMAIL_MAX_CHARS,
  GROUP_MAX_MEMBERS,
  HISTORY_PAGE_DEFAULT,
  HISTORY_PAGE_MAX,
  MESSAGE_MAX_CHARS,
  NAME_MAX_CHARS,
  PASSWORD_MAX_CHARS,
  PASSWORD_MIN_CHARS,
  SEARCH_MAX_CHARS,
  TOPIC_MAX_CHARS,
} from '../limits.ts';
import { CallOutcome, CallTrace } from '../model/call-trace.ts';
import { Attachment, Mentions } from '../model/message.ts';
import { Millis } from '../model/millis.ts';
import { Title } from '../model/conversation.ts';
import { OverviewRow, Person } from './overview.ts';

export const Email = v.pipe(v.string(), v.trim(), v.toLowerCase(), v.maxLength(EMAIL_MAX_CHARS), v.email());
export const Password = v.pipe(v.string(), v.minLength(PASSWORD_MIN_CHARS), v.maxLength(PASSWORD_MAX_CHARS));
export const Name = v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(NAME_MAX_CHARS));
export const About = v.pipe(v.string(), v.trim(), v.maxLength(ABOUT_MAX_CHARS));

/** What the relay says of a blob that was brought; `type` is what its bytes are. */
export const BroughtBlob = v.object({ sha256: Sha256, size: v.number(), type: v.string() });
export type BroughtBlob = v.InferOutput<typeof BroughtBlob>;

/** A person as they see themself. */
export const Me = v.object({ ...Person.entries, email: v.string(), about: v.string(), createdAt: Millis });
export type Me = v.InferOutput<typeof Me>;

export const SessionInfo = v.object({
  id: v.string(),
  /** What the browser called itself when the session began. */
  device: v.string(),
  createdAt: Millis,
  lastSeenAt: Millis,
  current: v.boolean(),
});
export type SessionInfo = v.InferOutput<typeof SessionInfo>;

export const HistoryMessage = v.object({
  id: MessageId,
  seq: v.number(),
  by: UserId,
  /** By the author's clock. */
  at: Millis,
  /** By the relay's clock, when it took its place. */
  stampedAt: Millis,
  text: v.string(),
  mentions: v.optional(Mentions),
  replyTo: v.optional(MessageId),
  editedAt: v.optional(Millis),
  attachments: v.optional(v.array(Attachment)),
  call: v.optional(CallTrace),
  deleted: v.optional(v.boolean()),
});
export type HistoryMessage = v.InferOutput<typeof HistoryMessage>;

export const PastCall = v.object({
  id: CallId,
  conversation: ConversationId,
  by: UserId,
  video: v.boolean(),
  startedAt: Millis,
  /** Null when nobody answered. */
  answeredAt: v.nullable(Millis),
  /** Null while it goes on. */
  endedAt: v.nullable(Millis),
  outcome: v.nullable(CallOutcome),
  /** Whether this person was in it. */
  tookPart: v.boolean(),
});
export type PastCall = v.InferOutput<typeof PastCall>;

export const IceServer = v.object({
  urls: v.array(v.string()),
  username: v.optional(v.string()),
  credential: v.optional(v.string()),
});
export type IceServer = v.InferOutput<typeof IceServer>;

export const Problem = v.object({
  type: v.string(),
  title: v.string(),
  status: v.number(),
  code: v.string(),
  detail: v.string(),
  timestamp: Millis,
  /** With `invalid-input`: which fields, and why. */
  fields: v.optional(v.record(v.string(), v.string())),
});
export type Problem = v.InferOutput<typeof Problem>;

const wholeNumber = v.pipe(v.string(), v.regex(/^\d{1,15}$/), v.transform(Number));
const nothing = v.undefined();

interface RouteShape {
  method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  path: string;
  /** Who may ask: anybody, or a person with a session. */
  who: 'anybody' | 'person';
  body: v.GenericSchema;
  query: v.GenericSchema;
  answer: v.GenericSchema;
}
const route = <const R extends RouteShape>(r: R): R => r;

export const API = {
  signup: route({
    method: 'POST',
    path: '/api/auth/signup',
    who: 'anybody',
    body: v.object({ email: Email, password: Password, name: Name }),
    query: v.object({}),
    answer: v.object({ user: Me }),
  }),
  login: route({
    method: 'POST',
    path: '/api/auth/login',
    who: 'anybody',
    body: v.object({
      email: v.pipe(v.string(), v.trim(), v.toLowerCase(), v.minLength(1), v.maxLength(EMAIL_MAX_CHARS)),
      password: v.pipe(v.string(), v.minLength(1), v.maxLength(PASSWORD_MAX_CHARS)),
    }),
    query: v.object({}),
    answer: v.object({ user: Me }),
  }),
  logout: route({
    method: 'POST',
    path: '/api/auth/logout',
    who: 'anybody',
    body: v.any(),
    query: v.object({}),
    answer: nothing,
  }),
  session: route({
    method: 'GET',
    path: '/api/auth/session',
    who: 'person',
    body: nothing,
    query: v.object({}),
    answer: v.object({ user: Me }),
  }),
  listSessions: route({
    method: 'GET',
    path: '/api/auth/sessions',
    who: 'person',
    body: nothing,
    query: v.object({}),
    answer: v.object({ sessions: v.array(SessionInfo) }),
  }),
  endSession: route({
    method: 'DELETE',
    path: '/api/auth/sessions/:id',
    who: 'person',
    body: v.any(),
    query: v.object({}),
    answer: nothing,
  }),
  changePassword: route({
    method: 'POST',
    path: '/api/auth/password',
    who: 'person',
    body: v.object({ current: v.pipe(v.string(), v.maxLength(PASSWORD_MAX_CHARS)), next: Password }),
    query: v.object({}),
    answer: nothing,
  }),
  updateMe: route({
    method: 'PATCH',
    path: '/api/me',
    who: 'person',
    /** The picture: what has been brought with `profile=1` before, or null. */
    body: v.object({ name: v.optional(Name), about: v.optional(About), avatar: v.optional(v.nullable(Sha256)) }),
    query: v.object({}),
    answer: v.object({ user: Me }),
  }),
  searchPeople: route({
    method: 'GET',
    path: '/api/users',
    who: 'person',
    body: nothing,
    query: v.object({ q: v.optional(v.pipe(v.string(), v.maxLength(SEARCH_MAX_CHARS)), '') }),
    answer: v.object({ users: v.array(Person) }),
  }),
  getPerson: route({
    method: 'GET',
    path: '/api/users/:id',
    who: 'person',
    body: nothing,
    query: v.object({}),
    answer: v.object({ user: v.object({ ...Person.entries, about: v.string() }) }),
  }),
  createConversation: route({
    method: 'POST',
    path: '/api/conversations',
    who: 'person',
    body: v.object({
      id: v.optional(ConversationId),
      kind: ConversationKind,
      title: v.optional(Title),
      /** The others; the asking person is always in it. */
      members: v.pipe(v.array(UserId), v.maxLength(GROUP_MAX_MEMBERS)),
    }),
    query: v.object({}),
    answer: v.object({ conversation: OverviewRow }),
  }),
  listConversations: route({
    method: 'GET',
    path: '/api/conversations',
    who: 'person',
    body: nothing,
    query: v.object({}),
    answer: v.object({ conversations: v.array(OverviewRow) }),
  }),
  getConversation: route({
    method: 'GET',
    path: '/api/conversations/:id',
    who: 'person',
    body: nothing,
    query: v.object({}),
    answer: v.object({ conversation: OverviewRow }),
  }),
  updateConversation: route({
    method: 'PATCH',
    path: '/api/conversations/:id',
    who: 'person',
    body: v.object({
      title: v.optional(Title),
      topic: v.optional(v.pipe(v.string(), v.maxLength(TOPIC_MAX_CHARS))),
      /** The picture: what somebody has brought to it before, or null. */
      avatar: v.optional(v.nullable(Sha256)),
      /** What members who are added from now on see. */
      history: v.optional(History),
    }),
    query: v.object({}),
    answer: v.object({ conversation: OverviewRow }),
  }),
  /** A group, by its owner, for everybody. */
  deleteConversation: route({
    method: 'DELETE',
    path: '/api/conversations/:id',
    who: 'person',
    body: v.any(),
    query: v.object({}),
    answer: nothing,
  }),
  putMember: route({
    method: 'PUT',
    path: '/api/conversations/:id/members/:user',
    who: 'person',
    /** `owner` hands the group over: only the owner may, and becomes an admin. */
    body: v.object({ role: v.picklist(['admin', 'member', 'owner']) }),
    query: v.object({}),
    answer: v.object({ conversation: OverviewRow }),
  }),
  removeMember: route({
    method: 'DELETE',
    path: '/api/conversations/:id/members/:user',
    who: 'person',
    body: v.any(),
    query: v.object({}),
    answer: nothing,
  }),
  history: route({
    method: 'GET',
    path: '/api/conversations/:id/messages',
    who: 'person',
    body: nothing,
    query: v.object({
      before: v.optional(wholeNumber),
      limit: v.optional(v.pipe(wholeNumber, v.minValue(1), v.maxValue(HISTORY_PAGE_MAX)), String(HISTORY_PAGE_DEFAULT)),
    }),
    answer: v.object({ messages: v.array(HistoryMessage), before: v.nullable(v.number()) }),
  }),
  postMessage: route({
    method: 'POST',
    path: '/api/conversations/:id/messages',
    who: 'person',
    body: v.object({
      text: v.pipe(v.string(), v.maxLength(MESSAGE_MAX_CHARS)),
      id: v.optional(MessageId),
      replyTo: v.optional(MessageId),
      mentions: v.optional(Mentions),
      attachments: v.optional(v.array(Attachment)),
    }),
    query: v.object({}),
    answer: v.object({ id: MessageId, seq: v.number() }),
  }),
  editMessage: route({
    method: 'PATCH',
    path: '/api/conversations/:id/messages/:message',
    who: 'person',
    body: v.object({ text: v.pipe(v.string(), v.maxLength(MESSAGE_MAX_CHARS)), mentions: v.optional(Mentions) }),
    query: v.object({}),
    answer: nothing,
  }),
  deleteMessage: route({
    method: 'DELETE',
    path: '/api/conversations/:id/messages/:message',
    who: 'person',
    body: v.any(),
    query: v.object({}),
    answer: nothing,
  }),
  setRead: route({
    method: 'PUT',
    path: '/api/conversations/:id/read',
    who: 'person',
    body: v.object({ seq: v.pipe(v.number(), v.integer(), v.minValue(0)) }),
    query: v.object({}),
    answer: nothing,
  }),
  /** To a conversation that one is in, what one may read; 404 when the relay does not have it for this person: then it has to be brought. */
  passOnBlob: route({
    method: 'POST',
    path: '/api/blobs/:blob/grants',
    who: 'person',
    body: v.object({ conversation: ConversationId }),
    query: v.object({}),
    answer: nothing,
  }),
  /** Calls of this person's conversations, newest first. */
  calls: route({
    method: 'GET',
    path: '/api/calls',
    who: 'person',
    body: nothing,
    query: v.object({
      /** Those that began before this time. */
      before: v.optional(wholeNumber),
      limit: v.optional(v.pipe(wholeNumber, v.minValue(1), v.maxValue(HISTORY_PAGE_MAX)), String(HISTORY_PAGE_DEFAULT)),
    }),
    answer: v.object({ calls: v.array(PastCall) }),
  }),
  /** How to get through a firewall: for an RTCPeerConnection, as it is. The credentials hold for `ttlSeconds`. */
  iceServers: route({
    method: 'GET',
    path: '/api/calls/ice',
    who: 'person',
    body: nothing,
    query: v.object({}),
    answer: v.object({ iceServers: v.array(IceServer), ttlSeconds: v.number() }),
  }),
  blobLimits: route({
    method: 'GET',
    path: '/api/blobs/limits',
    who: 'person',
    body: nothing,
    query: v.object({}),
    /** Of a file, of all that this person has brought together, and how much that is now. */
    answer: v.object({ blobMaxBytes: v.number(), personMaxBytes: v.number(), usedBytes: v.number() }),
  }),
  search: route({
    method: 'GET',
    path: '/api/search',
    who: 'person',
    body: nothing,
    query: v.object({ q: v.optional(v.pipe(v.string(), v.maxLength(SEARCH_MAX_CHARS)), '') }),
    answer: v.object({ messages: v.array(v.object({ conversation: ConversationId, ...HistoryMessage.entries })) }),
  }),
} as const;

export type RouteName = keyof typeof API;
export type BodyOf<N extends RouteName> = v.InferInput<(typeof API)[N]['body']>;
export type ParsedBodyOf<N extends RouteName> = v.InferOutput<(typeof API)[N]['body']>;
export type QueryOf<N extends RouteName> = v.InferInput<(typeof API)[N]['query']>;
export type ParsedQueryOf<N extends RouteName> = v.InferOutput<(typeof API)[N]['query']>;
export type AnswerOf<N extends RouteName> = v.InferOutput<(typeof API)[N]['answer']>;
