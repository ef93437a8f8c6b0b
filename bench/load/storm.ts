/** Everybody of one conversation comes back at the same moment: how long until the last of them has the last message. */
import * as Y from 'yjs';
import { numbersIn } from './messages.ts';
import type { StormPlan } from './plans.ts';
import { get, Line, type Person } from './wires.ts';

const PATIENCE_MILLIS = 60_000;

export async function storm(plan: StormPlan): Promise<number> {
  const doc = new Y.Doc();
  if (plan.base.length > 0) Y.applyUpdate(doc, plan.base);
  const state = Y.encodeStateVector(doc);
  const lines: Line[] = [];
  const patience = new Promise<never>((_, reject) =>
    setTimeout(reject, PATIENCE_MILLIS, new Error(`${plan.wire} did not bring everybody up to date`)).unref(),
  );
  const started = performance.now();
  await Promise.race([Promise.all(plan.talk.people.map((person) => comeBack(plan, person, state, lines))), patience]);
  const millis = performance.now() - started;
  for (const line of lines) line.cut();
  return millis;
}

async function comeBack(plan: StormPlan, person: Person, state: Uint8Array, lines: Line[]): Promise<void> {
  const { wire, port, talk, last, after } = plan;
  let seen: () => void = () => undefined;
  const arrived = new Promise<void>((resolve) => (seen = resolve));
  const handlers = {
    frame: (bytes: Buffer) => {
      // A bare relay keeps nothing: it sends as many bytes as the missing messages have.
      if (wire === 'bare' || newestIn(bytes) >= last) seen();
    },
    closed: () => undefined,
  };
  const line = new Line(wire, port, talk.place, person, handlers, wire === 'bare' ? '/backlog' : undefined);
  lines.push(line);
  await line.sync(state);
  if (wire === 'usual') await get(port, `/${talk.place.conversation}?after=${after}&limit=1000`);
  else await arrived;
}

/** The highest number among the messages in these bytes. */
function newestIn(bytes: Buffer): number {
  let newest = -1;
  numbersIn(bytes, (number) => (newest = Math.max(newest, number)));
  return newest;
}
