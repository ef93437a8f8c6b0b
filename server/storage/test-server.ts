/** For tests only: one embedded Postgres for all test files of a run, in a temporary folder. Vitest's global setup. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { createLog } from '../log.ts';
import { startEmbeddedPostgres } from './embedded-postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A superuser's address. */
    postgres: string;
  }
}

/** Two test files at once, some with several relays, and connections of relays that were killed a moment ago. */
const MAX_CONNECTIONS = 300;

export default async function startServer(project: TestProject): Promise<() => Promise<void>> {
  const log = createLog({ level: 'warn' });
  const folder = await mkdtemp(join(tmpdir(), 'ting-ting-test-'));
  const server = await startEmbeddedPostgres({
    dataDir: folder,
    log: (line) => log.debug(line),
    maxConnections: MAX_CONNECTIONS,
  });
  project.provide('postgres', server.url);
  return async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
}
