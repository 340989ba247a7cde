/** Runs the commands that the READMEs show. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from '../lib/run.ts';
import { ROOT } from '../lib/stacks.ts';
import { commandBlocks, printsAs, unprovenCompose } from './readme-blocks.ts';
import { tally, type Tally } from './tally.ts';

export interface ReadmeOptions {
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
  /** Whether commands that need an engine are run. */
  readonly engine: boolean;
}

const DEADLINE = 120_000;

/**
 * Check every README of the project; each command counts as one check, and so does a block that
 * does not say how it is known to work.
 */
export async function checkReadmes({ print, signal, engine }: ReadmeOptions): Promise<Tally> {
  const result = tally();
  const files = globSync('**/*.md', { cwd: ROOT, exclude: ['**/node_modules/**', 'artifacts/**'] }).toSorted();
  for (const file of files) {
    const fail = (line: number, what: string): void => {
      result.failed += 1;
      print(`FAILED ${file}:${line}: ${what}`);
    };
    const markdown = readFileSync(join(ROOT, file), 'utf8');
    for (const { line } of unprovenCompose(markdown))
      fail(line, 'nothing runs this compose file: let a block follow that does, or says why nobody can');
    for (const block of commandBlocks(markdown)) {
      if (block.how === 'unsaid')
        fail(
          block.line,
          'the block does not say whether it is run: put <!-- run -->, <!-- covered: by what --> or <!-- not run: why --> before it',
        );
      // Compose files are run by examples.engine.test.ts.
      else if (block.how === 'covered' || block.how === 'not-run' || block.how === 'run-compose') result.passed += 1;
      if (block.how !== 'run' && (block.how !== 'run-engine' || !engine)) continue;
      for (const { text, expected } of block.commands) {
        // A README's commands are the project's own text, meant to be typed into a shell.
        const { exitCode, stdout, stderr } = await run('bash', ['-c', text], {
          cwd: join(ROOT, dirname(file)),
          timeoutMs: DEADLINE,
          signal,
          env: { PATH: `${join(ROOT, 'node_modules/.bin')}:${process.env['PATH']}` },
        });
        if (exitCode !== 0) fail(block.line, `${text}: exit code ${exitCode}\n${stderr.trim()}`);
        else if (expected !== undefined && !printsAs(expected, stdout))
          fail(block.line, `${text} printed\n${stdout.trim()}\nand not\n${expected.trim()}`);
        else {
          result.passed += 1;
          print(`ok ${file}: ${text}`);
        }
      }
    }
  }
  return result;
}
