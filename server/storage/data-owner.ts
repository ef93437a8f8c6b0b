/**
 * One relay per data folder. The relay that uses the folder leaves its identity in `<dataDir>/owner`; a second one is told so instead of
 * stopping the first one's database. What a crashed relay left behind is recognised and taken over.
 */
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { identify } from './processes.ts';

/** @returns how to give the folder back */
export function ownDataFolder(dataDir: string): () => void {
  const file = join(dataDir, 'owner');
  const me = identify(process.pid) ?? String(process.pid);
  while (!create(file, me)) {
    const other = readFileSync(file, 'utf8').trim();
    const pid = Number.parseInt(other, 10);
    if (identify(pid) === other) {
      throw new Error(
        `Another relay (process ${pid}) uses the data folder ${dataDir}: stop it, or give this one another DATA_DIR.`,
      );
    }
    rmSync(file, { force: true });
  }
  return () => rmSync(file, { force: true });
}

/** A link appears with its content, or not at all. */
function create(file: string, content: string): boolean {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, content, { mode: 0o600 });
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}
