/** Connections that are opened and then do nothing. */
import type { IdlePlan, IdleResult } from './plans.ts';
import { framed } from './socket.ts';
import { Line, type Person, type Place } from './wires.ts';

const CONNECTING_AT_ONCE = 50;
/** How long a goodbye may take to arrive before the line is cut. */
const GOODBYE_MILLIS = 200;
/** A close frame with code 1000. */
const GOODBYE = framed(new Uint8Array([0x03, 0xe8]), 8);

export class Idle {
  readonly #plan: IdlePlan;
  readonly #lines: Line[] = [];
  #leaving = false;
  #lost = 0;

  constructor(plan: IdlePlan) {
    this.#plan = plan;
  }

  /** Opens all of them; resolves when each has what it came for. */
  async run(): Promise<IdleResult> {
    let waiting: Promise<unknown>[] = [];
    for (const { place, people } of this.#plan.talks) {
      for (const person of people) {
        waiting.push(this.#plan.withoutDocument ? this.#listen(place, person) : this.#watch(place, person));
        if (waiting.length < CONNECTING_AT_ONCE) continue;
        await Promise.all(waiting);
        waiting = [];
      }
    }
    await Promise.all(waiting);
    return {
      connections: this.#lines.length,
      bytesIn: this.#lines.reduce((sum, line) => sum + line.socket.bytesIn, 0),
    };
  }

  async #watch(place: Place, person: Person): Promise<void> {
    await this.#line(place, person, () => undefined).sync();
  }

  /** Until the overview is there. */
  #listen(place: Place, person: Person): Promise<void> {
    return new Promise((resolve) => {
      this.#line(place, person, (bytes) => {
        if (bytes[0] === 0 && bytes.includes('"overview"')) resolve();
      });
    });
  }

  #line(place: Place, person: Person, frame: (bytes: Buffer) => void): Line {
    const { wire, port } = this.#plan;
    const line = new Line(wire, port, place, person, {
      frame,
      closed: () => void (this.#lost += this.#leaving ? 0 : 1),
    });
    this.#lines.push(line);
    return line;
  }

  /** A proper goodbye: a server must not be charged for connections that it takes for alive. */
  async close(): Promise<void> {
    // Memory of connections that were no longer there would be a figure of nothing.
    if (this.#lost > 0) throw new Error(`${this.#plan.wire} closed ${this.#lost} idle connections by itself`);
    this.#leaving = true;
    for (const line of this.#lines) line.socket.send(GOODBYE);
    await new Promise((resolve) => setTimeout(resolve, GOODBYE_MILLIS));
    for (const line of this.#lines) line.cut();
  }
}
