/** Building the programs by Go, from the module proxy. Nothing of their source comes into this repository. */
import {
  copyFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { lastLines, run } from '../lib/run.ts';
import { FOLDER, KUBERNETES, missingPrograms, pathOf, PROGRAMS } from './binaries.ts';
import { goModule } from './go-module.ts';

const MODULE = `k8s.io/kubernetes@v${KUBERNETES}`;
const DOWNLOAD_MS = 10 * 60_000;
const BUILD_MS = 60 * 60_000;

/** A program could not be built: no Go, no proxy, or a compiler that is too old. */
export class BuildError extends Error {}

/**
 * Build what is missing; a program that is there is finished, because it is moved there when it is.
 * @param say gets a line about each program
 * @throws {BuildError}
 */
export async function build(say: (line: string) => void, signal?: AbortSignal): Promise<void> {
  const missing = missingPrograms();
  if (missing.length === 0) return;
  mkdirSync(FOLDER, { recursive: true });
  const work = mkdtempSync(join(FOLDER, 'build-'));
  const go = async (args: readonly string[], timeoutMs: number): Promise<string> => {
    // What a user's Go is told elsewhere (-mod=vendor, a workspace) is not meant for this module.
    const env = { CGO_ENABLED: '0', GOFLAGS: '-mod=mod -trimpath -buildvcs=false', GOWORK: 'off', GOBIN: work };
    const { exitCode, stdout, stderr, ended } = await run('go', args, { cwd: work, env, timeoutMs, signal });
    signal?.throwIfAborted();
    if (exitCode === 127) throw new BuildError('there is no Go here: install it (https://go.dev/dl/), 1.24 or later');
    if (exitCode !== 0)
      throw new BuildError([`go ${args[0]} ${ended ?? 'failed'}`, ...lastLines(stderr || stdout, 5)].join('\n'));
    return stdout;
  };
  try {
    say(`Downloading ${MODULE}`);
    const { Dir } = JSON.parse(await go(['mod', 'download', '-json', MODULE], DOWNLOAD_MS)) as { Dir: string };
    writeFileSync(join(work, 'go.mod'), goModule(readFileSync(join(Dir, 'go.mod'), 'utf8'), KUBERNETES));
    copyFileSync(join(Dir, 'go.sum'), join(work, 'go.sum'));
    // The module cache is read-only, and so is a copy of its file.
    chmodSync(join(work, 'go.sum'), 0o644);
    const [major, minor] = KUBERNETES.split('.');
    const version = { gitVersion: `v${KUBERNETES}`, gitMajor: major, gitMinor: minor };
    const said = Object.entries(version).map(([key, value]) => `-X k8s.io/component-base/version.${key}=${value}`);
    for (const program of missing) {
      say(`Building ${program} (minutes, the first time)`);
      const made = join(work, program);
      const flags = ['-ldflags', ['-s', '-w', ...said].join(' ')];
      // One with a version has a module of its own, and is built as that says.
      if (PROGRAMS[program].includes('@')) await go(['install', ...flags, PROGRAMS[program]], BUILD_MS);
      else await go(['build', ...flags, '-o', made, PROGRAMS[program]], BUILD_MS);
      renameSync(made, pathOf(program));
      say(`  ${pathOf(program)}`);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
