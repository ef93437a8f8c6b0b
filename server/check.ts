/**
 * `npm run check:documents`: rebuilds every stored document and compares it with the tables (storage/check.ts). Looks at the database that the
 * environment names, as the relay would; at the one that a running relay has started, when there is one; else it starts the one in DATA_DIR for
 * as long as it looks. Changes nothing. Exit code 0: all is well · 1: something was found · 2: it could not look.
 */
import { fileURLToPath } from 'node:url';
import { readConfig } from './config.ts';
import { reason } from './log.ts';
import { checkDocuments } from './storage/check.ts';
import { reachEmbeddedPostgres } from './storage/embedded-postgres.ts';
import { connect } from './storage/sql.ts';

/** Enough to see what is wrong; the same fault often shows a thousand times. */
const SHOWN_MAX_COUNT = 200;

const read = readConfig(process.env, fileURLToPath(new URL('..', import.meta.url)));
if (!read.ok) {
  process.stderr.write(`${read.why}\n`);
  process.exit(2);
}
try {
  process.exitCode = await look(read.config);
} catch (error) {
  process.stderr.write(`The documents could not be checked: ${reason(error)}\n`);
  process.exitCode = 2;
}

async function look(config: { databaseUrl: string | null; dataDir: string }): Promise<number> {
  if (config.databaseUrl !== null) return report(config.databaseUrl);
  const postgres = await reachEmbeddedPostgres({ dataDir: config.dataDir, log: () => undefined });
  try {
    return await report(postgres.url);
  } finally {
    await postgres.stop();
  }
}

async function report(url: string): Promise<number> {
  const sql = connect(url, { max: 1 });
  try {
    const { documents, conversations, messages, findings } = await checkDocuments(sql);
    for (const { document, what } of findings.slice(0, SHOWN_MAX_COUNT)) process.stdout.write(`${document} ${what}\n`);
    if (findings.length > SHOWN_MAX_COUNT) process.stdout.write(`… and ${findings.length - SHOWN_MAX_COUNT} more\n`);
    process.stdout.write(
      `${documents} documents, ${messages} messages in ${conversations} conversations: ` +
        `${findings.length === 0 ? 'all as it should be' : `${findings.length} to look at`}.\n`,
    );
    return findings.length === 0 ? 0 : 1;
  } finally {
    await sql.end({ timeout: 5 });
  }
}
