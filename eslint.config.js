/**
 * What the linter looks for: promises nobody waits for (also inside Svelte files), `any`, and imports that go the wrong way.
 * How code looks is prettier's business.
 */
import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';
import house from './scripts/lint/house.mjs';
import svelteConfig from './svelte.config.js';

const TYPED = ['**/*.ts', '**/*.svelte'];

export default ts.config(
  {
    ignores: [
      'node_modules/',
      '.svelte-kit/',
      'build/',
      'data/',
      'src/lib/paraglide/',
      'test-results/',
      'playwright-report/',
    ],
  },
  js.configs.recommended,
  ...ts.configs.recommended,
  ...svelte.configs.recommended,
  {
    languageOptions: { globals: { ...globals.browser, ...globals.node } },
    plugins: { house },
    rules: {
      'house/imports': 'error',
      // TypeScript knows which names exist.
      'no-undef': 'off',
      'no-empty': ['error', { allowEmptyCatch: false }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // One page app under one origin: addresses need no base path.
      'svelte/no-navigation-without-resolve': 'off',
    },
  },
  {
    files: TYPED,
    ignores: ['src/service-worker.ts'],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname, extraFileExtensions: ['.svelte'] },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: false } }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: false },
      ],
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser, svelteConfig } },
    rules: {
      // Both are how runes are written: `let` for props, and a read on its own line to depend on something.
      'prefer-const': 'off',
      '@typescript-eslint/no-unused-expressions': 'off',
    },
  },
);
