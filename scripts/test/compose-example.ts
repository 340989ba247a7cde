/** A compose file of a README, as it stands, alone in a folder, with the commands that are shown for it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { docker } from '../lib/engine.ts';
import { run } from '../lib/run.ts';
import { ROOT } from '../lib/stacks.ts';
import type { Example } from './free-example.ts';
import { printsAs } from './readme-blocks.ts';

/** Deadline of one command, in milliseconds. */
const DEADLINE = 120_000;

/**
 * Try it.
 * @param example the compose file, and the commands in their order, in one folder
 * @returns what is wrong with it; undefined when it does what the README says
 */
export async function tryExample({ compose, commands }: Example, signal: AbortSignal): Promise<string | undefined> {
  const cwd = mkdtempSync(join(tmpdir(), 'sidecar-stacks-example-'));
  writeFileSync(join(cwd, 'compose.yaml'), compose);
  const env = { SIDECAR_STACKS: ROOT };
  try {
    for (const { text, expected } of commands) {
      // A README's commands are the project's own text, meant to be typed into a shell.
      const { exitCode, stdout, stderr } = await run('bash', ['-c', text], { cwd, env, timeoutMs: DEADLINE, signal });
      if (exitCode !== 0) return `${text}: exit code ${exitCode}\n${stdout.trim()}\n${stderr.trim()}`;
      if (expected !== undefined && expected !== '' && !printsAs(expected, stdout))
        return `${text} printed\n${stdout.trim()}\nand not\n${expected}`;
    }
    return undefined;
  } finally {
    await docker(['compose', 'down', '--volumes', '--timeout', '1'], { cwd, env, timeoutMs: 60_000 }).catch(() => {});
    rmSync(cwd, { recursive: true, force: true });
  }
}
