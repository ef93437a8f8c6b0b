/**
 * Postgres, through the one file that imports its driver. Queries are tagged templates everywhere else; values never become SQL.
 * bigint columns are read as numbers: they hold milliseconds and counters, far below 2^53.
 */
import postgres from 'postgres';
import { LIST_TYPES } from './lists.ts';
import { withOwnRows } from './own-rows.ts';
import { Transactions, type Work } from './transactions.ts';

// A type, not an interface: the driver wants an index signature.
type Types = { bigint: number };

export type Sql = postgres.Sql<Types>;
export type Transaction = postgres.TransactionSql<Types>;

export interface ConnectOptions {
  /** Connections in the pool. */
  max?: number;
  /** Seconds until an attempt to connect is given up. */
  connectTimeout?: number;
}

/**
 * When the connections of a lost pool are looked for: those that the driver makes, or still had to make, when their pool has ended already, it never
 * closes, and losses in a row would use up all that the server has.
 */
const LEFTOVERS_AFTER_SECONDS = [4, 30];

interface Pool {
  sql: Sql;
  transactions: Transactions;
}

/** How long the queries that are under way on a pool's other connections may still take when one of its connections is lost. */
const LAST_QUERIES_SECONDS = 2;

/**
 * Connects lazily, on the first query. When a connection is lost, its queries fail, and everything after them goes to a new pool: the driver can
 * leave a connection that broke in a state in which it answers no query any more and refuses none either (porsager/postgres#1130, #1142), and
 * nobody would ever know. What waits on the old one ends with it.
 */
export function connect(url: string, options: ConnectOptions = {}): Sql {
  let ended = false;
  const open = (): Pool => {
    const transactions = new Transactions();
    const name = `ting-ting ${crypto.randomUUID()}`;
    const sql = openPool(url, name, options, () => {
      transactions.lost();
      if (sql !== current.sql || ended) return;
      current = open();
      void sql.end({ timeout: LAST_QUERIES_SECONDS });
      for (const seconds of LEFTOVERS_AFTER_SECONDS)
        setTimeout(() => ended || void endLeftovers(current.sql, name), seconds * 1_000).unref();
    });
    return { sql, transactions };
  };
  let current = open();
  const ours = {
    end: (how?: { timeout?: number }) => {
      ended = true;
      return current.sql.end(how);
    },
    begin: (...how: [Work<unknown>] | [string, Work<unknown>]) =>
      current.transactions.begin(current.sql, how.length === 2 ? how[0] : '', how.length === 2 ? how[1] : how[0]),
  };
  return new Proxy(current.sql, {
    apply: (_first, _this, query) => withOwnRows(Reflect.apply(current.sql, undefined, query) as object),
    get: (_first, name) => (Object.hasOwn(ours, name) ? ours : current.sql)[name as keyof typeof ours] as unknown,
  });
}

/** The connections of a pool that has ended. When that fails, the server was away, and they with it. */
async function endLeftovers(sql: Sql, name: string): Promise<void> {
  await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = ${name}`.catch(() => []);
}

function openPool(url: string, name: string, { max = 8, connectTimeout = 10 }: ConnectOptions, lost: () => void): Sql {
  const bigint = { to: 20, from: [20], serialize: String, parse: (text: string) => Number(text) };
  return postgres<{ bigint: postgres.PostgresType<number> }>(url, {
    max,
    connect_timeout: connectTimeout,
    // None is closed but by an accident or by us.
    max_lifetime: null,
    onclose: lost,
    connection: { application_name: name },
    onnotice: () => undefined,
    fetch_types: false,
    types: { bigint, ...LIST_TYPES },
  });
}

/** Whether a statement divided by zero, which is how one undoes itself. */
export const isDivisionByZero = (error: unknown): boolean =>
  error instanceof postgres.PostgresError && error.code === '22012';
