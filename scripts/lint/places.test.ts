import { describe, expect, test } from 'vitest';
import { isExempt, mayImport, mayImportPackage } from './places.mjs';

describe('who may import whom', () => {
  test.each([
    ['server/sync/room.ts', 'src/shared/ids.ts'],
    ['server/sync/room.ts', 'server/storage/journal.ts'],
    ['server/sync/room.ts', 'server/log.ts'],
    ['server/main.ts', 'server/sync/rooms.ts'],
    ['server/relay.ts', 'server/unread/counts.ts'],
    ['src/shared/model/page.ts', 'src/shared/ids.ts'],
    ['src/lib/sync/provider.ts', 'src/lib/local/disk-copy.ts'],
    ['src/lib/state/app.svelte.ts', 'src/lib/remote/api.ts'],
    ['src/lib/chat/Composer.svelte', 'src/lib/ui/Button.svelte'],
    ['src/lib/chat/Bubble.svelte', 'src/lib/people/Avatar.svelte'],
    ['src/lib/chat/Bubble.svelte', 'src/lib/paraglide/messages.js'],
    ['src/routes/+layout.svelte', 'src/lib/state/app.svelte.ts'],
    ['src/lib/ui/Dialog.svelte', 'src/lib/ui/focus.ts'],
  ])('%s may import %s', (from, to) => expect(mayImport(from, to)).toBeUndefined());

  test.each([
    ['src/shared/ids.ts', 'server/log.ts', 'floor'],
    ['src/shared/ids.ts', 'src/lib/local/store.ts', 'floor'],
    ['server/sync/room.ts', 'server/unread/counts.ts', 'relay.ts passes it on'],
    ['server/sync/room.ts', 'server/relay.ts', 'wires'],
    ['server/storage/journal.ts', 'server/sync/room.ts', 'relay.ts passes it on'],
    ['server/http/uws.ts', 'server/config.ts', 'types'],
    ['server/sync/room.ts', 'src/lib/sync/provider.ts', 'never meet'],
    ['src/lib/remote/api.ts', 'server/http/uws.ts', 'never meet'],
    ['src/lib/local/store.ts', 'src/lib/sync/socket.ts', 'imports go down'],
    ['src/lib/sync/socket.ts', 'src/lib/state/app.svelte.ts', 'imports go down'],
    ['src/lib/state/app.svelte.ts', 'src/lib/chat/Bubble.svelte', 'imports go down'],
    ['src/lib/state/app.svelte.ts', 'src/lib/ui/Button.svelte', 'shows nothing'],
    ['src/lib/chat/Bubble.svelte', 'src/routes/+layout.ts', 'Routes are the top'],
    ['src/lib/ui/Dialog.svelte', 'src/lib/paraglide/messages.js', 'nothing of ours'],
    ['src/lib/ui/Dialog.svelte', 'src/shared/ids.ts', 'nothing of ours'],
  ])('%s may not import %s (%s)', (from, to, why) => expect(mayImport(from, to)).toContain(why));

  test('the configuration is read by main.ts; others know only its types', () => {
    expect(mayImport('server/http/uws.ts', 'server/config.ts', { typeOnly: true })).toBeUndefined();
    expect(mayImport('server/main.ts', 'server/config.ts')).toBeUndefined();
  });

  test('a foreign API has one importer', () => {
    expect(mayImportPackage('server/http/uws.ts', 'uWebSockets.js')).toBeUndefined();
    expect(mayImportPackage('server/sync/upgrade.ts', 'uWebSockets.js')).toContain('server/http/uws.ts');
    expect(mayImportPackage('server/http/answer.ts', 'uWebSockets.js')).toContain('one importer');
    expect(mayImportPackage('server/http/answer.ts', 'uWebSockets.js', { typeOnly: true })).toBeUndefined();
    expect(mayImportPackage('server/sync/upgrade.ts', 'yjs')).toBeUndefined();
  });

  test('tests and tools are exempt', () => {
    expect(isExempt('server/sync/room.test.ts')).toBe(true);
    expect(isExempt('e2e/offline.spec.ts')).toBe(true);
    expect(isExempt('vite.config.ts')).toBe(true);
    expect(isExempt('server/sync/room.ts')).toBe(false);
  });
});
