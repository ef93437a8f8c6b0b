/**
 * Runs what only the relay can do, in the order it was asked on this device, each until it is answered. Requests are safe to repeat, but
 * none is repeated once answered. One tab at a time runs it (a Web Lock; without locks, as on plain http, every tab does, which the
 * relay's idempotence makes harmless). A refused request leaves, is told, and those behind it go on.
 */
import type { Ask, Asked, Refused } from '../remote/api.ts';
import type { OverviewRow } from '#shared/protocol/overview.ts';
import type { Kept } from './kept.ts';
import { inOneTab } from './one-tab.ts';
import type { OutboxRequest } from './tables.ts';

export type Told = (key: string, request: OutboxRequest, refusal: Refused) => void;

/** What may pass by itself: the request stays and is tried again. */
const TRY_AGAIN: ReadonlySet<Refused['code']> = new Set([
  'offline',
  'too-fast',
  'relay-fault',
  'not-ready',
  'signed-out',
]);
const AGAIN_AFTER_MS = 5_000;

export class Outbox {
  readonly #kept: Kept;
  readonly #ask: Ask;
  readonly #lock: string;
  readonly #refused: Told;
  readonly #created: (row: OverviewRow) => void;
  readonly #changed: (table: string) => void;
  #now: 'idle' | 'running' | 'stopped' = 'idle';
  #again: ReturnType<typeof setTimeout> | undefined;
  /** Asked to run while it was running. */
  #onceMore = false;

  constructor(parts: { kept: Kept; ask: Ask; scope: string; refused: Told; created: (row: OverviewRow) => void }) {
    this.#kept = parts.kept;
    this.#ask = parts.ask;
    this.#lock = `${parts.scope}:outbox`;
    this.#refused = parts.refused;
    this.#created = parts.created;
    this.#changed = (table) => {
      if (table === 'outbox') void this.run();
    };
    this.#kept.on('change', this.#changed);
  }

  /** On the device when this returns; on its way as soon as there is a network. */
  add(request: OutboxRequest): string {
    return this.#kept.append('outbox', request);
  }

  /** Call it whenever the relay may have become reachable. Resolves when nothing more can be done now. */
  async run(): Promise<void> {
    if (this.#now === 'running') this.#onceMore = true;
    if (this.#now !== 'idle' || this.#kept.table('outbox').size === 0) return;
    this.#now = 'running';
    clearTimeout(this.#again);
    try {
      do {
        this.#onceMore = false;
        await inOneTab(this.#lock, () => this.#runAll());
      } while (this.#onceMore && !this.#isStopped());
    } finally {
      if (!this.#isStopped()) this.#now = 'idle';
    }
    if (this.#kept.table('outbox').size > 0 && !this.#isStopped()) {
      this.#again = setTimeout(() => void this.run(), AGAIN_AFTER_MS);
    }
  }

  stop(): void {
    this.#now = 'stopped';
    clearTimeout(this.#again);
    this.#kept.off('change', this.#changed);
  }

  #isStopped(): boolean {
    return this.#now === 'stopped';
  }

  async #runAll(): Promise<void> {
    for (;;) {
      const next = [...this.#kept.table('outbox')].sort(([a], [b]) => (a < b ? -1 : 1))[0];
      if (next === undefined || this.#isStopped()) return;
      const [key, request] = next;
      // Another tab may have had its answer a moment ago, and its telling is still on the way.
      if (!(await this.#kept.isOnDisk('outbox', key))) {
        await this.#kept.remove('outbox', key);
        continue;
      }
      const asked = await perform(this.#ask, request);
      if (this.#isStopped()) return;
      // Before the request leaves, so that the conversation is in the list all the time.
      if (asked.ok && asked.created) this.#created(asked.created);
      if (!asked.ok && !isDoneAlready(request, asked.refusal)) {
        if (TRY_AGAIN.has(asked.refusal.code)) return;
        this.#refused(key, request, asked.refusal);
      }
      await this.#kept.remove('outbox', key);
    }
  }
}

type Performed = { ok: true; created?: OverviewRow } | { ok: false; refusal: Refused };

async function perform(ask: Ask, request: OutboxRequest): Promise<Performed> {
  switch (request.is) {
    case 'create': {
      const { conversation: id, kind, title, people } = request;
      const members = people.map((person) => person.id);
      const asked = await ask('createConversation', {
        body: { id, kind, ...(title === null ? {} : { title }), members },
      });
      return asked.ok ? { ok: true, created: asked.answer.conversation } : asked;
    }
    case 'add-member':
      return await ask('putMember', {
        params: { id: request.conversation, user: request.person.id },
        body: { role: 'member' },
      });
    case 'change-role':
      return await ask('putMember', {
        params: { id: request.conversation, user: request.user },
        body: { role: request.role },
      });
    case 'remove-member':
      return await ask('removeMember', { params: { id: request.conversation, user: request.user } });
    case 'leave':
      return await leave(ask, request.conversation);
    case 'profile':
      return await ask('updateMe', { body: request.change });
  }
}

/** To leave is to remove oneself, and who that is the session says. */
async function leave(ask: Ask, conversation: string): Promise<Asked<'removeMember'> | Asked<'session'>> {
  const session = await ask('session');
  return session.ok
    ? await ask('removeMember', { params: { id: conversation, user: session.answer.user.id } })
    : session;
}

/** The answer to an earlier try was lost, and what was asked for is so. */
function isDoneAlready(request: OutboxRequest, refusal: Refused): boolean {
  const gone = refusal.code === 'not-found' || refusal.code === 'not-a-member';
  return gone && (request.is === 'leave' || request.is === 'remove-member');
}
