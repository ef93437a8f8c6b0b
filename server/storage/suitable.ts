/** Whether a database that somebody names in DATABASE_URL can hold what we keep. Asked before anything is written into it. */
import { reason } from '../log.ts';
import type { Sql } from './sql.ts';

/** The oldest PostgreSQL that the tests run on (Debian 12), and that its makers still mend. */
const OLDEST_VERSION = 15;

export interface DatabaseTraits {
  version: number;
  encoding: string;
  mayCreate: boolean;
  account: string;
}

/** Throws an Error whose message is a sentence for whoever set DATABASE_URL. */
export async function expectSuitable(sql: Sql): Promise<void> {
  const why = unsuitable(await traits(sql));
  if (why !== null) throw new Error(`The database in DATABASE_URL ${why}.`);
}

/** The sentence's end, or null when it is suitable. */
export function unsuitable({ version, encoding, mayCreate, account }: DatabaseTraits): string | null {
  if (version < OLDEST_VERSION) return `is a PostgreSQL ${version}, and ${OLDEST_VERSION} is the oldest that works`;
  if (encoding !== 'UTF8')
    return `has the encoding ${encoding}, and wants UTF8: create it with --encoding=UTF8 --template=template0`;
  // Since PostgreSQL 15 only its owner may make tables in a new database.
  if (!mayCreate) return `does not let "${account}" make tables: create it with --owner=${account}`;
  return null;
}

async function traits(sql: Sql): Promise<DatabaseTraits> {
  const [row] = await sql<DatabaseTraits[]>`
    select current_setting('server_version_num')::int / 10000 as version, current_setting('server_encoding') as encoding,
      current_user as account, coalesce(has_schema_privilege(current_schema(), 'create'), false) as "mayCreate"
  `.catch((why: unknown) => {
    throw new Error(`The database in DATABASE_URL does not answer: ${reason(why)}.`, { cause: why });
  });
  if (row === undefined) throw new Error('A query without a table has one row.');
  return row;
}
