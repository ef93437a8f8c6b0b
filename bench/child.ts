/** A forked process that says when it is ready, and can be asked something over its IPC channel. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

const STOP_MILLIS = 30_000;

export interface Child {
  pid: number;
  /** What it said when it was ready. */
  ready: { url?: string };
  ask<T>(question: 'memory' | 'profile' | 'profiled'): Promise<T>;
  stop(): Promise<void>;
}

export async function startChild(
  file: string,
  environment: Record<string, string> = {},
  execArgv: string[] = [],
): Promise<Child> {
  const child = fork(file, {
    env: { ...process.env, ...environment },
    execArgv,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  const answers: ((value: unknown) => void)[] = [];
  const ready = await new Promise<{ url?: string }>((resolve, reject) => {
    child.on('message', (message: { is: string; value?: unknown; url?: string }) => {
      if (message.is === 'ready') resolve(message);
      if (message.is === 'answer') answers.shift()?.(message.value);
    });
    child.once('exit', (code, signal) => reject(new Error(`${file} ended with ${signal ?? code} before it was ready`)));
    child.once('error', reject);
  });
  return {
    pid: child.pid ?? 0,
    ready,
    ask: <T>(question: string) =>
      new Promise<T>((resolve) => {
        answers.push((value) => resolve(value as T));
        child.send({ ask: question });
      }),
    stop: () => stop(child),
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const patience = setTimeout(() => child.kill('SIGKILL'), STOP_MILLIS);
  await ended;
  clearTimeout(patience);
}
