/** The worker in which pictures are decoded and drawn, and bytes are hashed: the page stays quick meanwhile. One task after another. */
import type { Prepared, Task } from './prepared.ts';
import { perform } from './tasks.ts';

export interface Asked {
  id: number;
  task: Task;
}

/** `done` is null when this worker cannot do it: the page tries. */
export interface Answered {
  id: number;
  done: Prepared | null;
}

addEventListener('message', (event: MessageEvent<Asked>) => {
  const { id, task } = event.data;
  const answer = (done: Prepared | null): void => (postMessage as (answered: Answered) => void)({ id, done });
  perform(task).then(answer, () => answer(null));
});
