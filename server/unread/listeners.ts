/** Who has a socket that hears of the list. Stock clients that sync one document do not, and no row is counted for them. */
import type { UserId } from '#shared/ids.ts';

export class Listeners {
  #sockets = new Map<UserId, number>();

  came(person: UserId): void {
    this.#sockets.set(person, (this.#sockets.get(person) ?? 0) + 1);
  }

  left(person: UserId): void {
    const rest = (this.#sockets.get(person) ?? 0) - 1;
    if (rest > 0) this.#sockets.set(person, rest);
    else this.#sockets.delete(person);
  }

  has(person: UserId): boolean {
    return this.#sockets.has(person);
  }
}
