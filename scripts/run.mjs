/** Running programs: aloud, or quietly with a sign of life. */
import { spawn } from 'node:child_process';
import { ROOT, withOurTools } from './house.mjs';

/** People start to doubt after about this long without a word. */
const SIGN_OF_LIFE_MILLIS = 10_000;
/** As much of a quiet program's output as is kept, for when it fails. */
const KEPT_CHARS = 20_000;

export const say = (line) => console.log(line);

/** Runs a program with its output on the screen. @returns {Promise<number>} its exit code; 127 when there is no such program */
export function runAloud(command, args, { env = withOurTools() } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: ROOT, env, stdio: ['ignore', 'inherit', 'inherit'] });
    child.once('error', (error) => {
      say(`${command} does not run: ${error.message}`);
      resolve(127);
    });
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

/**
 * Runs a program, shows that it is still at it, and its output only when it fails.
 * @param {string} doing what it is doing, in the middle of a sentence: "installing"
 */
export function runQuietly(doing, command, args, { env = withOurTools(), timeoutMillis } = {}) {
  return new Promise((resolve) => {
    const begun = Date.now();
    const child = spawn(command, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMillis });
    let output = '';
    const keep = (chunk) => (output = (output + chunk).slice(-KEPT_CHARS));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const clock = setInterval(
      () => say(`  … still ${doing}, ${Math.round((Date.now() - begun) / 1000)} s`),
      SIGN_OF_LIFE_MILLIS,
    );
    const finish = (ok) => {
      clearInterval(clock);
      if (!ok && output.trim() !== '') say(output.trim());
      resolve({ ok, output });
    };
    child.once('error', (error) => {
      keep(`${command} does not run: ${error.message}`);
      finish(false);
    });
    child.once('close', (code) => finish(code === 0));
  });
}
