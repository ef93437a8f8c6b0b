/**
 * The app is a shell of static files: every address is answered with index.html and drawn on the device. The relay serves the files,
 * with the compressed ones beside them, and computes the Content-Security-Policy from the inline scripts it finds in index.html.
 */
import adapter from '@sveltejs/adapter-static';
import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';

/** @type {import('@sveltejs/kit').Config} */
export default {
  preprocess: vitePreprocess(),
  compilerOptions: { runes: ({ filename }) => (filename.includes('node_modules') ? undefined : true) },
  kit: {
    adapter: adapter({ fallback: 'index.html', precompress: true }),
    // Registered by src/lib/ui/update.svelte.ts, which also asks before a new version takes over.
    serviceWorker: { register: false },
    alias: { '#shared': 'src/shared' },
  },
};
