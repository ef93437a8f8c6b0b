/**
 * Postgres, through the one file that imports its driver. Queries are tagged templates everywhere else; values never become SQL.
 * bigint columns are read as numbers: they hold milliseconds and counters, far below 2^53.
 */
import postgres from 'postgres';

// A type, not an interface: the driver wants an index signature.
type Types = { bigint: number };

export type Sql = postgres.Sql<Types>;
export type Transaction = postgres.TransactionSql<Types>;

/** Type numbers of Postgres, for arrays whose element type it cannot guess. */
export const BYTEA_ARRAY = 1001;

/**
 * Lists as parameters: type numbers of Postgres, and how an element is written. The driver could ask each new connection for them, but when the
 * connection breaks meanwhile that question fails without anybody to hear of it, and an error that nobody hears of ends the relay.
 */
const LISTS: [number, (element: never) => string][] = [
  [BYTEA_ARRAY, (bytes: Uint8Array) => `"\\\\x${Buffer.from(bytes).toString('hex')}"`],
  [1007, String],
  [1009, (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`],
  [1016, String],
];

const listTypes = Object.fromEntries(
  LISTS.map(([to, write]) => {
    const serialize = (list: (never | null)[]): string =>
      `{${list.map((element) => (element === null ? 'null' : write(element))).join(',')}}`;
    return [`list${to}`, { to, from: [], serialize }];
  }),
);

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
    types: { bigint, ...listTypes },
  });
}

/** Whether a statement divided by zero, which is how one undoes itself. */
export const isDivisionByZero = (error: unknown): boolean =>
  error instanceof postgres.PostgresError && error.code === '22012';
