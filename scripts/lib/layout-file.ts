/** Where a run's pods are: a file that is written when they are made, and read by the run's scenario. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './stacks.ts';

/** The environment by which the runner tells a scenario of the file. */
export const LAYOUT_VARIABLE = 'SIDECAR_STACKS_LAYOUT';

/** What runs a stack's pods; docker compose has no such file. */
export interface AnyLayout {
  readonly on: 'podman' | 'kubernetes';
}

const FOLDER = join(ROOT, '.cache', 'layouts');

/** The file of a run. */
export const layoutFile = (run: string): string => join(FOLDER, `${run}.json`);

export function writeLayout(run: string, layout: AnyLayout): void {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(layoutFile(run), JSON.stringify(layout));
}

/** @returns undefined where there is none: nothing was made yet */
export const readLayout = <Of extends AnyLayout>(file: string): Of | undefined =>
  existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Of) : undefined;

export const removeLayout = (run: string): void => rmSync(layoutFile(run), { force: true });
