/**
 * Postgres, through the one file that imports its driver. Queries are tagged templates everywhere else; values never become SQL.
 * bigint columns are read as numbers: they hold milliseconds and counters, far below 2^53.
 */
import postgres from 'postgres';
import { LIST_TYPES } from './lists.ts';

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

/** How long the queries that are under way on a pool's other connections may still take when one of its connections is lost. */
const LAST_QUERIES_SECONDS = 2;

/**
 * Connects lazily, on the first query. When a connection is lost, its queries fail, and everything after them goes to a new pool: the driver can
 * leave a connection that broke in a state in which it answers no query any more and refuses none either (porsager/postgres#1130, #1142), and
 * nobody would ever know. What waits on the old one ends with it.
 */
export function connect(url: string, options: ConnectOptions = {}): Sql {
  let ended = false;
  const open = (): Sql => {
    const pool = openPool(url, options, () => {
      if (pool !== current || ended) return;
      current = open();
      void pool.end({ timeout: LAST_QUERIES_SECONDS });
    });
    return pool;
  };
  let current = open();
  const end: Sql['end'] = (how) => {
    ended = true;
    return current.end(how);
  };
  return new Proxy(current, {
    apply: (_first, _this, query) => Reflect.apply(current, undefined, query) as unknown,
    get: (_first, name) => (name === 'end' ? end : (Reflect.get(current, name) as unknown)),
  });
}

function openPool(url: string, { max = 8, connectTimeout = 10 }: ConnectOptions, lost: () => void): Sql {
  const bigint = { to: 20, from: [20], serialize: String, parse: (text: string) => Number(text) };
  return postgres<{ bigint: postgres.PostgresType<number> }>(url, {
    max,
    connect_timeout: connectTimeout,
    // None is closed but by an accident or by us.
    max_lifetime: null,
    onclose: lost,
    onnotice: () => undefined,
    fetch_types: false,
    types: { bigint, ...LIST_TYPES },
  });
}

/** Whether a statement divided by zero, which is how one undoes itself. */
export const isDivisionByZero = (error: unknown): boolean =>
  error instanceof postgres.PostgresError && error.code === '22012';
