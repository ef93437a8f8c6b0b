/** A Postgres of its own for one of the measured servers, with the settings and the fsync that Ting Ting brings along. Goes away with whoever forked it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../../server/storage/embedded-postgres.ts';

const folder = mkdtempSync(join(tmpdir(), 'ting-bench-postgres-'));
const postgres = await startEmbeddedPostgres({ dataDir: folder, log: () => undefined });

let stopping = false;
async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
}
process.on('SIGTERM', () => void stop());
process.on('SIGINT', () => undefined);
process.on('disconnect', () => void stop());
process.send?.({ is: 'ready', url: postgres.url });
