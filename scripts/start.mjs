/**
 * `npm start`: installs what is missing, builds what is stale, starts the relay with everything it needs.
 * `npm run dev`: the same, but Vite serves the app and reloads it, and the relay restarts when its files change.
 *
 * The relay runs in a session of its own, so that Ctrl-C, which the terminal sends to everybody at once and npm sends once more, reaches it
 * exactly once, from here. The channel between us tells it when we have died without a word (`process.on('disconnect')`).
 */
import { spawn } from 'node:child_process';
import { NODE, ROOT, tool, withOurTools } from './house.mjs';
import { ensureBuilt } from './build.mjs';
import { ensureInstalled } from './install.mjs';
import { say } from './run.mjs';

/** npm sends a signal on that the terminal has already sent; a person needs longer for a second Ctrl-C. */
const SAME_KEYPRESS_MILLIS = 1_000;
const PARENT_CHECK_MILLIS = 1_000;
const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

const isDev = process.argv.includes('--dev');

if (!(await ensureInstalled())) process.exit(1);
if (!isDev && !(await ensureBuilt())) process.exit(1);

const children = isDev ? development() : [relay(['server/main.ts'])];
let stopping = 0;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop(signal));
if (process.env.npm_lifecycle_event !== undefined) watchParent();

// The first that ends takes the others with it, and its exit code is ours.
const { code, signal } = await Promise.race(children.map(ended));
const wasAsked = stopping !== 0;
stop('SIGTERM');
await Promise.all(children.map(ended));
process.exit(code ?? (wasAsked ? 0 : 128 + (NUMBERS[signal] ?? 0)));

function relay(args, env = {}) {
  return spawn(NODE, args, {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    detached: true,
    env: { ...withOurTools(), ...env },
  });
}

/** Vite takes the port that people open, and passes /api and /sync on to the relay on the next one. */
function development() {
  const port = Number(process.env.PORT ?? 3000);
  const origin = process.env.ORIGIN ?? `http://localhost:${port}`;
  say(`Starting for development: open ${origin}`);
  return [
    relay(['--watch', 'server/main.ts'], { PORT: String(port + 1), ORIGIN: origin }),
    spawn(NODE, [tool('vite'), 'dev', '--port', String(port), '--strictPort', '--clearScreen', 'false'], {
      cwd: ROOT,
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true,
      env: { ...withOurTools(), RELAY_PORT: String(port + 1) },
    }),
  ];
}

function ended(child) {
  if (child.exitCode !== null || child.signalCode !== null)
    return Promise.resolve({ code: child.exitCode, signal: child.signalCode });
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', (error) => {
      say(`Node 24 does not start: ${error.message}`);
      resolve({ code: 1, signal: null });
    });
  });
}

/** Asks once. Whoever asks again, later, does not want to wait any longer. */
function stop(signal) {
  const now = Date.now();
  if (stopping !== 0 && now - stopping < SAME_KEYPRESS_MILLIS) return;
  const again = stopping !== 0 && signal === 'SIGINT';
  if (stopping === 0 || again) stopping = now;
  for (const child of children) child.kill(again ? 'SIGKILL' : signal === 'SIGHUP' ? 'SIGTERM' : signal);
}

/**
 * Whoever was killed cannot stop us any more, so we stop by ourselves when npm is gone. (package.json says `exec node …`, so that npm is
 * our parent and its signals reach us; a shell in between would keep them.) Started by hand, we outlive whoever did it.
 */
function watchParent() {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent && stopping === 0) stop('SIGTERM');
  }, PARENT_CHECK_MILLIS).unref();
}
