/** The other side of load/generator.ts: a process for the people of one measurement. */
import { fork, type ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';
import type { Order, Report } from './load/generator.ts';
import type { Plan } from './load/plans.ts';

export class Generator {
  readonly #child: ChildProcess;
  #resolve: (report: Report) => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;

  private constructor() {
    this.#child = fork(resolve(import.meta.dirname, 'load/generator.ts'), {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
    this.#child.on('message', (report: Report) => {
      if (report.is === 'failed') this.#reject(new Error(report.why));
      else this.#resolve(report);
    });
    this.#child.once('exit', (code) => this.#reject(new Error(`the generator ended with ${code}`)));
  }

  /** Resolves when everything that can be prepared is, and everybody is connected. */
  static async prepare(plan: Plan): Promise<Generator> {
    const generator = new Generator();
    await generator.#order({ order: 'prepare', plan });
    return generator;
  }

  run<T>(): Promise<T> {
    return this.#result<T>({ order: 'go' });
  }

  measure<T>(): Promise<T> {
    return this.#result<T>({ order: 'measure' });
  }

  async #result<T>(order: Order): Promise<T> {
    const report = await this.#order(order);
    if (report.is !== 'done') throw new Error('the generator answered something else');
    return report.result as T;
  }

  /** Everybody goes. */
  async close(): Promise<void> {
    await this.#order({ order: 'close' });
  }

  end(): void {
    this.#reject = () => undefined;
    this.#child.disconnect();
  }

  #order(order: Order): Promise<Report> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#child.send(order);
    });
  }
}

/** For what is one piece: prepare, run, go. */
export async function runPlan<T>(plan: Plan): Promise<T> {
  const generator = await Generator.prepare(plan);
  try {
    return await generator.run<T>();
  } finally {
    generator.end();
  }
}
