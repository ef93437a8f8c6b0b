/** What failed, from the reports of the two runners: said once more at the end, where whoever sees only the end of a log finds it. */
import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { ROOT } from './house.mjs';

/** As much of what a test says about its failure as is said again. */
const LINES = 12;

const shortened = (text = '') => stripVTControlCharacters(text).trim().split('\n').slice(0, LINES).join('\n');

/** @returns {{ name: string, why: string }[]} */
export function failuresOfVitest(report) {
  return (report?.testResults ?? []).flatMap(({ name: path, status, message, assertionResults = [] }) => {
    const file = relative(ROOT, path);
    const failed = assertionResults.filter((one) => one.status === 'failed');
    if (failed.length === 0) return status === 'failed' ? [{ name: file, why: shortened(message) }] : [];
    return failed.map((one) => ({ name: `${file} › ${one.fullName}`, why: shortened(one.failureMessages?.[0]) }));
  });
}

/** @returns {{ name: string, why: string }[]} */
export function failuresOfPlaywright(report) {
  const specsOf = (suite) => [...(suite.specs ?? []), ...(suite.suites ?? []).flatMap(specsOf)];
  const crashes = (report?.errors ?? []).map((error) => ({ name: 'playwright', why: shortened(error.message) }));
  const failed = (report?.suites ?? []).flatMap(specsOf).filter((spec) => !spec.ok);
  const told = failed.map((spec) => {
    const errors = spec.tests.flatMap((test) => test.results).flatMap((result) => result.errors ?? []);
    return { name: `e2e/${spec.file} › ${spec.title}`, why: shortened(errors[0]?.message) };
  });
  return [...crashes, ...told];
}

/** Nothing when nothing failed. */
export const toldAgain = (failures) =>
  failures.map(({ name, why }) => `\n✗ ${name}${why === '' ? '' : `\n${why.replaceAll(/^/gm, '    ')}`}`).join('\n');
