import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ObservableV2 } from 'lib0/observable';
import type { ClientControl } from '#shared/protocol/control.ts';
import { Here } from './here.ts';
import type { RelayLink } from './relay-link.ts';

const look = vi.spyOn(document, 'visibilityState', 'get');
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function start() {
  const said: ClientControl[] = [];
  const link = Object.assign(new ObservableV2(), {
    isOpen: true,
    say: (message: ClientControl) => said.push(message),
  }) as unknown as RelayLink;
  const here = new Here(link);
  here.start();
  return { here, link, said };
}
const turn = (state: DocumentVisibilityState) => {
  look.mockReturnValue(state);
  document.dispatchEvent(new Event('visibilitychange'));
};

test('[N1] a page that nobody has looked at for minutes is no presence, until somebody does', () => {
  turn('visible');
  const { here, link, said } = start();
  turn('hidden');
  vi.advanceTimersByTime(60_000);
  turn('visible');
  vi.advanceTimersByTime(600_000);
  expect(said).toEqual([]);
  turn('hidden');
  vi.advanceTimersByTime(120_000);
  expect(said).toEqual([{ is: 'here', active: false }]);
  // A new socket begins with somebody being there.
  link.emit('state', ['open']);
  expect(said).toHaveLength(2);
  turn('visible');
  expect(said.at(-1)).toEqual({ is: 'here', active: true });
  link.emit('state', ['open']);
  expect(said).toHaveLength(3);
  here.stop();
});
