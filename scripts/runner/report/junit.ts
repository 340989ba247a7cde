/** JUnit XML, as CI systems read it: a suite a stack, a case an obligation. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Reporter, RunResult } from '../events.ts';

/**
 * Its folder is made at once, so that a run does not end with a report that cannot be written.
 * @param file where the report is written when all is over
 * @throws {Error} when the folder can neither be found nor made
 */
export function junitReporter(file: string): Reporter {
  mkdirSync(dirname(file), { recursive: true });
  return { on() {}, close: (results) => writeFileSync(file, junit(results)) };
}

/**
 * The report as text.
 * @param results one a run
 */
export function junit(results: readonly RunResult[]): string {
  const suites = results.map((result) => {
    const failures = result.failures.filter((failure) => failure.reason !== 'obligation');
    const cases = [
      ...result.obligations.map((each) => {
        const body =
          each.state === 'not-run' || each.state === 'skipped'
            ? `<skipped${each.reason === undefined ? '' : ` message="${escape(each.reason)}"`}/>`
            : each.failure
              ? `<failure message="${escape(each.failure.message)}">${escape(each.failure.detail)}</failure>`
              : '';
        return `    <testcase classname="${escape(result.stack)}" name="${escape(each.name)}" time="${each.ms / 1000}">${body}</testcase>`;
      }),
      ...failures.map((failure) => {
        const detail = [failure.message, ...(failure.log ?? [])].join('\n');
        return `    <testcase classname="${escape(result.stack)}" name="${failure.reason}"><error message="${escape(failure.message)}">${escape(detail)}</error></testcase>`;
      }),
    ];
    const failed = result.obligations.filter((each) => each.state === 'failed').length;
    const skipped = result.obligations.filter((each) => each.state === 'not-run' || each.state === 'skipped').length;
    return [
      `  <testsuite name="${escape(result.stack)}" tests="${cases.length}" failures="${failed}" errors="${failures.length}" skipped="${skipped}" time="${result.ms / 1000}">`,
      ...cases,
      '  </testsuite>',
    ].join('\n');
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${suites.join('\n')}\n</testsuites>\n`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Escapes what XML reserves, and drops what XML 1.0 cannot hold at all. */
function escape(text: string): string {
  return text
    .replace(/(?![\t\n\r])\p{Cc}|\p{Cs}|[\uFFFE\uFFFF]/gu, '')
    .replace(/[&<>"]/g, (character) => ENTITIES[character]!);
}
