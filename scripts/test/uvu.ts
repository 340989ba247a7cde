/**
 * Runs uvu test files, each in a process of its own with a deadline. uvu's exit code is 0 although
 * nothing passed when a file forgets to run, a hook throws or a test rejects with a non-Error, so
 * its printed totals are read: a file is green only when it held tests and all of them passed, or named each that it
 * left out.
 */
import { spawn } from 'node:child_process';
import { relative } from 'node:path';
import { SKIPPED_MARK } from '#kit/testing/skipped.ts';
import { ended, HELD } from '../lib/ended.ts';
import { ROOT } from '../lib/stacks.ts';
import { faultsIn, WATCH_ARGUMENTS } from '../lib/uvu/findings.ts';
import { tally, type Tally } from './tally.ts';

export interface FileReport extends Tally {
  readonly file: string;
  readonly ms: number;
  /** What is wrong beyond failed tests. */
  readonly fault?: string;
  /** Tests that were left out on purpose, each with its reason. */
  readonly skipped: readonly string[];
  readonly output: string;
}

export interface FileOptions {
  /** Deadline in milliseconds. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/**
 * Run one file.
 * @param file absolute path
 */
export async function runFile(file: string, { timeout, signal }: FileOptions): Promise<FileReport> {
  const started = performance.now();
  const child = spawn(process.execPath, [...WATCH_ARGUMENTS, file], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: { ...process.env, FORCE_COLOR: '0' },
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  let late = false;
  const end = (): void => {
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {
      // It has just ended by itself.
    }
  };
  const timer = setTimeout(() => {
    late = true;
    end();
  }, timeout);
  signal.addEventListener('abort', end, { once: true });
  const { code, held } = await ended(child);
  clearTimeout(timer);
  signal.removeEventListener('abort', end);
  const faults = [...(held ? [HELD] : []), ...faultsIn(output, child.pid!)];
  const report = judge(output, code, { deadline: late ? timeout : undefined, faults });
  return {
    file: relative(ROOT, file),
    ms: performance.now() - started,
    output,
    skipped: skippedIn(output),
    ...report,
  };
}

/** Tests that a file has left out by name, each with its reason. */
const skippedIn = (output: string): string[] =>
  output
    .split('\n')
    .filter((line) => line.startsWith(`${SKIPPED_MARK} `))
    .map((line) => line.slice(SKIPPED_MARK.length + 1));

/**
 * What a file's output and exit code amount to.
 * @param output stdout and stderr
 * @param code exit code, null when it was killed
 * @param how `deadline` in milliseconds when it passed; `faults` that the process noted itself
 */
export function judge(
  output: string,
  code: number | null,
  { deadline, faults = [] }: { deadline?: number | undefined; faults?: readonly string[] } = {},
): Tally & { fault?: string } {
  const count = (label: string): number =>
    [...output.matchAll(new RegExp(`^ {2}${label}:\\s+(\\d+)`, 'gm'))].reduce(
      (total, [, digits]) => total + Number(digits),
      0,
    );
  const total = count('Total');
  const passed = count('Passed');
  const failed = total - passed;
  if (deadline !== undefined)
    return {
      passed,
      failed: failed + 1,
      fault: [`not done within ${deadline / 1000} s, and ended`, ...faults].join('; '),
    };
  // All that it holds needs what is not here.
  if (total === 0 && code === 0 && faults.length === 0 && skippedIn(output).length > 0) return { passed: 0, failed: 0 };
  if (total === 0) return { ...tally(0, 1), fault: [`ran no test (exit code ${code})`, ...faults].join('; ') };
  if (faults.length > 0) return { passed, failed: failed + faults.length, fault: faults.join('; ') };
  if (code !== 0 && failed === 0) return { passed, failed: 1, fault: `exited with ${code} although no test failed` };
  return { passed, failed };
}
