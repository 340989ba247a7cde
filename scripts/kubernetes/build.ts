/** Building the programs by Go, from the module proxy. Nothing of their source comes into this repository. */
import { copyFileSync, chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile, go } from '../lib/go-program.ts';
import { FOLDER, KUBERNETES, missingPrograms, pathOf, PROGRAMS } from './binaries.ts';
import { fetchDefinitions, hasDefinitions } from './definitions.ts';
import { goModule } from './go-module.ts';

const MODULE = `k8s.io/kubernetes@v${KUBERNETES}`;
const DOWNLOAD_MS = 10 * 60_000;

/**
 * Build what is missing; a program that is there is finished, because it is moved there when it is.
 * @param say gets a line about each program
 * @throws {GoError}
 */
export async function build(say: (line: string) => void, signal?: AbortSignal): Promise<void> {
  const missing = missingPrograms();
  if (missing.length === 0 && hasDefinitions()) return;
  mkdirSync(FOLDER, { recursive: true });
  const cwd = mkdtempSync(join(FOLDER, 'build-'));
  try {
    if (!hasDefinitions()) {
      say('Downloading definitions of resources');
      await fetchDefinitions(cwd, signal);
    }
    if (missing.length === 0) return;
    say(`Downloading ${MODULE}`);
    const downloaded = await go(['mod', 'download', '-json', MODULE], { cwd, timeoutMs: DOWNLOAD_MS, signal });
    const { Dir } = JSON.parse(downloaded) as { Dir: string };
    writeFileSync(join(cwd, 'go.mod'), goModule(readFileSync(join(Dir, 'go.mod'), 'utf8'), KUBERNETES));
    copyFileSync(join(Dir, 'go.sum'), join(cwd, 'go.sum'));
    // The module cache is read-only, and so is a copy of its file.
    chmodSync(join(cwd, 'go.sum'), 0o644);
    const [major, minor] = KUBERNETES.split('.');
    const version = { gitVersion: `v${KUBERNETES}`, gitMajor: major, gitMinor: minor };
    const variables = Object.fromEntries(
      Object.entries(version).map(([key, value]) => [`k8s.io/component-base/version.${key}`, value!]),
    );
    for (const program of missing) {
      say(`Building ${program} (minutes, the first time)`);
      await compile(PROGRAMS[program], pathOf(program), { cwd, signal, variables });
      say(`  ${pathOf(program)}`);
    }
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}
