import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PULSE_SECONDS } from '#shared/protocol/control.ts';
import { backoffMs } from './backoff.ts';
import { SyncSocket } from './socket.ts';

/** A WebSocket in the hands of the test. */
class Wire {
  binaryType = '';
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  onerror: (() => void) | null = null;
  closed = false;
  sent: Uint8Array[] = [];
  send(bytes: Uint8Array): void {
    this.sent.push(bytes);
  }
  close(): void {
    this.closed = true;
  }
}

function setup() {
  const wires: Wire[] = [];
  const world = { network: true };
  const socket = new SyncSocket({
    connect: () => {
      const wire = new Wire();
      wires.push(wire);
      return wire as unknown as WebSocket;
    },
    hasNetwork: () => world.network,
    random: () => 1,
  });
  const last = () => wires.at(-1) as Wire;
  return { socket, wires, world, last };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('waits longer after each failure, never in step, never for ever', () => {
  const steps = [0, 1, 2, 3, 4, 5, 6, 60].map((failures) => backoffMs(failures, 1));
  expect(steps).toEqual([400, 800, 1_600, 3_200, 6_400, 12_800, 15_000, 15_000]);
  expect(backoffMs(3, 0)).toBe(1_600);
});

test('tries again until the relay is there, then hands over its frames', () => {
  const { socket, wires, last } = setup();
  const frames: number[] = [];
  socket.on('frame', (bytes) => frames.push(bytes.length));
  socket.start();
  expect(socket.state).toBe('connecting');
  last().onclose?.({ code: 1006 });
  expect(socket.state).toBe('waiting');
  vi.advanceTimersByTime(399);
  expect(wires).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(wires).toHaveLength(2);
  last().onopen?.();
  expect(socket.state).toBe('open');
  last().onmessage?.({ data: new ArrayBuffer(7) });
  expect(frames).toEqual([7]);
  socket.stop();
  expect(last().closed).toBe(true);
});

test('takes a socket that is silent for three pulses for dead', () => {
  const { socket, last } = setup();
  const lost = vi.fn();
  socket.on('lost', lost);
  socket.start();
  last().onopen?.();
  vi.advanceTimersByTime(2 * PULSE_SECONDS * 1000);
  last().onmessage?.({ data: new ArrayBuffer(1) });
  vi.advanceTimersByTime(3 * PULSE_SECONDS * 1000 - 1);
  expect(socket.state).toBe('open');
  vi.advanceTimersByTime(1);
  expect(socket.state).toBe('waiting');
  expect(lost).toHaveBeenCalledOnce();
  socket.stop();
});

test('does not try without a network, and at once when it is back', () => {
  const { socket, wires, world, last } = setup();
  socket.start();
  last().onopen?.();
  world.network = false;
  dispatchEvent(new Event('offline'));
  expect(socket.state).toBe('no-network');
  vi.advanceTimersByTime(600_000);
  expect(wires).toHaveLength(1);
  world.network = true;
  dispatchEvent(new Event('online'));
  vi.advanceTimersByTime(100);
  expect(wires).toHaveLength(2);
  socket.stop();
});

test('4401 ends it for good', () => {
  const { socket, wires, last } = setup();
  const signedOut = vi.fn();
  socket.on('signedOut', signedOut);
  socket.start();
  last().onopen?.();
  last().onclose?.({ code: 4401 });
  vi.advanceTimersByTime(600_000);
  expect(signedOut).toHaveBeenCalledOnce();
  expect(wires).toHaveLength(1);
});

test('an old socket that closes late does not touch the new one', () => {
  const { socket, wires, last } = setup();
  socket.start();
  const [old] = wires;
  const close = old?.onclose;
  vi.advanceTimersByTime(10_400);
  expect(wires).toHaveLength(2);
  last().onopen?.();
  close?.({ code: 1006 });
  expect(socket.state).toBe('open');
  socket.stop();
});

test('a relay that accepts and closes at once is backed off from', () => {
  const { socket, wires, last } = setup();
  socket.start();
  for (const wait of [400, 800, 1_600]) {
    last().onopen?.();
    last().onclose?.({ code: 4503 });
    const before = wires.length;
    vi.advanceTimersByTime(wait - 1);
    expect(wires).toHaveLength(before);
    vi.advanceTimersByTime(1);
    expect(wires).toHaveLength(before + 1);
  }
  socket.stop();
});
