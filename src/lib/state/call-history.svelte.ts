/**
 * The calls that were, newest first: what this device saw last, at once, and then as the relay has them. Loaded with the screen that shows them.
 */
import * as v from 'valibot';
import type { ConversationId } from '#shared/ids.ts';
import { PastCall } from '#shared/protocol/api.ts';
import type { CallHistoryView, PastCallView } from './call-views.ts';
import type { Device } from './device.svelte.ts';
import type { ConversationRowView } from './views.ts';

const PAGE = 50;
const KEY = 'calls';
const Kept = v.array(PastCall);

export class CallHistory implements CallHistoryView {
  readonly #device: Device;
  readonly #row: (id: ConversationId) => ConversationRowView | undefined;
  #past = $state.raw<readonly PastCall[]>([]);
  #hasOlder = $state(false);
  /** The relay has answered, or this device had kept something. */
  #isKnown = $state(false);
  readonly #calls = $derived(this.#past.flatMap((call) => this.#view(call)));

  constructor(device: Device, row: (id: ConversationId) => ConversationRowView | undefined) {
    this.#device = device;
    this.#row = row;
    const kept = v.safeParse(Kept, device.kept.table('kv').get(KEY));
    if (!kept.success) return;
    this.#past = kept.output;
    this.#isKnown = true;
  }

  get calls(): readonly PastCallView[] {
    return this.#calls;
  }

  get hasOlder(): boolean {
    return this.#hasOlder;
  }

  get isKnown(): boolean {
    return this.#isKnown;
  }

  async refresh(): Promise<void> {
    const asked = await this.#device.ask('calls', { query: { limit: String(PAGE) } });
    if (!asked.ok) return;
    const { calls } = asked.answer;
    const oldest = calls.at(-1)?.startedAt ?? Infinity;
    // What was looked at further back stays, as long as there is no gap.
    const joins = this.#past.some(({ id }) => id === calls.at(-1)?.id);
    const before = joins ? this.#past.filter(({ startedAt }) => startedAt < oldest) : [];
    if (before.length === 0) this.#hasOlder = calls.length === PAGE;
    this.#past = [...calls, ...before];
    this.#isKnown = true;
    this.#device.kept.put('kv', KEY, calls);
  }

  async older(): Promise<void> {
    const oldest = this.#past.at(-1);
    if (oldest === undefined || !this.#hasOlder) return;
    const asked = await this.#device.ask('calls', {
      query: { limit: String(PAGE), before: String(oldest.startedAt) },
    });
    if (!asked.ok || this.#past.at(-1) !== oldest) return;
    this.#hasOlder = asked.answer.calls.length === PAGE;
    this.#past = [...this.#past, ...asked.answer.calls];
  }

  /** Nothing of a conversation that is not in the list any more. */
  #view(call: PastCall): PastCallView[] {
    const row = this.#row(call.conversation);
    if (row === undefined) return [];
    const { id, conversation, video, startedAt, answeredAt, endedAt, outcome } = call;
    const seconds =
      answeredAt === null || endedAt === null ? 0 : Math.max(0, Math.round((endedAt - answeredAt) / 1_000));
    return [
      {
        id,
        conversation,
        title: row.title ?? '',
        avatarSeed: row.avatarSeed,
        picture: row.picture,
        mine: call.by === this.#device.me,
        video,
        at: startedAt,
        trace: outcome === null ? null : { id, video, outcome, seconds },
      },
    ];
  }
}
