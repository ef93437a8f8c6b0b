/** Figures as they are shown: a title, rows with the same columns, and what the goals say to them. */
import { to } from './figures.ts';
import { firstJavaScriptBytes } from './first-javascript.ts';
import { measureOpening } from './opening.ts';
import type { ComebackFigures } from './comeback.ts';
import type { MemoryFigures } from './memory.ts';
import type { Shape, TrafficFigures } from './traffic.ts';

export interface Table {
  title: string;
  rows: Record<string, string | number>[];
  notes: string[];
}

export function trafficTable(shape: Shape, perSecond: number, figures: readonly TrafficFigures[]): Table {
  const micros = (name: string): number => figures.find(({ target }) => target === name)?.micros ?? NaN;
  const ratio = (name: string): number => to((figures[0]?.micros ?? NaN) / micros(name), 2);
  return {
    title:
      `${shape.conversations} conversation${shape.conversations === 1 ? '' : 's'} of ${shape.size} people, ` +
      `${perSecond} messages a second`,
    rows: figures.map((f) => ({
      server: f.target,
      'µs CPU a message': to(f.micros),
      'of it Postgres': to(f.postgresMicros),
      'seen p50 ms': to(f.p50Ms, 1),
      'seen p99 ms': to(f.p99Ms, 1),
      'bytes out a message': to(f.bytesOut),
      'generator µs': to(f.generatorMicros),
      'generator % of a core': to(f.generatorShare * 100),
    })),
    notes:
      shape.size === 2
        ? [
            `Ting Ting / Hocuspocus: ${ratio('Hocuspocus 4, Postgres')} (goal ≤ 0.33); / y-websocket: ${ratio('y-websocket')} (goal < 1)`,
          ]
        : [`Ting Ting / bare uWebSockets.js: ${ratio('bare uWebSockets.js')} (goal ≤ 1.5)`],
  };
}

export const memoryTable = (figures: readonly MemoryFigures[]): Table => ({
  title: 'Memory of the server’s process',
  rows: figures.map((f) => ({
    server: f.target,
    'kB an idle connection': to(f.connection, 1),
    'of it in V8': to(f.connectionHeap, 1),
    'bytes it was greeted with': to(f.greeting),
    'ms CPU to connect': to(f.connecting, 1),
    'kB a conversation nobody watches': to(f.unwatched, 2),
  })),
  notes: [
    'Goals: ≤ 5 kB a connection of somebody with 20 conversations (the app’s socket); 0 for what nobody watches.',
  ],
});

export const comebackTable = (figures: readonly ComebackFigures[]): Table => ({
  title: 'Coming back',
  rows: figures.map((f) => ({
    server: f.target,
    '1,000 missed: KB on the wire': f.catchUp === null ? '–' : to(f.catchUp.bytes / 1000),
    '1,000 missed: ms': f.catchUp === null ? '–' : to(f.catchUp.millis),
    '500 at once: ms': f.stormMillis === null ? '–' : to(f.stormMillis),
    'open 10,000 after a restart: ms': f.coldMillis === null ? '–' : to(f.coldMillis),
  })),
  notes: ['Goals: ≤ 200 KB and ≤ 100 ms; ≤ 300 ms; ≤ 30 ms.'],
});

export async function appTable(root: string): Promise<Table> {
  const script = await firstJavaScriptBytes(root);
  const opening = await measureOpening();
  const ratio = to(opening.largeMs / opening.smallMs, 2);
  return {
    title: 'The app',
    rows: [
      {
        figure: 'JavaScript before a conversation shows, gzip',
        value: to(script.bytes / 1024, 1),
        unit: 'KB',
        goal: '≤ 120',
      },
      {
        figure: 'opening a conversation of 100 messages, offline',
        value: to(opening.smallMs),
        unit: 'ms',
        goal: '≤ 150',
      },
      { figure: 'opening one of 20,000 messages, offline', value: to(opening.largeMs), unit: 'ms', goal: '≤ 150' },
      { figure: 'the two as a ratio', value: ratio, unit: '', goal: '≤ 1.2' },
    ],
    notes: [],
  };
}
