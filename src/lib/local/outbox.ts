/**
 * Runs what only the relay can do, in the order it was asked on this device, each until it is answered. Requests are safe to repeat, but
 * none is repeated once answered. One tab at a time runs it (a Web Lock; without locks, as on plain http, every tab does, which the
 * relay's idempotence makes harmless). A refused request leaves, is told, and those behind it go on.
 */
import type { Fault } from '#shared/faults.ts';
import type { OverviewRow, Person } from '#shared/protocol/overview.ts';
import type { Kept } from './kept.ts';
import { inOneTab } from './one-tab.ts';
import type { OutboxRequest } from './tables.ts';

/** Why a request was not answered, or was answered with no. */
export interface Declined {
  code: Fault | 'offline';
  fields: Record<string, string>;
  detail: string;
}

/** What it made of it: the conversation, and the person at this device, as they are now. */
export interface Learnt {
  row?: OverviewRow;
  me?: Person;
}

export type Performed = ({ ok: true } & Learnt) | { ok: false; refusal: Declined };

export interface OutboxParts {
  kept: Kept;
  /** Asks the relay. */
  perform: (request: OutboxRequest) => Promise<Performed>;
  scope: string;
  refused: (key: string, request: OutboxRequest, refusal: Declined) => void;
  learnt: (learnt: Learnt) => void;
}

/** What may pass by itself: the request stays and is tried again. */
const TRY_AGAIN: ReadonlySet<Declined['code']> = new Set([
  'offline',
  'too-fast',
  'relay-fault',
  'not-ready',
  'signed-out',
]);
const AGAIN_AFTER_MS = 5_000;

export class Outbox {
  readonly #kept: Kept;
  readonly #perform: OutboxParts['perform'];
  readonly #lock: string;
  readonly #refused: OutboxParts['refused'];
  readonly #learnt: OutboxParts['learnt'];
  readonly #changed: (table: string) => void;
  #now: 'idle' | 'running' | 'stopped' = 'idle';
  #again: ReturnType<typeof setTimeout> | undefined;
  /** Asked to run while it was running. */
  #onceMore = false;

  constructor(parts: OutboxParts) {
    this.#kept = parts.kept;
    this.#perform = parts.perform;
    this.#lock = `${parts.scope}:outbox`;
    this.#refused = parts.refused;
    this.#learnt = parts.learnt;
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
      const asked = await this.#perform(request);
      if (this.#isStopped()) return;
      // Before the request leaves, so that what was asked for shows all the time.
      if (asked.ok) this.#learnt(asked);
      if (!asked.ok && !isDoneAlready(request, asked.refusal)) {
        if (TRY_AGAIN.has(asked.refusal.code)) return;
        this.#refused(key, request, asked.refusal);
      }
      await this.#kept.remove('outbox', key);
    }
  }
}

/** The answer to an earlier try was lost, and what was asked for is so. */
function isDoneAlready(request: OutboxRequest, refusal: Declined): boolean {
  switch (request.is) {
    case 'leave':
    case 'remove-member':
    case 'delete-group':
      return ['not-found', 'not-a-member', 'conversation-deleted'].includes(refusal.code);
    default:
      return false;
  }
}
