/**
 * A way around a flaw of uWebSockets.js 20.57, through which a relay now and then hung up on its very first socket right after the upgrade, with
 * 1006 and no frame (measured on two busy cores: 15 of 78 starts; in the cork of another response: 0 of 40).
 *
 * An upgrade that was decided asynchronously has to happen within `cork`. But `res.cork(() => res.upgrade(…))` looks, after the upgrade, at the
 * state of the response that is no more. Going by the source: when the socket did not move in memory, it reads there whatever the new socket
 * keeps, may take it for "close this connection", and does. Upgrading outside of any cork is sound, but prints a warning for every socket.
 *
 * So one request to ourselves is kept unanswered for as long as the relay runs, and upgrades happen within the cork of *its* response, which
 * stays what it is. While that connection is being made anew, the documented way has to do.
 */
import { connect, type Socket } from 'node:net';

interface Corkable {
  cork(write: () => void): unknown;
}

const AGAIN_MILLIS = 250;

export class CorkAnchor {
  /** Nobody else knows the address. */
  readonly path = `/${crypto.randomUUID()}`;
  #response: Corkable | null = null;
  #connection: Socket | null = null;
  #stopped = false;

  /** Our request has arrived: its response is not to be answered. */
  arrived(response: Corkable): void {
    this.#response = response;
  }

  lost(): void {
    this.#response = null;
  }

  /** Resolves when the anchor holds, or could not be made to. */
  hold(host: string, port: number): Promise<void> {
    const own = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
    const connection = connect({ host: own, port });
    this.#connection = connection;
    connection.unref();
    connection.on('error', () => undefined);
    connection.on('close', () => {
      this.#response = null;
      if (!this.#stopped) setTimeout(() => this.#stopped || void this.hold(host, port), AGAIN_MILLIS).unref();
    });
    connection.write(`GET ${this.path} HTTP/1.1\r\nHost: anchor\r\n\r\n`);
    return this.#settled(connection);
  }

  async #settled(connection: Socket): Promise<void> {
    const until = Date.now() + AGAIN_MILLIS;
    while (this.#response === null && !connection.destroyed && Date.now() < until)
      await new Promise((resolve) => setTimeout(resolve, 1));
  }

  cork(own: Corkable, upgrade: () => void): void {
    (this.#response ?? own).cork(upgrade);
  }

  stop(): void {
    this.#stopped = true;
    this.#response = null;
    this.#connection?.destroy();
  }
}
