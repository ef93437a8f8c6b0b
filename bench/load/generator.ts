/**
 * The process that plays the people, so that neither their cost nor the wait for a timer is counted to a server. It is told what to prepare, says
 * when it is ready, goes on a word, and answers with what it saw.
 */
import { Crowd } from './crowd.ts';
import { fill } from './fill.ts';
import { Idle } from './idle.ts';
import { open } from './open.ts';
import type { Plan } from './plans.ts';
import { storm } from './storm.ts';
import { Trouble } from './trouble.ts';
import { Traffic } from './traffic.ts';

export type Order = { order: 'prepare'; plan: Plan } | { order: 'go' } | { order: 'measure' } | { order: 'close' };
export type Report =
  { is: 'ready' } | { is: 'done'; result: unknown } | { is: 'closed' } | { is: 'failed'; why: string };

interface Work {
  run(): Promise<unknown>;
  /** Where there is something to measure between one run and the next. */
  measure?(): Promise<unknown>;
  close(): void | Promise<void>;
}

let work: Work | null = null;
const report = (message: Report): void => void process.send?.(message);

async function prepare(plan: Plan): Promise<Work> {
  const nothing = (): undefined => undefined;
  switch (plan.is) {
    case 'traffic':
      return Traffic.prepare(plan);
    case 'crowd':
      return new Crowd(plan);
    case 'idle':
      return new Idle(plan);
    case 'fill':
      return { run: () => fill(plan), close: nothing };
    case 'trouble':
      return Trouble.prepare(plan);
    case 'storm':
      return { run: () => storm(plan), close: nothing };
    case 'open':
      return { run: () => open(plan), close: nothing };
  }
}

async function take(order: Order): Promise<void> {
  switch (order.order) {
    case 'prepare':
      work = await prepare(order.plan);
      return report({ is: 'ready' });
    case 'go':
      return report({ is: 'done', result: await work?.run() });
    case 'measure':
      return report({ is: 'done', result: await work?.measure?.() });
    case 'close':
      await work?.close();
      work = null;
      return report({ is: 'closed' });
  }
}

process.on('message', (order: Order) => {
  take(order).catch((error: unknown) =>
    report({ is: 'failed', why: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
