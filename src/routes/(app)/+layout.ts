import { redirect } from '@sveltejs/kit';
import { enter } from '../door.ts';

export async function load() {
  const app = await enter();
  if (!app) redirect(307, '/login');
  return { app };
}
