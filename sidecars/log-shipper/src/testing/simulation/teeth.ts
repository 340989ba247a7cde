/**
 * How many seeds find each defect that was mended: `node teeth.ts [SEEDS] [FIRST] [STEP]`. A defect is put back in a copy of
 * the source, and seeds are run until one fails. Exit code 1 when fewer than nine of ten are found.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DEFECTS, type Defect } from './defects.ts';

const [most = 10_000, first = 0, step = 1] = process.argv.slice(2).map(Number);
const source = resolve(import.meta.dirname, '../..');
const copies = resolve(source, '../../../.cache/teeth');

/** @returns the first seed that fails; undefined when none does */
function find({ file, now, before }: Defect, directory: string): number | undefined {
  cpSync(source, directory, { recursive: true, filter: (path) => !path.endsWith('.test.ts') });
  const path = join(directory, file);
  writeFileSync(
    path,
    readFileSync(path, 'utf8').replace(now, () => before),
  );
  const { stdout } = spawnSync(process.execPath, [join(directory, 'testing/simulation/first-red.ts'), String(most)]);
  return stdout.length === 0 ? undefined : Number(stdout);
}

mkdirSync(copies, { recursive: true });
let found = 0;
const tried = DEFECTS.filter((_, number) => number % step === first);
for (const defect of tried) {
  const directory = join(copies, String(DEFECTS.indexOf(defect)));
  const seed = find(defect, directory);
  rmSync(directory, { recursive: true });
  if (seed !== undefined) found += 1;
  console.log(`${seed === undefined ? `none of ${most}` : `seed ${seed}`}: ${defect.name}`);
}
console.log(`${found} of ${tried.length}`);
process.exitCode = found >= 0.9 * tried.length ? 0 : 1;
