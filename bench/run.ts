/** `npm run bench`: every figure in one table, or as JSON with `--json`. */
import { firstJavaScriptBytes } from './first-javascript.ts';
import { measureOpening } from './opening.ts';
import { measureRelay } from './relay-cpu.ts';

const root = new URL('..', import.meta.url).pathname;
const script = firstJavaScriptBytes(root);
const relay = await measureRelay();
const opening = await measureOpening();

const rows = [
  {
    figure: 'JavaScript before a conversation shows, gzip',
    value: Math.round(script.bytes / 102.4) / 10,
    unit: 'KB',
    goal: '≤ 120',
  },
  { figure: 'relay CPU per accepted message', value: Math.round(relay.relayMicros), unit: 'µs', goal: '' },
  { figure: 'Postgres CPU per accepted message', value: Math.round(relay.postgresMicros), unit: 'µs', goal: '' },
  { figure: 'send → seen, median', value: Math.round(relay.p50Ms * 10) / 10, unit: 'ms', goal: '≤ 5' },
  { figure: 'send → seen, 99th percentile', value: Math.round(relay.p99Ms * 10) / 10, unit: 'ms', goal: '≤ 25' },
  {
    figure: 'opening a conversation of 100 messages, offline',
    value: Math.round(opening.smallMs),
    unit: 'ms',
    goal: '≤ 150',
  },
  {
    figure: 'opening a conversation of 20,000 messages, offline',
    value: Math.round(opening.largeMs),
    unit: 'ms',
    goal: '≤ 150',
  },
  {
    figure: 'the two as a ratio',
    value: Math.round((opening.largeMs / opening.smallMs) * 100) / 100,
    unit: '',
    goal: '≤ 1.2',
  },
];
if (process.argv.includes('--json')) console.log(JSON.stringify(rows, null, 2));
else console.table(rows);
