import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { paraglideVitePlugin } from '@inlang/paraglide-js';
import { sveltekit } from '@sveltejs/kit/vite';
import type { Rolldown } from 'vite';
import { defineConfig } from 'vitest/config';
import about from './package.json' with { type: 'json' };

/** Where `npm run dev` started the relay; the development server passes its doors on. */
const relay = `http://127.0.0.1:${process.env.RELAY_PORT ?? '3000'}`;

/** A module for each language: src/lib/words/words.ts loads the one that is spoken. */
const words = () =>
  paraglideVitePlugin({
    project: './project.inlang',
    outdir: './src/lib/paraglide',
    outputStructure: 'locale-modules',
    emitReadme: false,
  });

/** What Yjs says to the console, in a browser's colours, would bring a library for HTML along. The plain one does. */
const plainLogging = {
  find: /^lib0\/logging$/,
  replacement: join(import.meta.dirname, 'node_modules/lib0/logging.node.js'),
};

/** What leads to an open conversation: how Kit starts, the layouts and the page of the route. */
const LEADS_THERE = [
  'node_modules/@sveltejs/kit/src/runtime/client/entry.js',
  '.svelte-kit/generated/client-optimized/app.js',
  ...['+layout.ts', '+layout.svelte', '+error.svelte'].map((file) => `src/routes/${file}`),
  ...['+layout.ts', '+layout.svelte', 'c/[conversation]/+page.svelte'].map((file) => `src/routes/(app)/${file}`),
].map((path) => join(import.meta.dirname, path));

/** Whether a module is loaded before a conversation shows: by something that leads there, without being asked for later. */
function isFirst(id: string, modules: Rolldown.ChunkingContext): boolean {
  const first = new Set(LEADS_THERE);
  for (const one of first) for (const next of modules.getModuleInfo(one)?.importedIds ?? []) first.add(next);
  return first.has(id);
}

/**
 * What shows a conversation is two files: what others wrote, which stays the same from version to version, and what is ours. Two dozen
 * small ones compress a tenth worse. What is loaded later stays by itself.
 */
const CHUNKS = [
  {
    name: (id: string, modules: Rolldown.ChunkingContext) =>
      id.includes('node_modules') && isFirst(id, modules) ? 'floor' : null,
    priority: 1,
  },
  { name: (id: string, modules: Rolldown.ChunkingContext) => (isFirst(id, modules) ? 'first' : null) },
];

/** What takes a moment takes seconds on a machine that does something else as well: a test that waits for something waits that long. */
const PATIENCE = { testTimeout: 90_000, hookTimeout: 90_000, expect: { poll: { timeout: 30_000 } } };

export default defineConfig({
  plugins: [words(), sveltekit()],
  resolve: { alias: [plainLogging] },
  server: {
    proxy: {
      '/api': relay,
      '/sync': { target: relay.replace('http', 'ws'), ws: true },
      '/calls/peerjs': { target: relay.replace('http', 'ws'), ws: true },
    },
  },
  define: { __APP_VERSION__: JSON.stringify(about.version) },
  // Kit's own cookie is an older one than the relay's: bundled, so that the two do not meet.
  ssr: { noExternal: ['cookie'] },
  build: { target: 'es2022' },
  environments: { client: { build: { rolldownOptions: { output: { codeSplitting: { groups: CHUNKS } } } } } },
  test: {
    // Tests wait more than they compute: by itself vitest would leave one of two cores alone.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        extends: true,
        resolve: { conditions: ['browser'] },
        test: {
          ...PATIENCE,
          name: 'client',
          environment: 'happy-dom',
          include: ['src/**/*.test.ts'],
          exclude: ['src/shared/**'],
        },
      },
      {
        plugins: [],
        test: {
          ...PATIENCE,
          name: 'server',
          environment: 'node',
          globalSetup: 'server/storage/test-server.ts',
          include: ['server/**/*.test.ts', 'scripts/**/*.test.{ts,mjs}', 'src/shared/**/*.test.ts'],
        },
      },
    ],
  },
});
