/** The app of the person who is signed in, for the components below the layout. */
import { getContext, setContext } from 'svelte';
import type { AppView } from './views.ts';

const KEY = Symbol('app');

export const setApp = (app: AppView): AppView => setContext(KEY, app);
export const getApp = (): AppView => getContext<AppView>(KEY);
