import { expect, inject, test } from 'vitest';
import { seeded } from '../test-random.ts';
import { targetOf, throughPort, Wire } from '../trials/wire.ts';
import { connect } from './sql.ts';
import { testDatabase } from './test-database.ts';

const ROUNDS = 60;

test('[S19] after an answer that failed behind its first rows, the next ones have all of theirs and nothing else', async () => {
  const sql = connect(inject('postgres'), { max: 1 });
  const midway = () => sql`select 1 / (3 - n) from generate_series(1, 5) as n`.catch((error: unknown) => String(error));
  for (const behind of [false, true]) {
    const failing = midway();
    if (!behind) await failing;
    const rows = await sql`select n from generate_series(1, 3) as n`;
    expect(await failing).toContain('division by zero');
    expect([...rows]).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
    await midway();
    const seen = await sql.begin(async (tx) => tx`select 'own' as row`);
    expect([...seen]).toEqual([{ row: 'own' }]);
    await midway();
    expect([...(await sql`select 1 where false`)]).toEqual([]);
  }
  await sql.end();
});

// The driver asks what waited once more on the same connection, which has kept the count of the rows that came before the cut.
test('[S19] behind an answer that is cut off, the next one is its own or a refusal', async () => {
  const wire = await Wire.to(targetOf(inject('postgres')));
  const sql = connect(throughPort(inject('postgres'), wire.port), { max: 1 });
  await sql`select 1`;
  wire.decide = (bytes, from) => (from === 'server' && bytes.length > 2_000 ? 'amid' : null);
  const long = sql`select repeat('x', 100) as x from generate_series(1, ${5_000}::int)`.catch(() => 'refused');
  const behind = Promise.all(
    ['a', 'b', 'c'].map((row) =>
      sql`select ${row}::text as row`.then(
        (rows) => [...rows],
        () => [{ row }],
      ),
    ),
  );
  expect(await long).toBe('refused');
  wire.decide = () => null;
  expect(await behind).toEqual([[{ row: 'a' }], [{ row: 'b' }], [{ row: 'c' }]]);
  expect(wire.cuts).toBe(1);
  await sql.end({ timeout: 0 });
  await wire.stop();
});

test('[S19] whatever the moment at which a connection breaks, an answer is one’s own, and nothing is done twice', async () => {
  const { sql: whole, url, stop } = await testDatabase();
  await whole`create table done (n int)`;
  const wire = await Wire.to(targetOf(url));
  const sql = connect(throughPort(url, wire.port), { max: 2, connectTimeout: 2 });
  const random = seeded(19);
  const answered = new Set<number>();
  const ask = async (n: number): Promise<void> => {
    // Of many lengths and kinds: prepared anew, prepared before, without values, in a transaction, failing midway, writing.
    const length = 1 + Math.floor(random() * 200);
    const expected = Array.from({ length }, (_, i) => ({ n, i: i + 1 }));
    const kind = Math.floor(random() * 5);
    if (kind === 0) {
      const rows = await sql`select ${n}::int as n, i from generate_series(1, ${length}::int) as i`;
      expect([...rows]).toEqual(expected);
    } else if (kind === 1) {
      const rows =
        await sql`select ${n}::int as n, i, ${sql(`kind${n}`)} from generate_series(1, ${length}::int) as i, (select 1) as k (${sql(`kind${n}`)})`;
      expect(rows.map(({ n, i }) => ({ n, i }))).toEqual(expected);
    } else if (kind === 2) {
      const rows = await sql.begin((tx) => tx`select ${n}::int as n, i from generate_series(1, ${length}::int) as i`);
      expect([...rows]).toEqual(expected);
    } else if (kind === 3) {
      await expect(sql`select 1 / (${length}::int - i) from generate_series(1, 200) as i`).rejects.toThrow();
    } else {
      const rows = await sql`insert into done values (${n}) returning n`;
      expect([...rows]).toEqual([{ n }]);
      answered.add(n);
    }
  };
  let n = 0;
  for (let round = 0; round < ROUNDS; round++) {
    let chunks = Math.floor(random() * 24);
    const cut = (['before', 'amid', 'after'] as const)[Math.floor(random() * 3)] ?? 'amid';
    wire.decide = () => (chunks-- === 0 ? cut : null);
    const asked = await Promise.allSettled(Array.from({ length: 12 }, () => ask(n++)));
    for (const each of asked) {
      // A refusal is the driver's or the server's; what the expectations above throw is none.
      if (each.status === 'rejected' && (each.reason as Error).name === 'AssertionError') throw each.reason;
    }
  }
  wire.decide = () => null;
  expect(wire.cuts).toBeGreaterThan(ROUNDS / 4);
  const done = (await whole<{ n: number }[]>`select n from done`).map((row) => row.n);
  expect(new Set(done).size).toBe(done.length);
  expect([...answered].filter((each) => !done.includes(each))).toEqual([]);
  await sql.end({ timeout: 0 });
  await wire.stop();
  await stop();
}, 60_000);
