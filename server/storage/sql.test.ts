import { setTimeout as pause } from 'node:timers/promises';
import { expect, inject, test } from 'vitest';

import { targetOf, throughPort, Wire } from '../trials/wire.ts';
import { BYTEA_ARRAY } from './lists.ts';
import { connect } from './sql.ts';

const CUTS = ['before', 'amid', 'after'] as const;
const SIDES = ['caller', 'server'] as const;

/** The line breaks at this chunk while three ask, one of them in a transaction, then for all; afterwards it is whole again. */
async function play(at: number, side: (typeof SIDES)[number], cut: (typeof CUTS)[number]): Promise<void> {
  const wire = await Wire.to(targetOf(inject('postgres')));
  const sql = connect(throughPort(inject('postgres'), wire.port), { max: 1, connectTimeout: 2 });
  wire.decide = (_bytes, from, number) => (from === side && number === at ? cut : null);
  const failed = (error: unknown) => error;
  const asking = Promise.all([
    sql`select 1`.catch(failed),
    sql.begin(async (tx) => [await tx`select 1`, await tx`select 2`]).catch(failed),
    sql`select 1`.catch(failed),
  ]);
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
  for (let at = 1; at <= 9; at++) await Promise.all(SIDES.flatMap((side) => CUTS.map((cut) => play(at, side, cut))));
}, 60_000);

test('[S5] a transaction whose connection breaks is told so, and says nothing more', async () => {
  const wire = await Wire.to(targetOf(inject('postgres')));
  const sql = connect(throughPort(inject('postgres'), wire.port), { max: 1 });
  let after: unknown = null;
  const goOn = Promise.withResolvers<void>();
  const broken = sql.begin(async (tx) => {
    await tx`select 1`;
    wire.cutAll();
    await goOn.promise;
    after = await Promise.resolve()
      .then(() => tx`select 2`)
      .catch((error: unknown) => error);
    throw after;
  });
  await expect(broken).rejects.toThrow('lost');
  goOn.resolve();
  while (!(await sql`select 1`.catch(() => false))) await pause(5);
  expect(String(after)).toContain('lost');
  await sql.end({ timeout: 0 });
  await wire.stop();
});

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
