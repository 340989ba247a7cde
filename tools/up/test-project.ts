/** A compose project of an engine test, in a folder of its own: brought up by the package's command, and removed. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { CommandError, runCommand } from '#kit/process/command.ts';
import { removeProjectImages } from '#kit/testing/images.ts';

export const DEBIAN = process.env['DEBIAN_BASE'] || 'sidecar-stacks/debian:trixie';
const env = { ...process.env, SIDECAR_BASE: process.env['SIDECAR_BASE'] || 'sidecar-stacks/node:26' };
const BIN = join(import.meta.dirname, '../bin.ts');
const MINUTES = 300_000;

export interface TestProject {
  readonly name: string;
  readonly folder: string;
  /** Its compose.yaml. */
  readonly write: (compose: string) => void;
  /** The package's command. */
  readonly ours: (...args: string[]) => Promise<{ code: number; said: string }>;
  readonly docker: (...args: string[]) => Promise<string>;
  /** Ids of running containers by service. */
  readonly containers: () => Promise<Map<string, string>>;
}

let number = 0;
export async function inProject(use: (project: TestProject) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'up-'));
  const name = `up-${process.pid}-${number++}`;
  const docker = async (...args: string[]): Promise<string> =>
    (await runCommand(['docker', ...args], { cwd: folder, env, timeout: MINUTES, maxOutput: 1_000_000 })).stdout.trim();
  try {
    // Its owner alone can read it, as it should be.
    writeFileSync(join(folder, 'auth_htpasswd'), `ann:${hashSync('secret', 4)}\n`, { mode: 0o600 });
    await use({
      name,
      folder,
      write: (compose) => writeFileSync(join(folder, 'compose.yaml'), compose),
      ours: async (command, ...args) => {
        const argv = [process.execPath, BIN, command!, '-p', name, ...args];
        try {
          const { stdout, stderr } = await runCommand(argv, { cwd: folder, env, timeout: MINUTES });
          return { code: 0, said: stdout + stderr };
        } catch (error) {
          if (!(error instanceof CommandError) || error.code === undefined) throw error;
          return { code: error.code, said: error.stdout + error.stderr };
        }
      },
      docker,
      containers: async () => {
        const filter = `label=com.docker.compose.project=${name}`;
        const lines = await docker(
          'ps',
          '--filter',
          filter,
          '--format',
          '{{.Label "com.docker.compose.service"}} {{.ID}}',
        );
        return new Map(lines.split('\n').map((line) => line.split(' ') as [string, string]));
      },
    });
  } finally {
    await docker('compose', '-p', name, 'down', '--volumes', '--remove-orphans', '--timeout', '2').catch(() => {});
    await removeProjectImages(name);
    rmSync(folder, { recursive: true });
  }
}

export const contentOf = (folder: string): string[][] =>
  readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]);
