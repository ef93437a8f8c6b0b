/**
 * The relay, put together: each part is made once, and what one announces is passed to those it concerns. Nothing starts on import, and
 * whoever starts a relay can stop it, with nothing left behind: tests run several in one process.
 *
 * A stop goes backwards: first nobody comes in, then the sockets are told to try again, then what is under way is written, and Postgres last.
 */
import { join } from 'node:path';
import { type ConversationId, newConversationId, newUserId, type UserId } from '#shared/ids.ts';
import { FAULTS } from '#shared/faults.ts';
import { SMALL_GROUP_MAX_MEMBERS } from '#shared/limits.ts';
import { parseDocName } from '#shared/model/doc-names.ts';
import type { RelayControl } from '#shared/protocol/control.ts';
import { blobRoute } from './api/blob-files.ts';
import { blobHandlers } from './api/blobs.ts';
import { callHandlers } from './api/calls.ts';
import { uploadRoute } from './api/upload-files.ts';
import { accountHandlers } from './api/accounts.ts';
import { conversationHandlers } from './api/conversations.ts';
import type { Living } from './api/living.ts';
import { memberHandlers } from './api/members.ts';
import { messageHandlers, type Writing } from './api/messages.ts';
import { mirrorAllDue, mirrorConversation } from './api/mirror.ts';
import { peopleHandlers } from './api/people.ts';
import { createRouter } from './api/router.ts';
import { searchHandlers } from './api/search.ts';
import type { Doorkeeping } from './api/visitor.ts';
import { hashPassword, passwordMatches } from './auth/passwords.ts';
import { createSessions, readSessions } from './auth/sessions.ts';
import { Background } from './background.ts';
import { isShown } from './blobs/blob-type.ts';
import { Blobs } from './blobs/blobs.ts';
import { folderStore } from './blobs/folder-store.ts';
import { s3Store } from './blobs/s3-store.ts';
import { Space } from './blobs/space.ts';
import { sweep } from './blobs/sweep.ts';
import { Uploads } from './blobs/uploads.ts';
import { Broker } from './calls/broker.ts';
import { Calls } from './calls/calls.ts';
import { iceServersFor } from './calls/ice.ts';
import { Traces } from './calls/traces.ts';
import type { RelayConfig } from './config.ts';
import type { Request, Who } from './exchange.ts';
import { gathered } from './gathered.ts';
import { createEntrance } from './http/entrance.ts';
import { startMetrics } from './http/metrics.ts';
import { fromOurOwnPages } from './http/origin.ts';
import { problem } from './http/problem.ts';
import { createRequestPace } from './http/request-pace.ts';
import { SIGNALS_PATH } from './http/signals-path.ts';
import { createSignInPace } from './http/sign-in-pace.ts';
import { readStaticFiles } from './http/static-files.ts';
import { openDoor, type UpgradeDecision } from './http/uws.ts';
import { createLog, type Log, reason } from './log.ts';
import { Presence } from './presence/presence.ts';
import { Typing } from './presence/typing.ts';
import { keptBytes } from './storage/blobs.ts';
import { wasDeleted } from './storage/deletion.ts';
import { loadDocuments } from './storage/documents.ts';
import { Journal } from './storage/journal.ts';
import {
  advanceMarks,
  conversationsOf,
  leastReached,
  memberIdsOf,
  type MemberPlace,
  membershipsOf,
  seenBy,
  sharersOf,
} from './storage/members.ts';
import { numberings } from './storage/messages.ts';
import { migrate } from './storage/migrate.ts';
import { connect, type Sql } from './storage/sql.ts';
import { setLastSeen } from './storage/users.ts';
import { Connections, type Target } from './sync/connections.ts';
import type { RelayEvents } from './sync/events.ts';
import { Rooms } from './sync/rooms.ts';
import { Announcer } from './unread/announcer.ts';
import { Departed } from './unread/departed.ts';
import { Greeter } from './unread/greeter.ts';
import { Listeners } from './unread/listeners.ts';
import { Receipts } from './unread/receipts.ts';
import { changesFor, listsOf, rowsFor, rowsOf } from './unread/rows.ts';

