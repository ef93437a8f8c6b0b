import { redirect } from '@sveltejs/kit';
import { endedElsewhere, enter } from '../door.ts';

export async function load() {
  if (!endedElsewhere() && (await enter())) redirect(307, '/');
}
