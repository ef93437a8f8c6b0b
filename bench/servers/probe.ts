/**
 * Loaded before a measured server (`--import`), whichever it is: on request over the IPC channel it collects garbage and tells how much memory
 * is left, or records a CPU profile of exactly the measured time. It costs nothing while nobody asks.
 */
import { Session } from 'node:inspector/promises';

type Ask = { ask: 'memory' } | { ask: 'profile' } | { ask: 'profiled' };

const session = new Session();

const answer = async (ask: Ask): Promise<unknown> => {
  switch (ask.ask) {
    case 'memory': {
      // As if memory were about to run out, so that V8 also gives back pages that are empty; twice, for what the first run finalises.
      await globalThis.gc?.({ type: 'major', execution: 'async', flavor: 'last-resort' });
      await globalThis.gc?.({ type: 'major', execution: 'async', flavor: 'last-resort' });
      return process.memoryUsage();
    }
    case 'profile':
      session.connect();
      await session.post('Profiler.enable');
      await session.post('Profiler.setSamplingInterval', { interval: 200 });
      await session.post('Profiler.start');
      return true;
    case 'profiled': {
      const { profile } = await session.post('Profiler.stop');
      session.disconnect();
      return profile;
    }
  }
};

process.on('message', (message: unknown) => {
  if (typeof message !== 'object' || message === null || !('ask' in message)) return;
  void answer(message as Ask).then((value) => process.send?.({ is: 'answer', value }));
});
// Listening must not keep a server alive that would otherwise end.
process.channel?.unref();
