/**
 * Where the relay begins: the environment becomes a configuration, the configuration parts, and the parts listen. Beside check.ts the only
 * file that reads `process.env` and ends the process. SIGTERM and SIGINT drain it, as does the end of whoever started it over an IPC
 * channel; a second signal ends it at once.
 */
import { fileURLToPath } from 'node:url';
import { readConfig } from './config.ts';
import { createLog, reason } from './log.ts';
import { startRelay } from './relay.ts';
import { startEmbeddedPostgres } from './storage/embedded-postgres.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = readConfig(process.env, root);
if (!read.ok) {
  process.stderr.write(`${read.why}\n`);
  process.exit(2);
}
const { config } = read;
const log = createLog({ level: config.logLevel, pretty: process.stderr.isTTY });

/** What was started, to be stopped in reverse. */
const started: { stop(): Promise<void> }[] = [];
let stopping = false;

async function stop(why: string, code: number): Promise<void> {
  if (stopping) process.exit(code === 0 ? 130 : code);
  stopping = true;
  log.info('stopping', { why });
  for (const part of started.reverse())
    await part.stop().catch((error: unknown) => log.error('stop failed', { why: reason(error) }));
  process.exit(code);
}
process.on('SIGTERM', () => void stop('SIGTERM', 0));
process.on('SIGINT', () => void stop('SIGINT', 0));
if (process.connected) process.on('disconnect', () => void stop('whoever started it is gone', 0));
// Never seen means never handled: what is in memory is no longer to be trusted, what is on disk is.
process.on('uncaughtException', (error) => {
  log.error('uncaught', { why: error.stack ?? reason(error) });
  void stop('uncaught exception', 1);
});

try {
  const database = config.databaseUrl === null ? await embedded() : config.databaseUrl;
  const relay = await startRelay({ ...config, databaseUrl: database }, log);
  started.push(relay);
  process.stdout.write(`Ting Ting is at ${relay.url}\n`);
  process.send?.({ is: 'ready', url: relay.url });
} catch (error) {
  process.stderr.write(`${reason(error)}\n`);
  await stop('could not start', 1);
}

async function embedded(): Promise<string> {
  const postgres = await startEmbeddedPostgres({ dataDir: config.dataDir, log: (line) => log.info(line) });
  started.push(postgres);
  return postgres.url;
}
