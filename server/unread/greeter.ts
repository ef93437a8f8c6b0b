/**
 * Tells a socket that has just come up everything there is: the person's whole list, then who is here. What is told to the person while that is
 * being read would reach the socket first and be overwritten by what is older, so it is told again behind it.
 */
import type { UserId } from '#shared/ids.ts';
import type { RelayControl } from '#shared/protocol/control.ts';

/** Reads one part of what a new socket is told. */
export type Greeting = (person: UserId) => Promise<RelayControl>;

export class Greeter {
  readonly #greetings: readonly Greeting[];
  /** For each person, what was told since each of their greetings began. */
  #reading = new Map<UserId, Set<RelayControl[]>>();

  /** Told in this order. */
  constructor(...greetings: readonly Greeting[]) {
    this.#greetings = greetings;
  }

  async greet(person: UserId, tell: (message: RelayControl) => void): Promise<void> {
    const meanwhile: RelayControl[] = [];
    const readings = this.#reading.get(person) ?? new Set();
    this.#reading.set(person, readings.add(meanwhile));
    try {
      for (const greeting of this.#greetings) {
        tell(await greeting(person));
        meanwhile.forEach(tell);
      }
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
