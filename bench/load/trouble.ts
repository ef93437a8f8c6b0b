/** People who do what nobody should, for a few seconds. */
import { setTimeout as wait } from 'node:timers/promises';
import { Author } from './messages.ts';
import type { Talk, TroublePlan, TroubleResult } from './plans.ts';
import { seedOf } from './seeded.ts';
import { framed } from './socket.ts';
import { Line } from './wires.ts';

/** "Send me all awareness states": the cheapest thing to ask for. */
const ASK = framed(new Uint8Array([3]));
const ASKS_AT_ONCE = 200;
const LONG_CHARS = 15_000;
const PAUSE_MILLIS = 10;
const LONG_EVERY_MILLIS = 20;
/** How long one who was hung up on waits before the next try. */
const AGAIN_MILLIS = 200;

export class Trouble {
  readonly #plan: TroublePlan;
  readonly #result: TroubleResult = { floodsEnded: {}, floodFrames: 0, slowBytes: 0 };
  readonly #slow: { writer: Line; reader: Line; talk: Talk }[] = [];
  #over = false;

  private constructor(plan: TroublePlan) {
    this.#plan = plan;
  }

  /** The slow ones are connected, and read no more. */
  static async prepare(plan: TroublePlan): Promise<Trouble> {
    const trouble = new Trouble(plan);
    for (const talk of plan.slow) await trouble.#connectSlow(talk);
    return trouble;
  }

  async run(): Promise<TroubleResult> {
    const all = [
      ...this.#plan.floods.map((talk) => this.#flood(talk)),
      ...this.#slow.map(({ writer, talk }, index) => this.#write(writer, talk, index)),
    ];
    await wait(this.#plan.seconds * 1_000);
    this.#over = true;
    await Promise.all(all);
    return this.#result;
  }

  close(): void {
    for (const { writer, reader } of this.#slow) {
      writer.cut();
      reader.cut();
    }
  }

  async #connectSlow(talk: Talk): Promise<void> {
    const [first, second] = talk.people;
    if (first === undefined || second === undefined) throw new Error('it takes two');
    const line = (person: typeof first): Line =>
      new Line('ting', this.#plan.port, talk.place, person, { frame: () => undefined, closed: () => undefined });
    const [writer, reader] = [line(first), line(second)];
    await Promise.all([writer.sync(), reader.sync()]);
    reader.stopReading();
    this.#slow.push({ writer, reader, talk });
  }

  async #write(writer: Line, talk: Talk, index: number): Promise<void> {
    const author = new Author(talk.people[0]?.id ?? '', seedOf(this.#plan.seed, 'slow', index));
    for (let number = 0; !this.#over; number++) {
      const { message, update } = author.write(number, LONG_CHARS, Date.now());
      writer.send(writer.prepare(message, update));
      this.#result.slowBytes += update.length;
      await wait(LONG_EVERY_MILLIS);
    }
  }

  async #flood(talk: Talk): Promise<void> {
    const [person] = talk.people;
    if (person === undefined) throw new Error('somebody has to do it');
    while (!this.#over) {
      let open = true;
      const line = new Line('ting', this.#plan.port, talk.place, person, {
        frame: () => undefined,
        closed: (code) => {
          open = false;
          this.#result.floodsEnded[code] = (this.#result.floodsEnded[code] ?? 0) + 1;
        },
      });
      // Refused at the door: too many sockets, too fast.
      await line.socket.opened().catch(() => undefined);
      while (open && !this.#over) {
        for (let i = 0; i < ASKS_AT_ONCE; i++) line.socket.send(ASK);
        this.#result.floodFrames += ASKS_AT_ONCE;
        await wait(PAUSE_MILLIS);
      }
      line.cut();
      await wait(AGAIN_MILLIS);
    }
  }
}