/** How often sessions that ran out are removed from the table. */
const TIDY_EVERY_MILLIS = 60 * 60_000;
/** How often files that nobody names any more are looked for. */
const SWEEP_EVERY_MILLIS = 60 * 60_000;
/** How often it is looked whether tables and documents wait to be made to say the same, because a crash or a failure came between. */
const MIRROR_EVERY_MILLIS = 60_000;
/** How often the sessions of open sockets are looked at. */
const SESSIONS_EVERY_MILLIS = 30_000;
/** Whole lists of so many people are read at once: a list may have hundreds of rows. */
const LIST_ROUNDS = { most: 50 };
/** Connections that are there, and know their questions, when the door opens. */
const READY_CONNECTIONS = 3;
/** How long Postgres may take to answer before the relay counts as not ready. */
const READY_MILLIS = 2_000;

export interface Relay {
  /** Where it listens, as an address to open. */
  url: string;
  port: number;
  stop(): Promise<void>;
}

export async function startRelay(
  config: RelayConfig,
  log: Log = createLog({ level: config.logLevel }),
): Promise<Relay> {
  const sql = connect(config.databaseUrl);
  await migrate(sql).catch(async (why: unknown) => {
    await sql.end({ timeout: 0 });
    throw why;
  });

  const failed = (why: unknown): void => log.error('failed', { why: reason(why) });
  const background = new Background(failed);
  const metrics = startMetrics();
  const secure = config.origin?.startsWith('https:') ?? false;
  const sessions = createSessions(sql, secure);
  const mirroring = setInterval(mirrorDue, MIRROR_EVERY_MILLIS);
  const tidying = setInterval(() => background.run(() => sessions.endExpired()), TIDY_EVERY_MILLIS);
  const lookingAfter = setInterval(() => background.run(closeEnded), SESSIONS_EVERY_MILLIS);

  const listeners = new Listeners();
  const departed = new Departed(Date.now);
  const listening = (person: UserId): boolean => listeners.has(person);
  const membersOf = (conversations: readonly ConversationId[]) => memberIdsOf(sql, conversations);
  const announcer = new Announcer({
    members: membersOf,
    listening,
    rows: (places, withMembers) => (withMembers ? rowsFor : changesFor)(sql, places),
    tell,
    failed,
  });
  const receipts = new Receipts({
    advance: (marks) => advanceMarks(sql, marks),
    members: membersOf,
    least: (conversations) => leastReached(sql, conversations),
    listening,
    tell: tellAll,
    read: (person, conversation) => announcer.changed(conversation, { people: [person] }),
    failed,
  });
  const presence = new Presence({
    sharers: (people, most) => sharersOf(sql, people, most),
    seenBy: gathered((people: readonly UserId[]) => seenBy(sql, people, SMALL_GROUP_MAX_MEMBERS), LIST_ROUNDS),
    members: membersOf,
    write: (seen) => setLastSeen(sql, seen),
    listening,
    tell,
    failed,
  });
  const typing = new Typing({ members: membersOf, listening, tell: tellAll, failed });
  const listOf = gathered((people: readonly UserId[]) => listsOf(sql, people), LIST_ROUNDS);
  const greeter = new Greeter(
    async (person) => ({ is: 'overview', rows: await listOf(person) }),
    (person) => presence.all(person),
    (person) => Promise.resolve(calls.all(person)),
  );

  const events: RelayEvents = {
    posted({ conversation, messages }) {
      metrics.messagesPosted(messages.length);
      announcer.changed(conversation);
    },
    changed: ({ conversation }) => announcer.changed(conversation),
    read: ({ person, conversation, seq }) => receipts.moved(person, conversation, { read: seq }),
    delivered({ person, marks }) {
      for (const { conversation, seq } of marks) receipts.moved(person, conversation, { delivered: seq });
    },
    here: ({ person, active }) => (active ? presence.came(person) : presence.went(person)),
    typing: (event) => typing.heard(event.conversation, event.person, event.typing),
    refused: ({ fault }) => metrics.refused(fault),
    called: ({ person, from, what }) => calls.asked(person, from, what),
    hungUp: ({ from, closed }) => calls.hungUp(from, closed),
    titled: ({ conversation }) =>
      background.run(async () => {
        await mirrorConversation(sql, living.mirror, conversation);
        announcer.changed(conversation);
      }),
    connected: ({ person, tell, again }) =>
      background.run(() =>
        greeter.greet(person, tell).catch((why: unknown) => {
          again();
          throw why;
        }),
      ),
  };
  const memberships = gathered((places: readonly MemberPlace[]) => membershipsOf(sql, places));
  const membership = {
    of: (person: UserId, conversation: ConversationId) => memberships({ person, conversation }),
    wasDeleted: (conversation: ConversationId) => wasDeleted(sql, conversation),
  };
  const journal = new Journal(sql, log);
  const rooms = new Rooms({ sql, journal, log, events, membership, now: Date.now });
  const connections = new Connections({ rooms, log, events, membership, now: Date.now });

  const broker = new Broker({ now: Date.now, refused: (fault) => metrics.signalRefused(fault), failed });
  const traces = new Traces({
    sql,
    write: (conversation, id, value) => rooms.trace(conversation, id, value),
    read: (person, conversation, seq) => receipts.movedNow(person, conversation, { read: seq }),
    failed,
  });
  const calls = await Calls.load({
    sql,
    times: config.callTimes,
    now: Date.now,
    isMember: async (person, conversation) => (await membership.of(person, conversation)) !== null,
    listening,
    tell,
    changed: (call) => broker.changed(call),
    started: () => metrics.callStarted(),
    ended(call, outcome) {
      metrics.callEnded(outcome);
      traces.leave(call);
    },
    failed,
  });

  const living: Living = {
    mirror: (conversation, write, renames) => rooms.mirror(conversation, write, renames),
    membershipChanged(conversation) {
      const taken = rooms.membershipChanged(conversation);
      presence.membersChanged(conversation);
      return taken;
    },
    added(person, conversation) {
      departed.came(person, conversation);
      calls.added(person, conversation);
    },
    removed(person, conversation) {
      departed.left(person, conversation);
      connections.removeFrom(person, conversation);
      calls.removed(person, conversation);
      announcer.gone(conversation, person);
      presence.membersChanged(conversation, person);
    },
    async end(conversation, erase) {
      const people = await rooms.end(conversation, erase);
      if (people !== null) calls.conversationEnded(conversation);
      for (const person of people ?? []) {
        departed.left(person, conversation);
        announcer.gone(conversation, person, { deleted: true });
        // Through a large group nobody saw anybody.
        if (people !== null && people.length <= SMALL_GROUP_MAX_MEMBERS) presence.membersChanged(conversation, person);
      }
      return people !== null;
    },
    // Whatever a handler changes in a row is about its members too, or rare.
    changed: (conversation) => announcer.changed(conversation, { members: true }),
    list: (person) => rowsOf(sql, person),
    row: async (person, conversation) => (await rowsOf(sql, person, { only: conversation }))[0] ?? null,
  };
  const writing: Writing = {
    post: (person, conversation, draft) => rooms.post(person, conversation, draft),
    edit: (person, conversation, message, to) => rooms.edit(person, conversation, message, to),
    remove: (person, conversation, message) => rooms.remove(person, conversation, message),
    async setRead(person, conversation, seq) {
      await rooms.setRead(person, conversation, seq);
      await receipts.movedNow(person, conversation, { read: seq });
    },
  };

  const folder = join(config.dataDir, 'uploads');
  const moved = (way: 'in' | 'out', bytes: number): void => metrics.blobBytes(way, bytes);
  const s3 = config.s3 === null ? null : s3Store(config.s3);
  const blobFolder = join(config.dataDir, 'blobs');
  const store = s3 ?? folderStore(blobFolder);
  const folders = s3 === null ? [folder, blobFolder] : [folder];
  const space = new Space({ ...config, folders, kept: (person) => keptBytes(sql, person) });
  const blobs = new Blobs({ sql, store, uploads: folder, space, now: Date.now, moved });
  const uploads = await Uploads.open({ folder, blobs, space, now: Date.now, moved });
  const sweeping = setInterval(() => background.run(sweepBlobs), SWEEP_EVERY_MILLIS);

  const pace = createRequestPace();
  const doorkeeping: Doorkeeping = {
    who: (request) => sessions.of(request.header('cookie')),
    wait: (person, address) => pace.request(person, address),
    refused: problem,
  };
  const bytes = [
    {
      name: 'blob',
      uploads: 'PUT',
      route: blobRoute(
        {
          bring: (person, scope, sha256, incoming) => blobs.bring(person, scope, sha256, incoming),
          find: (person, sha256) => blobs.find(person, sha256),
          read: (sha256, range) => blobs.read(sha256, range),
          isShown,
        },
        doorkeeping,
      ),
    },
    {
      name: 'upload',
      uploads: 'PATCH',
      route: uploadRoute(
        {
          begin: (person, scope, sha256, size) => uploads.begin(person, scope, sha256, size),
          find: (person, id) => uploads.find(person, id),
          append: (person, id, offset, incoming) => uploads.append(person, id, offset, incoming),
          remove: (person, id) => uploads.remove(person, id),
          blobMaxBytes: config.blobMaxBytes,
        },
        doorkeeping,
      ),
    },
  ];
  const router = createRouter({
    ...doorkeeping,
    handlers: {
      ...accountHandlers({
        sql,
        signup: config.signup,
        passwords: { hash: hashPassword, matches: passwordMatches },
        sessions,
        pace: createSignInPace(),
        sessionEnded(handle) {
          closeSession(handle);
          return rooms.written();
        },
        looksOther: (person) => background.run(() => spreadLooks(person)),
      }),
      ...peopleHandlers(sql),
      ...conversationHandlers(sql, living),
      ...memberHandlers(sql, living),
      ...messageHandlers(sql, writing),
      ...searchHandlers(sql),
      ...blobHandlers(blobs, config),
      ...callHandlers(sql, (person) => iceServersFor(config.turn, person, Date.now())),
    },
  });
  const api = async (request: Request) => {
    const found = bytes.find(({ route }) => route.takes(request.path));
    return found === undefined ? router(request) : { route: found.name, answer: await found.route.answer(request) };
  };

  const files = await readStaticFiles(config.buildDir, secure);
  await askForNobody(sql).catch(failed);
  let stopping = false;
  const entrance = createEntrance({ origin: config.origin, metrics, files, api, ready });

  const opening = openDoor(config.host, config.port, {
    answer: (request) => (stopping ? Promise.resolve(problem({ fault: 'not-ready' })) : entrance(request)),
    uploadsInto: (method, path) =>
      bytes.some(({ uploads, route }) => uploads === method && route.takes(path)) ? folder : null,
    upgrade,
    failed: (why, request) =>
      log.error('request failed', { method: request.method, path: request.path, why: reason(why) }),
  });
  const door = await opening.catch(async (why: unknown) => {
    await putAway();
    throw why;
  });
  mirrorDue();
  traces.makeUp();
  background.run(async () => {
    // It may come up after us: whoever needs it meanwhile is refused.
    await s3?.prepare();
    // Now too: a relay that never runs for an hour would never sweep.
    await sweepBlobs();
  });
  const url = config.origin ?? `http://${nameToOpen(config.host)}:${door.port}`;

  return {
    url,
    port: door.port,
    async stop() {
      if (stopping) return;
      stopping = true;
      door.close();
      // Before the sockets: whoever is in a call has not left it.
      await calls.stop();
      await broker.stop();
      // And with the connections the rooms.
      await connections.stop();
      await uploads.stop();
      await door.stop();
      await putAway();
    },
  };

  /** What is behind the door, in reverse. */
  async function putAway(): Promise<void> {
    clearInterval(tidying);
    clearInterval(mirroring);
    clearInterval(sweeping);
    clearInterval(lookingAfter);
    await calls.stop();
    await broker.stop();
    await traces.stop();
    await receipts.stop();
    await typing.stop();
    await announcer.stop();
    await presence.stop();
    await background.stop();
    // Once more: what requests under way and the background still wrote.
    await connections.stop();
    await journal.stop();
    s3?.stop();
    await sql.end({ timeout: 5 });
  }

  function tell(person: UserId, message: RelayControl): void {
    greeter.told(person, message);
    connections.tell(person, message);
  }

  function tellAll(people: readonly UserId[], message: RelayControl): void {
    const still = departed.without(people, message);
    for (const person of still) greeter.told(person, message);
    connections.tellAll(still, message);
  }

  /** A session that ran out while its sockets were open, or that was taken out of the table by hand. */
  async function closeEnded(): Promise<void> {
    const open = [...connections.sessions(), ...broker.sessions()];
    const living = await sessions.livingOf(open);
    for (const handle of open) if (!living.has(handle)) closeSession(handle);
  }

  function closeSession(handle: string): void {
    connections.closeSession(handle);
    broker.closeSession(handle);
  }

  async function sweepBlobs(): Promise<void> {
    await uploads.expire();
    const { blobs: gone, strays } = await sweep({ sql, store, now: Date.now });
    if (gone + strays > 0) log.info('swept', { blobs: gone, strays });
  }

  function mirrorDue(): void {
    background.run(() =>
      mirrorAllDue(sql, living.mirror, (conversation) => announcer.changed(conversation, { members: true })),
    );
  }

  /** One conversation after another: a person with hundreds of them must not fill the memory with rooms. */
  async function spreadLooks(person: UserId): Promise<void> {
    for (const conversation of await conversationsOf(sql, person)) {
      await mirrorConversation(sql, living.mirror, conversation);
      announcer.changed(conversation, { members: true });
    }
  }

  async function ready(): Promise<boolean> {
    if (stopping) return false;
    const answers = sql`select 1`.then(
      () => true,
      () => false,
    );
    const late = new Promise<false>((resolve) => setTimeout(resolve, READY_MILLIS, false).unref());
    return Promise.race([answers, late]);
  }

  async function upgrade(request: Request): Promise<UpgradeDecision> {
    const refuse = (fault: keyof typeof FAULTS): UpgradeDecision => ({ ok: false, refusal: { fault } });
    if (stopping) return refuse('not-ready');
    if (!fromOurOwnPages(request.header('origin'), request.header('host'), config.origin))
      return refuse('wrong-origin');
    const who = await sessions.of(request.header('cookie'));
    if (who === null) return refuse('signed-out');
    const retryAfterSeconds = pace.socket(who.person);
    if (retryAfterSeconds > 0) return { ok: false, refusal: { fault: 'too-fast', retryAfterSeconds } };
    if (request.path === SIGNALS_PATH) return signalling(who, request.query);
    const target = targetOf(request.path);
    if (target === null) return refuse('not-found');
    const fault = target.is === 'mux' ? null : await connections.mayOpen(who.person, target.name);
    if (fault !== null) return refuse(fault);
    return {
      ok: true,
      open(socket) {
        metrics.socketOpened();
        if (target.is === 'mux') listeners.came(who.person);
        // Ended while its upgrade was being decided: there was no connection yet that could have been closed.
        if (sessions.hasEnded(who.session)) socket.close(FAULTS['signed-out'].close, 'signed-out');
        const connection = connections.open(socket, who, target);
        return {
          message: (bytes) => connection.receive(bytes),
          drained: () => connection.drained(),
          closed(code) {
            metrics.socketClosed();
            if (target.is === 'mux') listeners.left(who.person);
            connection.closed(code);
          },
        };
      },
    };
  }

  /** The tunnel to the call broker. */
  function signalling(who: Who<UserId>, query: URLSearchParams): UpgradeDecision {
    const fault = broker.mayUse(who.person, query);
    if (fault !== null) return { ok: false, refusal: { fault } };
    return {
      ok: true,
      open(socket) {
        if (sessions.hasEnded(who.session)) socket.close(FAULTS['signed-out'].close, 'signed-out');
        const tunnel = broker.open(who, query, socket);
        return { message: (bytes) => tunnel.receive(bytes), drained: () => undefined, closed: () => tunnel.closed() };
      },
    };
  }
}

/**
 * What is asked when somebody comes, asked for nobody, on a few connections: the first who come after a start would otherwise wait until Postgres has
 * a process for each connection, and until that has read what it needs to know for each question.
 */
async function askForNobody(sql: Sql): Promise<void> {
  const person = newUserId();
  const conversation = newConversationId();
  const ask = async (): Promise<void> => {
    await readSessions(sql, ['']);
    await membershipsOf(sql, [{ person, conversation }]);
    await numberings(sql, [conversation]);
    await loadDocuments(sql, [conversation]);
    await listsOf(sql, [person]);
    await seenBy(sql, [person], SMALL_GROUP_MAX_MEMBERS);
  };
  await Promise.all(Array.from({ length: READY_CONNECTIONS }, ask));
}

/** `/sync` is one socket for many documents, `/sync/<document>` for one; null for a name that is none. */
function targetOf(path: string): Target | null {
  if (path === '/sync') return { is: 'mux' };
  try {
    const name = parseDocName(decodeURIComponent(path.slice('/sync/'.length)));
    return name === null ? null : { is: 'document', name };
  } catch {
    return null;
  }
}

/** What a browser on this machine can open; "all addresses" is none. */
const nameToOpen = (host: string): string =>
  host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
