/** How many tests passed, from the reports of the two runners. */

export const NOTHING = { passed: 0, failed: 0, skipped: 0 };

export const add = (a, b) => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + b.skipped,
});

export const one = (ok) => ({ ...NOTHING, [ok ? 'passed' : 'failed']: 1 });

/** A runner that crashed, or found nothing to run, is a failure even where its report names none. */
function honest(counts, exitCode) {
  const ranNothing = counts.passed + counts.failed === 0;
  return counts.failed === 0 && (exitCode !== 0 || ranNothing) ? add(counts, one(false)) : counts;
}

export function fromVitest(report, exitCode) {
  const skipped = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0);
  return honest({ passed: report?.numPassedTests ?? 0, failed: report?.numFailedTests ?? 0, skipped }, exitCode);
}

/** A flaky test failed first and passed when it was tried again. */
export function fromPlaywright(report, exitCode) {
  const { expected = 0, flaky = 0, unexpected = 0, skipped = 0 } = report?.stats ?? {};
  return honest({ passed: expected + flaky, failed: unexpected, skipped }, exitCode);
}

export const sentence = ({ passed, failed, skipped }) =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
