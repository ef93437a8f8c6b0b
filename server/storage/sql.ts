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

export interface ConnectOptions {
  /** Connections in the pool. */
  max?: number;
  /** Seconds until an attempt to connect is given up. */
  connectTimeout?: number;
}

/** Connects lazily, on the first query; a lost connection is replaced on the next. */
export function connect(url: string, { max = 8, connectTimeout = 10 }: ConnectOptions = {}): Sql {
  return postgres<{ bigint: postgres.PostgresType<number> }>(url, {
    max,
    connect_timeout: connectTimeout,
    onnotice: () => undefined,
    types: { bigint: { to: 20, from: [20], serialize: String, parse: (text: string) => Number(text) } },
  });
}

/** Whether a statement divided by zero, which is how one undoes itself. */
export const isDivisionByZero = (error: unknown): boolean =>
  error instanceof postgres.PostgresError && error.code === '22012';
