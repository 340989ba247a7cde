/** Images of sidecars for tests that start containers of them. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../../..');
/** As the tests' other commands see it; empty counts as absent. */
const TAG = process.env['IMAGE_TAG'] || 'dev';
/** On a machine that has none of the images, in milliseconds. */
const TIMEOUT = 840_000;

/** The name of a sidecar's image. */
export const imageOf = (sidecar: string): string => `sidecar-stacks/${sidecar}:${TAG}`;

/**
 * Build what has changed of all sidecars, so that a test runs alone, and not on an older build; a second or two where
 * nothing has. By a program of its own: a sidecar's tests import nothing of scripts.
 * @throws with what setup said
 */
export async function buildImages(): Promise<void> {
  try {
    await run(process.execPath, [join(ROOT, 'scripts/run.mjs'), 'setup'], {
      cwd: ROOT,
      timeout: TIMEOUT,
      env: { ...process.env, IMAGE_TAG: TAG },
    });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`the images could not be built:\n${stdout ?? ''}${stderr ?? ''}`, { cause: error });
  }
}

/** Remove the images that compose built for a project; one that is in use stays. */
export async function removeProjectImages(project: string): Promise<void> {
  const filter = `label=com.docker.compose.project=${project}`;
  const { stdout } = await run('docker', ['images', '--quiet', '--filter', filter]);
  const ids = new Set(stdout.split('\n').filter((id) => id !== ''));
  if (ids.size > 0) await run('docker', ['rmi', '--force', ...ids]).catch(() => {});
}
