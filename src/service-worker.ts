/// <reference no-default-lib="true"/>
/// <reference lib="esnext" />
/// <reference lib="webworker" />
/// <reference types="@sveltejs/kit" />
/**
 * The app without a network: every file of this build is kept, every navigation is answered with the kept shell. What belongs to people
 * (/api, /sync) never passes through here; the app keeps it itself. A new version waits until the app says so (SKIP_WAITING), so that
 * nothing changes under a person who is writing.
 */
import { build, files, version } from '$service-worker';
import { cleanupOutdatedCaches, createHandlerBoundToURL, precacheAndRoute } from 'workbox-precaching';
import { NavigationRoute, registerRoute } from 'workbox-routing';

import { keepShared, SHARED_AT } from '$lib/local/shared.ts';

declare const self: ServiceWorkerGlobalScope & { __WB_DISABLE_DEV_LOGS: boolean };
self.__WB_DISABLE_DEV_LOGS = true;

const SHELL = '/';

precacheAndRoute([
  { url: SHELL, revision: version },
  // Names of built files carry their hash; the others are new with each version.
  ...build.map((url) => ({ url, revision: null })),
  ...files.map((url) => ({ url, revision: version })),
]);
cleanupOutdatedCaches();

registerRoute(
  new NavigationRoute(createHandlerBoundToURL(SHELL), { denylist: [/^\/(api|sync|healthz|readyz|metrics)(\/|$)/] }),
);

// Another app shares something with this one: it is put aside, and the person asked where it goes.
registerRoute(
  ({ url }) => url.pathname === SHARED_AT,
  async ({ request }) => {
    await keepShared(await request.formData());
    return Response.redirect(SHARED_AT, 303);
  },
  'POST',
);

self.addEventListener('message', (event) => {
  if ((event.data as { type?: string } | null)?.type === 'SKIP_WAITING') void self.skipWaiting();
});

// The first visit should be the one after which the network may go.
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
