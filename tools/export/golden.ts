/** What each stack of this repository is exported as, kept beside the code so that a change of it is seen in a diff. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { composeFiles } from '../inject/files.ts';
import { exportProject, type Exported } from './export.ts';
import type { ExportOptions } from './options.ts';

const ROOT = join(import.meta.dirname, '../..');
const STACKS = join(ROOT, 'stacks');
/** The command that writes the golden files anew. */
export const COMMAND = 'npm run export:golden';

/** Names of the repository's stacks. */
export const stacks = (): string[] =>
  readdirSync(STACKS)
    .filter((name) => existsSync(join(STACKS, name, 'compose.yaml')))
    .toSorted();

/** A stack exported as a clean checkout would be, whatever this process's environment says. */
export function exportOf(
  stack: string,
  options: Partial<Pick<ExportOptions, 'style' | 'bare' | 'components' | 'namespace'>> = {},
): Exported {
  const base = join(STACKS, stack);
  return exportProject(composeFiles(base, [], {}), { base, environment: {}, style: 'native', bare: false, ...options });
}

/** Everything of an export in one text; lines of compose files are left out, because they move with every change. */
export function goldenText({ files, findings }: Exported): string {
  const all = [
    ...findings.map(({ level, code, message }) => `# ${level} (${code}): ${message}\n`),
    ...files.map(({ path, text }) => `# --- ${path}\n${text}`),
  ];
  return all.join('').replaceAll(/(#.*?\.ya?ml):\d+/g, '$1');
}

const fileOf = (stack: string): string => join(import.meta.dirname, 'golden', `${stack}.yaml`);

/** The golden file of a stack; undefined when there is none. */
export function golden(stack: string): string | undefined {
  return existsSync(fileOf(stack)) ? readFileSync(fileOf(stack), 'utf8') : undefined;
}

/** Write the golden file of a stack. */
export function writeGolden(stack: string): void {
  writeFileSync(fileOf(stack), goldenText(exportOf(stack)));
}
