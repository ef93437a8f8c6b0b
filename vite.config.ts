import { paraglideVitePlugin } from '@inlang/paraglide-js';
import { sveltekit } from '@sveltejs/kit/vite';
import { defineConfig } from 'vitest/config';
import about from './package.json' with { type: 'json' };

/** Where `npm run dev` started the relay; the development server passes its two doors on. */
const relay = `http://127.0.0.1:${process.env.RELAY_PORT ?? '3000'}`;

const words = () =>
  paraglideVitePlugin({
    project: './project.inlang',
    outdir: './src/lib/paraglide',
    strategy: ['localStorage', 'preferredLanguage', 'baseLocale'],
    localStorageKey: 'language',
    isServer: 'false',
    emitReadme: false,
  });

export default defineConfig({
  plugins: [words(), sveltekit()],
  server: {
    proxy: {
      '/api': relay,
      '/sync': { target: relay.replace('http', 'ws'), ws: true },
    },
  },
  define: { __APP_VERSION__: JSON.stringify(about.version) },
  // Kit's own cookie is an older one than the relay's: bundled, so that the two do not meet.
  ssr: { noExternal: ['cookie'] },
  build: {
    target: 'es2022',
    rolldownOptions: {
      output: {
        // What every first visit needs, in few files: thirty small ones compress a tenth worse. What is loaded later stays by itself.
        codeSplitting: {
          groups: [{ name: 'floor', test: /node_modules[\\/](svelte|@sveltejs|esm-env|clsx|devalue|virtua)[\\/]/ }],
        },
      },
    },
  },
  test: {
    projects: [
      {
        extends: true,
        resolve: { conditions: ['browser'] },
        test: { name: 'client', environment: 'happy-dom', include: ['src/**/*.test.ts'], exclude: ['src/shared/**'] },
      },
      {
        plugins: [],
        test: {
          name: 'server',
          environment: 'node',
          globalSetup: 'server/storage/test-server.ts',
          include: ['server/**/*.test.ts', 'scripts/**/*.test.{ts,mjs}', 'src/shared/**/*.test.ts'],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
    ],
  },
});
