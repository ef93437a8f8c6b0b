/**
 * What one pool of the driver's connections has under way, and what becomes of it when one of them is lost. The driver says "rollback" even on a
 * connection that is gone, which ends the process (porsager/postgres#1066, #1208), so a transaction of a pool that lost one is left where it is: whoever
 * began it is told at once, and the server undoes it when the pool ends.
 */
import { withOwnRows } from './own-rows.ts';
import type { Sql, Transaction } from './sql.ts';

export type Work<T> = (tx: Transaction) => Promise<T>;

const LOST = 'the connection to the database was lost';

export class Transactions {
  readonly #underWay = new Set<(why: Error) => void>();
  #isLost = false;

  /** As the driver's `begin`; with a mode, such as `read only`. */
  begin<T>(pool: Sql, mode: string, work: Work<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#underWay.add(reject);
      const done = pool.begin(mode, (tx) =>
        work(this.#guarded(tx)).catch((why: unknown) =>
          this.#isLost ? new Promise<never>(() => undefined) : Promise.reject(why),
        ),
      ) as Promise<T>;
      void done.then(resolve, reject).finally(() => this.#underWay.delete(reject));
    });
  }

  lost(): void {
    this.#isLost = true;
    for (const reject of this.#underWay) reject(new Error(LOST));
    this.#underWay.clear();
  }

  /** Says nothing more once a connection is lost. */
  #guarded(tx: Transaction): Transaction {
    return new Proxy(tx, {
      apply: (target, self, query) => {
        if (this.#isLost) throw new Error(LOST);
        return withOwnRows(Reflect.apply(target, self, query) as object);
      },
    });
  }
}
