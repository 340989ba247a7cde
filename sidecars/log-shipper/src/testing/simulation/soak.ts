/**
 * Many seeds, on all processors: `node soak.ts FIRST COUNT [PROCESSES]`. Of the first seed that fails in a process, the
 * simplest scenario that still fails is printed, with what was done in it; exit code 1.
 */
import '#kit/testing/simulation/install.ts';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { simulate } from './run.ts';
import { shrink } from './shrink.ts';

const [first = 1, count = 1000, processes = availableParallelism()] = process.argv.slice(2).map(Number);

async function run(): Promise<number> {
  const failed: number[] = [];
  for (let seed = first; seed < first + count; seed++) {
    const { problems } = await simulate(seed);
    if (problems.length === 0) continue;
    failed.push(seed);
    console.log(`${seed}: ${problems.slice(0, 3).join('; ')} (${problems.length})`);
  }
  const shrunk = failed[0] === undefined ? undefined : await shrink(failed[0]);
  if (shrunk === undefined) return failed.length;
  const { outcome, scenario } = shrunk;
  console.log(outcome.trace.join('\n'));
  console.log(`seed ${failed[0]} fails with ${JSON.stringify(scenario)}: ${outcome.problems.join('; ')}`);
  return failed.length;
}

async function spread(): Promise<number> {
  const share = Math.ceil(count / processes);
  const codes = await Promise.all(
    Array.from({ length: processes }, async (_, at) => {
      const its = Math.min(share, count - at * share);
      if (its <= 0) return 0;
      const range = [first + at * share, its, 1].map(String);
      const child = spawn(process.execPath, [import.meta.filename, ...range], { stdio: 'inherit' });
      const [code] = (await once(child, 'exit')) as [number | null];
      return code ?? 1;
    }),
  );
  return codes.filter((code) => code !== 0).length;
}

const began = performance.now();
const failed = processes === 1 ? await run() : await spread();
if (processes > 1) console.log(`${count} seeds in ${Math.round((performance.now() - began) / 1000)} s`);
process.exitCode = failed > 0 ? 1 : 0;
