/**
 * PeerJS's server, in a thread of its own: it cannot be stopped (its timers run for ever), and what it throws would end the relay. Listens on
 * loopback only, and to those who know the key, which is the relay.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { PeerServer } from 'peer';
import { WebSocketServer } from 'ws';
import type { ThreadData } from './peer-server.ts';

const { key, maxBytes } = workerData as ThreadData;

const app = PeerServer(
  {
    host: '127.0.0.1',
    port: 0,
    path: '/',
    key,
    corsOptions: { origin: false },
    // The relay says who may come.
    concurrent_limit: 1_000_000,
    createWebSocketServer: (options) =>
      new WebSocketServer({ ...options, maxPayload: maxBytes, perMessageDeflate: false }),
  },
  (server) => {
    const address = server.address();
    if (typeof address === 'object' && address !== null) parentPort?.postMessage({ port: address.port });
  },
);
// Of one connection, which is over then. Without a listener it would be thrown.
app.on('error', () => undefined);
