/**
 * Sends a person's whole list to a socket that has just come up. What is told to the person while the list is being read would reach the
 * socket first and be overwritten by an older list, so it is told again behind it.
 */
import type { UserId } from '#shared/ids.ts';
import type { RelayControl } from '#shared/protocol/control.ts';
import type { OverviewRow } from '#shared/protocol/overview.ts';

export class Greeter {
  readonly #list: (person: UserId) => Promise<OverviewRow[]>;
  /** For each person, what was told since each of their lists began to be read. */
  #reading = new Map<UserId, Set<RelayControl[]>>();

  constructor(list: (person: UserId) => Promise<OverviewRow[]>) {
    this.#list = list;
  }

  async greet(person: UserId, tell: (message: RelayControl) => void): Promise<void> {
    const meanwhile: RelayControl[] = [];
    const readings = this.#reading.get(person) ?? new Set();
    this.#reading.set(person, readings.add(meanwhile));
    try {
      tell({ is: 'overview', rows: await this.#list(person) });
      meanwhile.forEach(tell);
    } finally {
      readings.delete(meanwhile);
      if (readings.size === 0) this.#reading.delete(person);
    }
  }

  /** Something was told to all of this person's sockets. */
  told(person: UserId, message: RelayControl): void {
    this.#reading.get(person)?.forEach((meanwhile) => meanwhile.push(message));
  }
}
