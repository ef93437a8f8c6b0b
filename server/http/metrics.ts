/** What the relay counts about itself, as Prometheus text. A registry of its own, so that two relays in one process do not mix. */
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';

export interface Metrics {
  request(route: string, status: number): void;
  socketOpened(): void;
  socketClosed(): void;
  messagesPosted(count: number): void;
  /** What a client sent over a socket was refused. */
  refused(fault: string): void;
  /** Bytes of blobs. */
  blobBytes(way: 'in' | 'out', bytes: number): void;
  callStarted(): void;
  callEnded(outcome: string): void;
  /** What a client said to the call broker was refused. */
  signalRefused(fault: string): void;
  text(): Promise<{ type: string; body: string }>;
}

export function startMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'tingting_http_requests_total',
    help: 'Answers by route and status',
    labelNames: ['route', 'status'],
    registers: [registry],
  });
  const sockets = new Gauge({ name: 'tingting_sockets', help: 'Sockets open now', registers: [registry] });
  const messages = new Counter({ name: 'tingting_messages_total', help: 'Messages stamped', registers: [registry] });
  const refusals = new Counter({
    name: 'tingting_refusals_total',
    help: 'Frames and updates refused, by fault',
    labelNames: ['fault'],
    registers: [registry],
  });
  const blobs = new Counter({
    name: 'tingting_blob_bytes_total',
    help: 'Bytes of files that came in and went out',
    labelNames: ['way'],
    registers: [registry],
  });
  const calls = new Counter({ name: 'tingting_calls_started_total', help: 'Calls begun', registers: [registry] });
  const outcomes = new Counter({
    name: 'tingting_calls_ended_total',
    help: 'Calls that are over, by outcome',
    labelNames: ['outcome'],
    registers: [registry],
  });
  const signals = new Counter({
    name: 'tingting_signals_refused_total',
    help: 'Messages to the call broker refused, by fault',
    labelNames: ['fault'],
    registers: [registry],
  });
  return {
    callStarted: () => calls.inc(),
    callEnded: (outcome) => outcomes.inc({ outcome }),
    signalRefused: (fault) => signals.inc({ fault }),
    blobBytes: (way, bytes) => blobs.inc({ way }, bytes),
    refused: (fault) => refusals.inc({ fault }),
    request: (route, status) => requests.inc({ route, status: String(status) }),
    socketOpened: () => sockets.inc(),
    socketClosed: () => sockets.dec(),
    messagesPosted: (count) => messages.inc(count),
    text: async () => ({ type: registry.contentType, body: await registry.metrics() }),
  };
}
