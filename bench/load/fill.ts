/** Puts histories into a server, as devices would: update by update, each seen to be there before the next. */
import { setTimeout as wait } from 'node:timers/promises';
import * as Y from 'yjs';
import { Author } from './messages.ts';
import type { FillPlan, FillResult, FillStep } from './plans.ts';
import { seedOf } from './seeded.ts';
import { Line, type Person, type Place } from './wires.ts';

const PATIENCE_MILLIS = 60_000;
const LOOK_EVERY_MILLIS = 20;
/** How many conversations are filled at the same time. */
const AT_ONCE = 25;

export async function fill(plan: FillPlan): Promise<FillResult> {
  const results: FillResult = plan.histories.map(() => []);
  const queue = [...plan.histories.entries()];
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [index, { person, steps }] = next;
      for (const [at, step] of steps.entries())
        results[index]?.push(await one(plan, person, step, seedOf(plan.seed, index, at)));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return results;
}

async function one(plan: FillPlan, person: Person, step: FillStep, seed: number): Promise<Uint8Array> {
  const { place, from, messages } = step;
  // A device of its own for each update: a client id continues only what its own document knows.
  const update = new Author(person.id, seed).writeMany(from, messages, plan.chars, Date.now() - messages);
  const writer = newLine(plan, place, person);
  const before = countIn(await writer.sync());
  writer.sendUpdate(update);
  const until = performance.now() + PATIENCE_MILLIS;
  for (;;) {
    const reader = newLine(plan, place, person);
    const whole = await reader.sync();
    reader.cut();
    if (countIn(whole) >= before + messages) {
      writer.cut();
      return whole;
    }
    if (performance.now() > until) throw new Error(`${plan.wire} did not take a history of ${messages} messages`);
    await wait(LOOK_EVERY_MILLIS);
  }
}

const newLine = ({ wire, port }: FillPlan, place: Place, person: Person): Line =>
  new Line(wire, port, place, person, { frame: () => undefined, closed: () => undefined });

function countIn(update: Uint8Array): number {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, update);
  return doc.getMap('messages').size;
}
