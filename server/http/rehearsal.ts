/**
 * A way around a flaw of uWebSockets.js 20.57, through which a relay now and then hung up on its very first socket right after the upgrade, with 1006
 * and no frame (on two busy cores: 15 of 78 starts).
 *
 * An upgrade that was decided asynchronously has to happen within `cork`; outside of it each word of the answer is a packet of its own, two dozen of
 * them. But `res.cork(() => res.upgrade(…))` looks, after the upgrade, at the state of the response that is no more: at 4 bytes of a piece of 64 that
 * was given back to the allocator a moment before. When somebody else was given it in between, what they wrote may read like "close this connection".
 * (Read only, and memory that is ours; nothing worse comes of it.)
 *
 * So hardly anything may happen in between. A socket is opened for the relay after the cork and not within it (uws.ts). What is left are things that a
 * process does once, such as compiling: so the first upgrades are played with ourselves, before anybody else can be hung up on.
 */
import { connect } from 'node:net';

const TIMES = 5;
const PATIENCE_MILLIS = 1_000;

/** `path` is known to nobody else, and upgrades whoever asks as any other is upgraded. */
export async function rehearse(host: string, port: number, path: string): Promise<void> {
  const own = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  for (let time = 0; time < TIMES; time++) await upgradeOnce(own, port, path);
}

/** Resolves when it was answered or hung up on: either will do. */
function upgradeOnce(host: string, port: number, path: string): Promise<void> {
  return new Promise((resolve) => {
    const connection = connect({ host, port }, () =>
      connection.write(
        `GET ${path} HTTP/1.1\r\nHost: rehearsal\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      ),
    );
    connection.setTimeout(PATIENCE_MILLIS, () => connection.destroy());
    connection.on('data', () => connection.destroy());
    connection.on('error', () => connection.destroy());
    connection.on('close', () => resolve());
  });
}
