/** The summary page of a GitHub workflow: a table of the stacks, and the obligations of each. */
import { appendFileSync } from 'node:fs';
import type { Reporter, RunResult } from '../events.ts';

/** @param file that GITHUB_STEP_SUMMARY names */
export function summaryReporter(file: string): Reporter {
  return {
    on() {},
    close(results) {
      try {
        appendFileSync(file, summary(results));
      } catch (error) {
        // A page less is no failure of the run.
        process.stderr.write(`the summary was not written: ${(error as Error).message}\n`);
      }
    },
  };
}

const SIGNS = { passed: '✅', failed: '❌', skipped: '⏭️', 'not-run': '❌' } as const;

/** The page, as Markdown. */
export function summary(results: readonly RunResult[]): string {
  const rows = results.map(({ stack, ok, obligations }) => {
    const count = (state: string): number => obligations.filter((each) => each.state === state).length;
    return `| ${ok ? SIGNS.passed : SIGNS.failed} ${stack} | ${count('passed')} | ${obligations.length - count('passed') - count('skipped')} | ${count('skipped')} |`;
  });
  const details = results.map(({ stack, obligations, failures }) => {
    const lines = obligations.map(
      ({ name, state, reason }) =>
        `- ${SIGNS[state]} must ${text(name)}${reason === undefined ? '' : ` (${text(reason)})`}`,
    );
    const others = failures
      .filter(({ reason }) => reason !== 'obligation')
      .map(({ message }) => `- ❌ ${text(message)}`);
    return `<details><summary>${stack}</summary>\n\n${[...lines, ...others].join('\n')}\n\n</details>\n`;
  });
  const head = ['| Stack | Passed | Failed | Skipped |', '| --- | --- | --- | --- |'];
  return `## Stacks\n\n${[...head, ...rows].join('\n')}\n\n${details.join('\n')}\n`;
}

/** A line of text in Markdown: nothing in it is markup. */
const text = (line: string): string =>
  line
    .split('\n')[0]!
    .replaceAll(/[<>&]/g, (each) => `&#${each.charCodeAt(0)};`)
    .replaceAll(/[|*_`[\]]/g, String.raw`\$&`);
