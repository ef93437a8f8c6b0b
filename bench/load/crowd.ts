/** Many people with open apps, each doing something now and then: the mix that Mattermost publishes for its own load tests. */
import { Device, type Chat } from './device.ts';
import { below, interval, seeded, type Random } from './seeded.ts';
import type { Person } from './wires.ts';

/**
 * How often each is done for one post: the frequencies of Mattermost's load test (simulcontroller of mattermost-load-test-ng), as far as they are
 * about conversations. `UnreadCheck` is a request there; the app here is told, and the request is made all the same.
 */
const MIX = {
  switch: 6.5219,
  scroll: 1.9873,
  check: 1,
  post: 1,
  reconnect: 0.144,
  react: 0.1306,
  edit: 0.04,
} as const;
export type Action = keyof typeof MIX;
const ACTIONS = Object.keys(MIX) as Action[];
const WHOLE = ACTIONS.reduce((sum, action) => sum + MIX[action], 0);

const CONNECTING_AT_ONCE = 10;

export interface CrowdPlan {
  is: 'crowd';
  port: number;
  seed: number;
  /** Between two actions of a person, on average. */
  idleMillis: number;
  chats: Chat[];
  people: { person: Person; chats: number[] }[];
  /** One after the other: how many people there are, and how long it is measured. */
  stages: { people: number; settleSeconds: number; seconds: number }[];
}

export interface StageResult {
  people: number;
  actions: number;
  /** Of each action that asked the relay for something: how long, in milliseconds, sorted. */
  millis: Record<Action, number[]>;
  errors: string[];
  /** Sockets that the relay closed by itself. */
  cut: number;
  /** What the generator used of one core. */
  ownShare: number;
}

export class Crowd {
  readonly #plan: CrowdPlan;
  readonly #devices: Device[] = [];
  readonly #random: Random;
  readonly #timers = new Set<NodeJS.Timeout>();
  #stage = 0;
  #number = 0;
  #done = 0;
  #millis = emptyMillis();
  #errors: string[] = [];
  #leaving = false;

  constructor(plan: CrowdPlan) {
    this.#plan = plan;
    this.#random = seeded(plan.seed);
  }

  /** The next stage. */
  async run(): Promise<{ arrived: number }> {
    const stage = this.#plan.stages[this.#stage++];
    if (stage === undefined) throw new Error('there is no further stage');
    await this.#arrive(stage.people);
    await new Promise((resolve) => setTimeout(resolve, stage.settleSeconds * 1000));
    return { arrived: this.#devices.length };
  }

  /** What happens from now on, for so long. */
  async measure(): Promise<StageResult> {
    const stage = this.#plan.stages[this.#stage - 1];
    if (stage === undefined) throw new Error('no stage has begun');
    this.#millis = emptyMillis();
    this.#errors = [];
    this.#done = 0;
    const cutBefore = Device.cut;
    const cpu = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, stage.seconds * 1000));
    const spent = process.cpuUsage(cpu);
    for (const values of Object.values(this.#millis)) values.sort((a, b) => a - b);
    return {
      people: this.#devices.length,
      actions: this.#done,
      millis: this.#millis,
      errors: this.#errors,
      cut: Device.cut - cutBefore,
      ownShare: (spent.user + spent.system) / 1e6 / stage.seconds,
    };
  }

  async #arrive(count: number): Promise<void> {
    const queue = this.#plan.people.slice(this.#devices.length, count);
    const work = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const chats = next.chats.flatMap((index) => this.#plan.chats[index] ?? []);
        const seed = below(this.#random, 0xffff_ffff);
        const device = new Device(this.#plan.port, next.person, chats, seed, () => this.#number++);
        this.#devices.push(device);
        // Whoever does not get in tries again, as the app does.
        while (!(await device.connect().then(yes, no)));
        this.#live(device, seeded(seed + 1));
      }
    };
    await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, work));
  }

  /** One thing after the other, with pauses in between, until everybody goes. */
  #live(device: Device, random: Random): void {
    if (this.#leaving) return;
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        void this.#act(device, pick(random)).finally(() => this.#live(device, random));
      },
      interval(random, this.#plan.idleMillis),
    );
    this.#timers.add(timer);
  }

  async #act(device: Device, action: Action): Promise<void> {
    const started = performance.now();
    try {
      const asked = await perform(device, action);
      this.#done += 1;
      // What the device does by itself takes no time that could be waited for, and would only make the mean look better.
      if (asked !== false) this.#millis[action].push(performance.now() - started);
    } catch (error) {
      if (!this.#leaving) this.#errors.push(`${action}: ${error instanceof Error ? error.message : String(error)}`);
      // Whatever was left half done: a person would reload.
      await device.connect().catch(() => undefined);
    }
  }

  close(): void {
    this.#leaving = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const device of this.#devices) device.leave();
  }
}

/** False when the relay was not asked for anything. */
function perform(device: Device, action: Action): Promise<boolean | void> {
  switch (action) {
    case 'switch':
      return device.switchChat();
    case 'scroll':
      return device.scroll();
    case 'check':
      return device.checkUnread();
    case 'post':
      return device.post();
    case 'reconnect':
      return device.connect();
    case 'react':
      return device.react();
    case 'edit':
      return device.edit();
  }
}

function pick(random: Random): Action {
  let rest = random() * WHOLE;
  for (const action of ACTIONS) {
    rest -= MIX[action];
    if (rest < 0) return action;
  }
  return 'switch';
}

const yes = (): boolean => true;
const no = (): boolean => false;

const emptyMillis = (): Record<Action, number[]> => ({
  switch: [],
  scroll: [],
  check: [],
  post: [],
  reconnect: [],
  react: [],
  edit: [],
});
