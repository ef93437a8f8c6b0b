/**
 * The server that y-websocket 2 brings along, as it comes. It applies every update to a Y.Doc in memory; with YPERSISTENCE it also writes it to
 * LevelDB, without waiting for the disk.
 */
import { createRequire } from 'node:module';

process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => process.exit(0));
const load = createRequire(import.meta.url);
load('y-websocket/package.json');
load(new URL('node_modules/y-websocket/bin/server.cjs', import.meta.url).pathname);
process.send?.({ is: 'ready' });
