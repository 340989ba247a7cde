/** A test that cannot run here, on purpose: it is counted and named where `.skip` would hide it. */

export const SKIPPED_MARK = '[skipped]';

/**
 * Say that a test is left out, in place of defining it.
 * @param name the test's name
 * @param why what it would need that is not here: "it needs root"
 */
export function skipped(name: string, why: string): void {
  process.stdout.write(`\n${SKIPPED_MARK} ${name}: ${why}\n`);
}
