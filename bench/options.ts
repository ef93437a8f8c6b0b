/** What was typed behind `npm run bench --`. */
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Kind } from './servers.ts';

export const PARTS = ['pairs', 'crowd', 'memory', 'return', 'app'] as const;
export type Part = (typeof PARTS)[number];
/** Several parts under one name. */
const GROUPS: Record<string, readonly Part[]> = { relay: ['pairs', 'crowd'] };

const KINDS: readonly Kind[] = ['ting', 'bare', 'y-websocket', 'hocuspocus', 'usual'];

export interface Options {
  parts: readonly Part[];
  kinds: readonly Kind[];
  /** Folders whose relay is measured; the first is the one called Ting Ting. */
  checkouts: readonly string[];
  rounds: number | undefined;
  seconds: number | undefined;
  perSecond: number | undefined;
  seed: number;
  json: boolean;
  profiles: string | null;
}

export const USAGE = `npm run bench -- [parts] [options]

parts      ${PARTS.join(', ')}; relay is pairs and crowd. All when none is named.
--servers  which to measure, with commas: ${KINDS.join(',')} (all)
--checkout a folder whose relay is measured (this one); may be given twice, to compare two
--rounds   how often each is measured; the median counts
--seconds  how long each round of pairs and crowd sends
--rate     messages a second of pairs and crowd (500 and 100)
--seed     of everything random (1)
--profile  a folder for CPU profiles of the servers while they are measured
--json     for comparing by program`;

export function readOptions(args: string[], root: string): Options {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      servers: { type: 'string' },
      checkout: { type: 'string', multiple: true },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      rate: { type: 'string' },
      seed: { type: 'string', default: '1' },
      profile: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) throw new Error(USAGE);
  const parts = positionals.flatMap((word) => GROUPS[word] ?? [oneOf(PARTS, word)]);
  if (values.profile !== undefined) mkdirSync(values.profile, { recursive: true });
  return {
    parts: parts.length === 0 ? PARTS : parts,
    kinds: values.servers === undefined ? KINDS : values.servers.split(',').map((word) => oneOf(KINDS, word)),
    checkouts: (values.checkout ?? [root]).map((folder) => resolve(folder)),
    rounds: number(values.rounds),
    seconds: number(values.seconds),
    perSecond: number(values.rate),
    seed: number(values.seed) ?? 1,
    json: values.json,
    profiles: values.profile === undefined ? null : resolve(values.profile),
  };
}

function oneOf<T extends string>(words: readonly T[], word: string): T {
  const found = words.find((each) => each === word);
  if (found === undefined) throw new Error(`“${word}” is none of ${words.join(', ')}.\n\n${USAGE}`);
  return found;
}

function number(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new Error(`“${text}” is not a number above 0.`);
  return value;
}
