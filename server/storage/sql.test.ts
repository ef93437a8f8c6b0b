import { setTimeout as pause } from 'node:timers/promises';
import { expect, inject, test } from 'vitest';

import { targetOf, throughPort, Wire } from '../trials/wire.ts';
import { BYTEA_ARRAY } from './lists.ts';
import { connect } from './sql.ts';

const CUTS = ['before', 'amid', 'after'] as const;
const SIDES = ['caller', 'server'] as const;

/** The line breaks at this chunk while three ask, then for all; afterwards it is whole again. */
async function play(at: number, side: (typeof SIDES)[number], cut: (typeof CUTS)[number]): Promise<void> {
  const wire = await Wire.to(targetOf(inject('postgres')));
  const sql = connect(throughPort(inject('postgres'), wire.port), { max: 1, connectTimeout: 2 });
  wire.decide = (_bytes, from, number) => (from === side && number === at ? cut : null);
  const asking = Promise.all(Array.from({ length: 3 }, () => sql`select 1`.catch((error: unknown) => error)));
  await Promise.race([asking, pause(30)]);
  wire.cutAll();
  wire.decide = () => null;
  await asking;
  // Whoever asks at once may meet a line that is dead and does not know it yet.
  while (!(await sql`select 1`.catch(() => false))) await pause(5);
  await sql.end({ timeout: 0 });
  await wire.stop();
}

// An error that nobody catches ends the relay; vitest fails for it as well.
test('[S5] a connection that breaks at any moment of its life is an error for whoever asked, and nobody waits for ever', async () => {
  for (let at = 1; at <= 6; at++) await Promise.all(SIDES.flatMap((side) => CUTS.map((cut) => play(at, side, cut))));
}, 60_000);

test('lists of all kinds arrive as they are, and come back', async () => {
  const sql = connect(inject('postgres'), { max: 1 });
  const lists = {
    texts: ['', 'a,b', '{"x"}', 'back\\slash', '"', 'NULL', 'null', null, 'hai\ndòng', ' ', '{}'],
    none: [] as string[],
    numbers: [0, -1, Number.MAX_SAFE_INTEGER, null],
    ints: [1, 2],
    bytes: [Buffer.from([0, 255, 92, 34]), Buffer.alloc(0)],
  };
  const [row] = await sql`
    select ${lists.texts}::text[] as texts, ${lists.none}::text[] as none, ${lists.numbers}::bigint[] as numbers,
      ${lists.ints}::int[] as ints, ${sql.array(lists.bytes, BYTEA_ARRAY)}::bytea[] as bytes,
      to_json(${lists.texts}::text[]) as seen, ${'b'} = any(${['a', 'b']}) as found`;
  expect(row).toEqual({ ...lists, seen: lists.texts, found: true });
  await sql.end();
});
