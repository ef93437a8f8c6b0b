/** The list of conversations, kept up with what this device learns. */
import type { Person } from '#shared/protocol/overview.ts';
import type { Device } from './device.svelte.ts';
import { buildRows } from './rows.ts';
import type { ConversationRowView } from './views.ts';

export class Rows {
  readonly #device: Device;
  readonly #me: () => Person;
  #before: readonly ConversationRowView[] = [];
  readonly #all = $derived.by(() => (this.#before = this.#build()));
  readonly #unread = $derived(this.#all.reduce((sum, row) => sum + (row.muted ? row.mentions : row.unread), 0));

  readonly #mentions = $derived(this.#all.reduce((sum, row) => sum + row.mentions, 0));

  constructor(device: Device, me: () => Person) {
    this.#device = device;
    this.#me = me;
  }

  get all(): readonly ConversationRowView[] {
    return this.#all;
  }

  /** Muted conversations count only what names this person. */
  get totalUnread(): number {
    return this.#unread;
  }

  get totalMentions(): number {
    return this.#mentions;
  }

  #build(): ConversationRowView[] {
    const device = this.#device;
    return buildRows(
      {
        me: this.#me(),
        overview: device.table('overview'),
        outbox: device.requests,
        waiting: device.table('waiting'),
        readSeq: (id) => device.readSeq(id),
        draft: (id) => device.draft(id),
        preference: (id) => device.preference(id),
        title: (id) => device.writtenHere.title(id),
        last: (row) => device.writtenHere.last(row),
        isOnline: (person) => device.presence.isOnline(person),
        typing: (id) => device.presence.typing(id),
        now: Date.now(),
      },
      this.#before,
    );
  }
}
