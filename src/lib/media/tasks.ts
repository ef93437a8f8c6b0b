/** What is done in the worker, or in the page where there is none. */
import { cleanFilm, isFilm } from './clean-film.ts';
import { nameOf } from './names.ts';
import { headerOf, preparePicture } from './picture.ts';
import type { Prepared, Task } from './prepared.ts';

export async function perform(task: Task): Promise<Prepared> {
  switch (task.is) {
    case 'as-it-is':
      return { is: 'ready', bytes: task.bytes, sha256: await nameOf(task.bytes), type: task.type };
    case 'film':
      return await perform({ ...task, is: 'as-it-is', bytes: await cleanFilm(task.bytes) });
    case 'file':
      // A file is what its bytes say, not its name.
      if ((await headerOf(task.bytes)) !== null) return await preparePicture(task.bytes, false);
      return await perform({ ...task, is: (await isFilm(task.bytes)) ? 'film' : 'as-it-is' });
    case 'picture':
      return await preparePicture(task.bytes, task.original);
  }
}
