/** Traffic at a fixed rate: everything that can be prepared is, then messages go out when they are due, and every arrival is looked at. */
import { Author, numbersIn } from './messages.ts';
import type { TrafficPlan, TrafficResult } from './plans.ts';
import { Line } from './wires.ts';

/** A server that has not delivered a message after this long has lost it. */
const PATIENCE_MILLIS = 30_000;
/** How many connect at the same time: a person's network does not make a thousand at once. */
const CONNECTING_AT_ONCE = 50;
const CHARS = 60;

interface Prepared {
  line: Line;
  frame: Buffer;
}

export class Traffic {
  readonly #plan: TrafficPlan;
  readonly #lines: Line[] = [];
  readonly #queue: Prepared[] = [];
  readonly #sentAt: Float64Array;
  /** The index of the talk's person who wrote the message. */
  readonly #author: Int32Array;
  readonly #arrivals: Int32Array;
  readonly #latencies: number[] = [];
  #bytesAtStart = 0;
  #twice = 0;
  #open = 0;
  #allSeen: () => void = () => undefined;
  #lost: Error | null = null;

  private constructor(plan: TrafficPlan) {
    this.#plan = plan;
    this.#sentAt = new Float64Array(plan.messages);
    this.#author = new Int32Array(plan.messages);
    this.#arrivals = new Int32Array(plan.messages);
  }

  static async prepare(plan: TrafficPlan): Promise<Traffic> {
    const traffic = new Traffic(plan);
    await traffic.#connect();
    traffic.#write();
    return traffic;
  }

  async #connect(): Promise<void> {
    const { wire, port, talks } = this.#plan;
    let waiting: Promise<unknown>[] = [];
    for (const { place, people } of talks) {
      for (const [index, person] of people.entries()) {
        const line = new Line(wire, port, place, person, {
          frame: (bytes) => {
            // Channel 0 of the app's socket: what the list shows of a message, not the message.
            if (wire !== 'ting-app' || bytes[0] !== 0) numbersIn(bytes, (number) => this.#arrived(number, index));
          },
          closed: (code) => {
            this.#lost = new Error(`${wire} closed a socket with ${code}`);
          },
        });
        this.#lines.push(line);
        waiting.push(line.sync());
        if (waiting.length >= CONNECTING_AT_ONCE) {
          await Promise.all(waiting);
          waiting = [];
        }
      }
    }
    await Promise.all(waiting);
  }

  #write(): void {
    const { talks, authors, messages, seed } = this.#plan;
    const starts: number[] = [];
    let next = 0;
    for (const { people } of talks) {
      starts.push(next);
      next += people.length;
    }
    const writers = new Map<number, Author>();
    const now = Date.now();
    for (let number = 0; number < messages; number++) {
      const talk = number % talks.length;
      const index = Math.floor(number / talks.length) % authors;
      const slot = (starts[talk] ?? 0) + index;
      const line = this.#lines[slot];
      const person = talks[talk]?.people[index];
      if (line === undefined || person === undefined) throw new Error('more authors than people');
      const writer = writers.get(slot) ?? new Author(person.id, seed * 1_000_003 + slot);
      writers.set(slot, writer);
      const { message, update } = writer.write(number, CHARS, now + number);
      this.#author[number] = index;
      this.#queue.push({ line, frame: line.prepare(message, update) });
      this.#open += (talks[talk]?.people.length ?? 1) - 1;
    }
  }

  #arrived(number: number, reader: number): void {
    const sentAt = this.#sentAt[number];
    if (sentAt === undefined || sentAt === 0 || reader === this.#author[number]) return;
    const watchers = (this.#plan.talks[number % this.#plan.talks.length]?.people.length ?? 1) - 1;
    const arrivals = (this.#arrivals[number] ?? 0) + 1;
    this.#arrivals[number] = arrivals;
    if (arrivals > watchers) {
      this.#twice += 1;
      return;
    }
    this.#latencies.push(performance.now() - sentAt);
    this.#open -= 1;
    if (this.#open === 0) this.#allSeen();
  }

  async run(): Promise<TrafficResult> {
    const { perSecond, messages } = this.#plan;
    this.#bytesAtStart = this.#bytesIn();
    const cpu = process.cpuUsage();
    const started = performance.now();
    let next = 0;
    await new Promise<void>((resolve) => {
      const tick = (): void => {
        const due = Math.min(messages, Math.ceil(((performance.now() - started) / 1000) * perSecond));
        while (next < due) this.#send(next++);
        if (next === messages) return resolve();
        setTimeout(tick, 1);
      };
      tick();
    });
    const spent = process.cpuUsage(cpu);
    const sending = performance.now() - started;
    await this.#seen();
    if (this.#lost !== null) throw this.#lost;
    const all = process.cpuUsage(cpu);
    return {
      latencies: this.#latencies.sort((a, b) => a - b),
      missing: this.#open,
      twice: this.#twice,
      ownMicros: (all.user + all.system) / messages,
      ownShare: (spent.user + spent.system) / 1000 / sending,
      bytesOut: (this.#bytesIn() - this.#bytesAtStart) / messages,
    };
  }

  #send(number: number): void {
    const prepared = this.#queue[number];
    if (prepared === undefined) return;
    this.#sentAt[number] = performance.now();
    prepared.line.send(prepared.frame);
  }

  #seen(): Promise<void> {
    if (this.#open === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const patience = setTimeout(resolve, PATIENCE_MILLIS);
      this.#allSeen = () => {
        clearTimeout(patience);
        resolve();
      };
    });
  }

  #bytesIn(): number {
    return this.#lines.reduce((sum, line) => sum + line.socket.bytesIn, 0);
  }

  close(): void {
    for (const line of this.#lines) line.cut();
  }
}
