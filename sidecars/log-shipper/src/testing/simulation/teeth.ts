/**
 * How many seeds find each defect that was mended: `node teeth.ts [SEEDS] [FIRST] [STEP]`. A defect is put back in a copy of
 * the source, and seeds are run until one fails that does not without it. Exit code 1 when fewer than nine of ten are found.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DEFECTS, FIRST, type Defect } from './defects.ts';

const [most = 10_000, first = 0, step = 1] = process.argv.slice(2).map(Number);
const source = resolve(import.meta.dirname, '../..');
const copies = resolve(source, '../../../.cache/teeth');
/** A defect may make a run go on for ever, in milliseconds. */
const PATIENCE = 30 * 60_000;

/** @returns the first seed that fails in a copy of the source, and on which disk */
function firstRed(directory: string, ...args: readonly string[]): string | undefined {
  const program = join(directory, 'testing/simulation/first-red.ts');
  const { stdout, signal, error } = spawnSync(process.execPath, [program, ...args], { timeout: PATIENCE });
  if (signal !== null || error) throw new Error(`no end within ${PATIENCE / 60_000} min`);
  return stdout.length === 0 ? undefined : String(stdout).trim();
}

/** @returns the first seed that fails with a defect, and not without it; undefined when none does */
function find({ file, now, before }: Defect, directory: string): string | undefined {
  cpSync(source, directory, { recursive: true, filter: (path) => !path.endsWith('.test.ts') });
  const path = join(directory, file);
  const text = readFileSync(path, 'utf8');
  if (text.split(now).length !== 2) throw new Error(`${file} does not have this once: ${now}`);
  writeFileSync(
    path,
    text.replace(now, () => before),
  );
  for (let from = FIRST; from < FIRST + most;) {
    const found = firstRed(directory, String(FIRST + most - from), String(from));
    if (found === undefined) return undefined;
    const [seed, disk] = found.split(' ');
    // One that fails without the defect too says nothing of it.
    if (firstRed(source, '1', seed!, disk!) === undefined)
      return `seed ${seed}${disk === 'bad' ? ' on a bad disk' : ''}`;
    from = Number(seed) + 1;
  }
  return undefined;
}

mkdirSync(copies, { recursive: true });
let found = 0;
const tried = DEFECTS.filter((_, number) => number % step === first);
for (const defect of tried) {
  const directory = join(copies, String(DEFECTS.indexOf(defect)));
  let told: string | undefined;
  try {
    told = find(defect, directory);
    if (told !== undefined) found += 1;
  } catch (error) {
    told = (error as Error).message;
  }
  rmSync(directory, { recursive: true });
  console.log(`${told ?? `none of ${most}`}: ${defect.name}`);
}
console.log(`${found} of ${tried.length}`);
process.exitCode = found >= 0.9 * tried.length ? 0 : 1;
