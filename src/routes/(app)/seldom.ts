import { quiet } from '$lib/ui/quiet.ts';

/**
 * What is needed seldom, and then perhaps without a network, where no service worker keeps it, or after a newer version has come to the relay: loaded
 * when there is nothing else to do, so that it is there.
 */
export async function loadSeldom(): Promise<void> {
  await quiet();
  await Promise.allSettled([
    import('./Notices.svelte'),
    import('$lib/call/Calls.svelte'),
    import('$lib/state/current-call.svelte.ts'),
    import('$lib/state/call-history.svelte.ts'),
    import('$lib/sync/replacing.ts'),
    import('$lib/state/pages-elsewhere.ts'),
    import('#shared/direct-id.ts'),
    ...('serviceWorker' in navigator ? [] : unkept()),
  ]);
}

/** What a service worker would keep, where there are none (plain http in a home network), and what somebody would miss without a network. */
const unkept = (): Promise<unknown>[] => [
  import('$lib/state/sending.ts'),
  import('$lib/chat/Tray.svelte'),
  import('$lib/chat/Recorder.svelte'),
  import('$lib/chat/Attachments.svelte'),
  import('$lib/chat/MessageMenu.svelte'),
];
